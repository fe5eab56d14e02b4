/** Reads the file of `serve --fleet`: a JSON array of bodies of `POST /partitions`. */

import { readFileSync } from 'node:fs';
import { FormatError } from '../base/errors.ts';
import type { PartitionRequest } from '../panic/contract/index.ts';
import { partitionRequestProblem } from '../server/index.ts';

/** @throws FormatError `fleet/file`, `fleet/shape` */
export function readFleetFile(path: string): readonly PartitionRequest[] {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new FormatError('fleet/file', `${path} cannot be read as JSON`, { what: path, cause });
  }
  if (!Array.isArray(value))
    throw new FormatError('fleet/shape', `${path} is not an array of partitions`, { what: path });
  const names = new Set<string>();
  return value.map((each: unknown, i): PartitionRequest => {
    const problem = partitionRequestProblem(each);
    if (problem !== undefined)
      throw new FormatError('fleet/shape', `${path}: partition ${i + 1}: ${problem}`, { what: path });
    const request = each as PartitionRequest;
    if (request.name !== undefined && names.has(request.name))
      throw new FormatError('fleet/shape', `${path}: two partitions have the name ${request.name}`, {
        what: path,
      });
    if (request.name !== undefined) names.add(request.name);
    return request;
  });
}
