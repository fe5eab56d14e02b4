/** Defines the mark of each kind of event: a colour of the theme and a shape, so that no meaning depends on colour alone. */

import type { TraceEventKind } from '../../../src/panic/trace/index.ts';

export type Shape = 'circle' | 'square' | 'diamond' | 'triangle' | 'bar' | 'hexagon';
export type KindStyle = { readonly label: string; readonly colour: string; readonly shape: Shape };

const STYLES: Readonly<Record<TraceEventKind, KindStyle>> = {
  fetch: { label: 'fetch', colour: 'var(--k-blue)', shape: 'circle' },
  store: { label: 'store', colour: 'var(--k-orange)', shape: 'square' },
  msr: { label: 'MSR change', colour: 'var(--k-violet)', shape: 'bar' },
  hcall: { label: 'hypercall', colour: 'var(--k-green)', shape: 'diamond' },
  rtas: { label: 'RTAS call', colour: 'var(--k-teal)', shape: 'diamond' },
  interrupt: { label: 'interrupt', colour: 'var(--k-red)', shape: 'triangle' },
  eoi: { label: 'end of interrupt', colour: 'var(--k-teal)', shape: 'triangle' },
  syscall: { label: 'system call', colour: 'var(--k-green)', shape: 'square' },
  'syscall-return': { label: 'system call return', colour: 'var(--k-teal)', shape: 'square' },
  reset: { label: 'reset', colour: 'var(--k-red)', shape: 'hexagon' },
  run: { label: 'run state', colour: 'var(--k-grey)', shape: 'bar' },
  census: { label: 'census', colour: 'var(--k-grey)', shape: 'circle' },
  disk: { label: 'disk', colour: 'var(--k-brown)', shape: 'hexagon' },
  fault: { label: 'injected fault', colour: 'var(--k-red)', shape: 'diamond' },
};

export function styleOf(kind: TraceEventKind): KindStyle {
  return STYLES[kind];
}

/** The outline of a shape of radius `r` around 0, 0. */
export function outline(shape: Shape, r: number): string {
  switch (shape) {
    case 'circle':
      return `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
    case 'square':
      return `M${-r * 0.88} ${-r * 0.88}h${r * 1.76}v${r * 1.76}h${-r * 1.76}z`;
    case 'diamond':
      return `M0 ${-r * 1.2}L${r * 1.2} 0L0 ${r * 1.2}L${-r * 1.2} 0z`;
    case 'triangle':
      return `M0 ${-r * 1.1}L${r * 1.1} ${r * 0.95}H${-r * 1.1}z`;
    case 'bar':
      return `M${-r * 0.5} ${-r * 1.25}h${r}v${r * 2.5}h${-r}z`;
    case 'hexagon':
      return `M${-r} 0L${-r * 0.5} ${-r}H${r * 0.5}L${r} 0L${r * 0.5} ${r}H${-r * 0.5}z`;
  }
}
