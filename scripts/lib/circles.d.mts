/** A file or folder, and what it imports. */
type Imports = ReadonlyMap<string, readonly string[]>;

export function fileCircles(imports: Imports): string[][];
export function folderCircles(imports: Imports): string[][];
