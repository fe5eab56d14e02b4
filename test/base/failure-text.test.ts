import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { assert, FormatError } from '../../src/base/errors.ts';
import { failureText, HostFileError, hostFile, hostFileAsync } from '../../src/base/failure-text.ts';

const folder = mkdtempSync(join(tmpdir(), 'kdumpd-text-'));
afterAll(() => rmSync(folder, { recursive: true }));
const missing = join(folder, 'secret-name');

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('failureText', () => {
  it('errors of the file system → words and the code, no path', () => {
    const texts = [missing, folder, `${missing}/x`].map((path) =>
      failureText(thrownBy(() => readFileSync(path))),
    );
    expect(texts).toEqual([
      'a file of the service cannot be used: there is no such file (ENOENT)',
      'a file of the service cannot be used: it is a folder (EISDIR)',
      'a file of the service cannot be used: there is no such file (ENOENT)',
    ]);
  });

  it('a connection that is refused → says so, without an address', async () => {
    const error = await new Promise((resolve) => connect(1, '127.0.0.1').on('error', resolve));
    expect(failureText(error)).toBe('a connection cannot be used: ECONNREFUSED');
  });

  it('a bug of ours → its message and its place in this program, from its top folder on', () => {
    const text = failureText(thrownBy(() => assert(false, 'it holds')));
    expect(text).toMatch(/^it holds \(assert src\/base\/errors\.ts:\d+/);
    expect(text).not.toContain(process.cwd());
  });

  it('our own errors, and what is no Error → as they are', () => {
    expect(failureText(new FormatError('a/b', 'it is damaged'))).toBe('it is damaged');
    expect(failureText('thrown')).toBe('thrown');
  });
});

describe('hostFile', () => {
  it('an error of the file system → HostFileError with role and code, the path in its cause alone', async () => {
    for (const error of [
      thrownBy(() => hostFile('the kernel', () => readFileSync(missing))),
      await hostFileAsync('the kernel', () => readFile(missing)).catch((each: unknown) => each),
    ]) {
      expect(error).toBeInstanceOf(HostFileError);
      expect(error).toMatchObject({
        code: 'ENOENT',
        message: 'the kernel cannot be used: there is no such file (ENOENT)',
        cause: { path: missing },
      });
      expect(failureText(error)).not.toContain(folder);
    }
  });

  it('other errors and values → passed', async () => {
    expect(hostFile('x', () => 5)).toBe(5);
    const error = new FormatError('a/b', 'c');
    expect(
      thrownBy(() =>
        hostFile('x', () => {
          throw error;
        }),
      ),
    ).toBe(error);
    await expect(hostFileAsync('x', () => Promise.reject(error))).rejects.toBe(error);
  });
});
