/** The WebAssembly encoder; knows nothing of Power. */
export { FunctionBody, type Local } from './body.ts';
export * from './expr.ts';
export { call, callVoid, type FunctionRef, ModuleBuilder } from './module.ts';
export * from './simd.ts';
