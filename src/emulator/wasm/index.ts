/** The WebAssembly encoder; knows nothing of Power. */
export { address, FunctionBody, type Local } from './body.ts';
export * from './expr.ts';
export { call, callVoid, type FunctionRef, ModuleBuilder, type Signature } from './module.ts';
export * from './simd.ts';
