/**
 * Detects a crash that does not end: a kernel without a crash kernel that panicked and does not reboot, one that called ibm,os-term
 * and does not (Linux says when it gives up), or a panicking CPU that waits without limit for a secondary which keeps executing and never answers. Such a
 * partition does not rest, and only the timeout would end the crash. Linux waits so where the panic timeout is not
 * positive (6.1 arch/powerpc/kexec/crash.c, crash_kexec_prepare_cpus). A wait with a limit reads the timebase; its CPU
 * is not parked, and it is not reported here.
 */

import type { OsTerm, Session, Standstill } from '../guest/session.ts';
import type { Prepared } from './prepare.ts';

type Recorder = Prepared['recorder'];

/** Guest seconds between two polls, and how long the master must have waited: as long as Linux does before it gives up. */
const LOOK_SECONDS = 1;
const WAIT_SECONDS = 10;
/** Guest seconds that a kernel which panicked without a crash kernel gets to reboot: more than `panic=` usually says. */
const REBOOT_SECONDS = 300;

/**
 * What the kernel that runs said by ibm,os-term. The crashed kernel may have said it on its way to the crash kernel
 * (crash_kexec_post_notifiers), which does not answer for it.
 * @param recorder of the crash; absent: it is not recorded
 */
export function osTermOf(
  { osTerm }: Session,
  recorder?: Pick<Recorder, 'entryOfKernel'>,
): OsTerm | undefined {
  const entry = recorder?.entryOfKernel;
  return osTerm !== undefined && (entry === undefined || osTerm.insn > entry.insn) ? osTerm : undefined;
}

/** A guest that came to the end of its panic, or called ibm,os-term and continues without an end. @param recorder as in {@link osTermOf} */
export function overdueRestart(
  session: Session,
  recorder?: Pick<Recorder, 'entryOfKernel'>,
): Standstill | undefined {
  if (session.panicEnd !== undefined) return { kind: 'standing' };
  const osTerm = osTermOf(session, recorder);
  return osTerm !== undefined && session.seconds - osTerm.seconds >= REBOOT_SECONDS
    ? { kind: 'standing' }
    : undefined;
}

export class StuckMaster {
  readonly #session: Session;
  readonly #prepared: Prepared;
  #looked = 0;
  #looking = false;
  #since: number | undefined;
  #failure: Error | undefined;

  constructor(session: Session, prepared: Prepared) {
    this.#session = session;
    this.#prepared = prepared;
  }

  /** Call it at every notice. @returns `standing` once the master has waited too long. @throws Error when its state cannot be read */
  look(): Standstill | undefined {
    // A partition whose worker died has ended as well, and that says why.
    if (this.#session.ended !== undefined) return undefined;
    if (this.#failure !== undefined) throw this.#failure;
    const { recorder, image } = this.#prepared;
    const { phase, master } = recorder;
    const { seconds } = this.#session;
    const overdue = overdueRestart(this.#session, recorder);
    if (overdue !== undefined) return overdue;
    if (image === undefined && phase === 'panic') {
      this.#since ??= seconds;
      return seconds - this.#since >= REBOOT_SECONDS ? { kind: 'standing' } : undefined;
    }
    if (image === undefined || master === undefined || (phase !== 'panic' && phase !== 'handoff')) {
      this.#since = undefined;
      return undefined;
    }
    if (this.#since !== undefined && seconds - this.#since >= WAIT_SECONDS) return { kind: 'standing' };
    if (!this.#looking && seconds - this.#looked >= LOOK_SECONDS) this.#ask(master, seconds);
    return undefined;
  }

  #ask(master: number, seconds: number): void {
    this.#looked = seconds;
    this.#looking = true;
    this.#session.handle
      .vcpus()
      .then((cpus) => {
        const waits = cpus.find(({ index }) => index === master)?.state === 'parked';
        this.#since = waits ? (this.#since ?? seconds) : undefined;
      })
      .catch((error: Error) => {
        this.#failure = error;
      })
      .finally(() => {
        this.#looking = false;
      });
  }
}
