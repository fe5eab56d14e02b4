import { describe, expect, it } from 'vitest';
import { fileCircles, folderCircles } from '../../scripts/lib/circles.mjs';

const imports = (rows: Record<string, readonly string[]>): Map<string, readonly string[]> =>
  new Map(Object.entries(rows));

describe('fileCircles', () => {
  it('a chain → no circle', () => {
    expect(fileCircles(imports({ 'a/1.ts': ['a/2.ts'], 'a/2.ts': ['a/3.ts'], 'a/3.ts': [] }))).toEqual([]);
  });

  it('three files in a circle, a fourth that leads into it → the three', () => {
    const graph = imports({ '1.ts': ['2.ts'], '2.ts': ['3.ts'], '3.ts': ['1.ts'], '4.ts': ['1.ts'] });
    expect(fileCircles(graph)).toEqual([['1.ts', '2.ts', '3.ts']]);
  });

  it('two circles that one import joins → both, apart', () => {
    const graph = imports({ '1.ts': ['2.ts'], '2.ts': ['1.ts', '3.ts'], '3.ts': ['4.ts'], '4.ts': ['3.ts'] });
    expect(fileCircles(graph)).toEqual([
      ['3.ts', '4.ts'],
      ['1.ts', '2.ts'],
    ]);
  });

  it('an import of a package → ignored', () => {
    expect(fileCircles(imports({ '1.ts': ['node_modules/x/index.js'] }))).toEqual([]);
  });
});

describe('folderCircles', () => {
  it('no circle of files, but folders that import each other → the folders', () => {
    const graph = imports({ 'a/1.ts': ['b/1.ts'], 'b/1.ts': [], 'b/2.ts': ['a/2.ts'], 'a/2.ts': [] });
    expect(fileCircles(graph)).toEqual([]);
    expect(folderCircles(graph)).toEqual([['a', 'b']]);
  });

  it('a folder and the folder that it lies in import each other → a circle', () => {
    const graph = imports({ 'a/1.ts': ['a/b/1.ts'], 'a/b/1.ts': ['a/2.ts'], 'a/2.ts': [] });
    expect(folderCircles(graph)).toEqual([['a', 'a/b']]);
  });
});
