/** Flattened device trees: parsing and building, for every folder. */

export { buildFdt } from './build.ts';

export { FDT_HEADER } from './layout.ts';
export { fdtSize, parseFdt } from './parse.ts';
export type { FdtNode, FdtReservation, FdtTree, PropertyValue } from './tree.ts';
export {
  asNumber,
  asString,
  asStrings,
  asU32,
  asU64,
  cells,
  findNode,
  node,
  propertyValue,
  u32,
  u64,
  walkTree,
} from './tree.ts';
