/** Reads the version of this program from its package.json. */

import { readFileSync } from 'node:fs';
import { installedFile } from '../base/installation.ts';

export function packageVersion(): string {
  const file: unknown = JSON.parse(readFileSync(installedFile('package.json'), 'utf8'));
  return typeof file === 'object' && file !== null && 'version' in file ? String(file.version) : 'unknown';
}
