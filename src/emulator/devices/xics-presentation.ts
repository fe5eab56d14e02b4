/**
 * One XICS presentation controller and the source state that it works on: what is presented, accepted, rejected.
 * Source: QEMU 7.2 hw/intc/xics.c and Linux 6.1 arch/powerpc/kvm/book3s_xics.c (XIRR = CPPR and XISR, MFRR; rejection). The sources themselves are in xics.ts.
 */

export type InterruptKind = 'level' | 'msi';

/** XISR of an interrupt sent through MFRR. */
export const XISR_IPI = 2;
/** The priority that no interrupt has: a source with it is masked, an MFRR with it is empty. */
export const LEAST_FAVOURED = 0xff;
/** The external interrupt input of one interrupt server. */
export type XicsServer = {
  readonly hardwareId: number;
  setExternalInterrupt(asserted: boolean): void;
};

export type Source = {
  readonly number: number;
  readonly kind: InterruptKind;
  server: number;
  priority: number;
  /** What ibm,int-on restores. */
  savedPriority: number;
  /** Level sources: the line. */
  asserted: boolean;
  /** Level sources: given to a presentation controller and not yet ended there. */
  sent: boolean;
  /** Message sources: an edge that waits, either for its priority or because a presentation controller rejected it. */
  waiting: boolean;
};

export type Presentation = {
  readonly server: XicsServer;
  cppr: number;
  xisr: number;
  mfrr: number;
  pendingPriority: number;
  /** Where XISR came from; undefined for an IPI. */
  owner: Source | undefined;
  inService: number[];
};

/** As at power-on: everything masked. */
export function fresh(server: XicsServer): Presentation {
  return {
    server,
    cppr: 0,
    xisr: 0,
    mfrr: LEAST_FAVOURED,
    pendingPriority: LEAST_FAVOURED,
    owner: undefined,
    inService: [],
  };
}

/** CPPR in the top byte, XISR below. */
export function xirrOf(icp: Presentation): number {
  return ((icp.cppr << 24) | icp.xisr) >>> 0;
}

export function present(icp: Presentation, xisr: number, priority: number, owner: Source | undefined): void {
  icp.xisr = xisr;
  icp.pendingPriority = priority;
  icp.owner = owner;
  icp.server.setExternalInterrupt(true);
}

/** Presents the IPI in MFRR if it passes. */
export function presentIpi(icp: Presentation): void {
  if (icp.mfrr >= icp.cppr) return;
  if (icp.xisr !== 0 && icp.pendingPriority <= icp.mfrr) return;
  reject(icp);
  present(icp, XISR_IPI, icp.mfrr, undefined);
}

/** Takes back what is presented; its source will offer it again. An IPI stays in MFRR. */
export function reject(icp: Presentation): void {
  if (icp.xisr === 0) return;
  if (icp.owner !== undefined) giveBack(icp.owner);
  withdraw(icp);
}

/** Nothing is presented any more. */
export function withdraw(icp: Presentation): void {
  icp.xisr = 0;
  icp.pendingPriority = LEAST_FAVOURED;
  icp.owner = undefined;
  icp.server.setExternalInterrupt(false);
}

/** The interrupt is its source's again, to be offered later. */
export function giveBack(source: Source): void {
  if (source.kind === 'level') source.sent = false;
  else source.waiting = true;
}
