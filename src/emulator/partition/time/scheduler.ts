/**
 * Runs a partition's vCPUs in turn on one thread, deterministically: slices are counted in instructions, events and
 * input happen between slices, and the order is the order of the vCPUs.
 */

import { MSR_LOW, VECTOR } from '../../../base/power.ts';
import { STORM, type Vcpu } from '../../cpu/vcpu.ts';
import type { Engine, RunEnd } from '../../engine/engine.ts';
import type { EventClock } from './event-clock.ts';
import type { Found, SpinWatch } from './spin.ts';
import { isTraced, type Step, type Stepper } from './stepper.ts';

/** Instructions a vCPU runs before the next one's turn while several run; and while it is alone. */
const SHARED_SLICE = 50_000;
const LONE_SLICE = 1_000_000;

/**
 * When a vCPU polls the timebase, the clock jumps to the end of its wait, or by DELAY_STEP_NS a turn where that is not
 * known; in between it runs DELAY_SLICE instructions. A wait that is over soon is executed: examining it would cost more.
 */
const DELAY_STEP_NS = 100_000;
const DELAY_LEAST_NS = 20_000;
const DELAY_SLICE = 256;
const DELAY_LOOP_BYTES = 512n;

/** A vCPU that runs for less than this, in ns, does not end the partition's wait: timer ticks are shorter. */
const STIR_NS = 10_000_000;
/** A partition that has waited, and has neither printed nor moved data, for this long, rests. Nanoseconds of its own time. */
const REST_AFTER_NS = 3e9;

/** What a turn of the scheduler ended with. */
export type Turn =
  /** The host's time was up, in the middle of a slice or of events; the next turn continues there. Nothing shows it. */
  | { readonly kind: 'paused' }
  | { readonly kind: 'ran'; readonly vcpu: Vcpu; readonly end: RunEnd }
  /** Nothing will happen without input from outside. */
  | { readonly kind: 'idle' };

/** A vCPU that waits for the timebase in a loop around `nia`, and until when, where that is known. */
type Delay = { readonly vcpu: Vcpu; readonly nia: bigint; readonly untilNs: number | undefined };

/** A slice under way: what the vCPU may still execute of it, and has executed. */
type Slice = {
  readonly vcpu: Vcpu;
  readonly delay: Delay | undefined;
  readonly left: number;
  readonly executed: number;
};

export class Scheduler {
  readonly #vcpus: readonly Vcpu[];
  readonly #engine: Engine;
  readonly #clock: EventClock;
  #next = 0;
  #delay: Delay | undefined;
  /** A slice that was paused: nothing else runs before it is over. */
  #paused: Slice | undefined;
  #running: Vcpu | undefined;
  /** Instructions executed by all vCPUs. */
  instructions = 0;
  /** Nanoseconds during which every vCPU waited. */
  idleNs = 0;
  /** When the present wait began, and when a vCPU last began to run after waiting; ns since power-on. */
  #waitingSince = 0;
  #busySince = 0;
  /** The next time that no vCPU runs and one waits with interrupts off, the partition rests at once. Once. */
  restWhenStuck = false;

  /** Interrupts without a return at which a storm counts as one. */
  #stormAt = STORM;

  readonly #spins: SpinWatch;
  readonly #stepper: Stepper;

  /** A vCPU comes back from cede. */
  readonly #woken: (vcpu: Vcpu) => void;

  constructor(
    vcpus: readonly Vcpu[],
    engine: Engine,
    clock: EventClock,
    spins: SpinWatch,
    stepper: Stepper,
    woken: (vcpu: Vcpu) => void,
  ) {
    this.#woken = woken;
    this.#spins = spins;
    this.#stepper = stepper;
    this.#vcpus = vcpus;
    this.#engine = engine;
    this.#clock = clock;
  }

  /** The vCPU whose slice is running. */
  get running(): Vcpu | undefined {
    return this.#running;
  }

  /** Whether the last turn ended in the middle of a slice. */
  get paused(): boolean {
    return this.#paused !== undefined;
  }

  /**
   * One slice of one vCPU; before it, where all wait, jumps of the clock to the next event.
   * @param lastActivity when something was last printed, typed or moved (ns). Where all have waited for long enough since
   * then, or would until the next event, there is no jump: the partition rests. Read again after each event.
   * @param isTime whether the turn shall end as soon as it can, because of the host's time
   */
  turn(lastActivity: () => number, isTime: () => boolean): Turn {
    if (this.#paused !== undefined) return this.#run(this.#paused, 'resumed');
    for (;;) {
      // Devices move data in events: between two of them the owner may be heard.
      while (this.#clock.fireOne()) if (isTime()) return { kind: 'paused' };
      for (const vcpu of this.#vcpus) this.#wake(vcpu);
      const vcpu = this.#pick();
      if (vcpu !== undefined) return this.#isStorm(vcpu) ? { kind: 'idle' } : this.#slice(vcpu);
      if (!this.#waited(lastActivity())) return { kind: 'idle' };
    }
  }

  /**
   * Whether all vCPUs that the guest has started raise interrupts in the handlers of interrupts without an end, or wait in a loop
   * with interrupts off: nothing else will happen without input. Woken, they run on for as many interrupts more.
   */
  #isStorm(picked: Vcpu): boolean {
    if (picked.unreturned < STORM) this.#stormAt = STORM;
    const storms = ({ state, unreturned, systemReset }: Vcpu): boolean =>
      state === 'running' && unreturned >= this.#stormAt && !systemReset;
    const isLost = (vcpu: Vcpu): boolean =>
      vcpu.state === 'stopped' || vcpu.state === 'wedged' || isStuck(vcpu) || storms(vcpu);
    if (!storms(picked) || !this.#vcpus.every(isLost)) return false;
    this.#stormAt = picked.unreturned + STORM;
    return true;
  }

  /** No vCPU runs. @returns whether the clock jumped to what is due next; false: the partition rests. */
  #waited(lastActivity: number): boolean {
    if (this.restWhenStuck && this.#vcpus.some(isStuck)) {
      this.restWhenStuck = false;
      return false;
    }
    const next = Math.min(this.#clock.next, ...this.#vcpus.map(expiry));
    const now = this.#clock.base;
    if (now - this.#busySince > STIR_NS) this.#waitingSince = now;
    const restAt = Math.max(lastActivity, this.#waitingSince) + REST_AFTER_NS;
    this.#busySince = now;
    if (!Number.isFinite(next) || next >= restAt) return false;
    const jump = Math.max(0, next - now);
    this.idleNs += jump;
    this.#clock.advance(jump);
    this.#busySince = this.#clock.base;
    return true;
  }

  /** Whether an interrupt waits for a vCPU, MSR[EE] aside. */
  pending(vcpu: Vcpu): boolean {
    return vcpu.systemReset || vcpu.external || vcpu.doorbell || vcpu.decrementerExpiry <= this.#clock.now();
  }

  /** Delivers the first interrupt that is enabled; called before each entry to compiled code. */
  deliverPending(vcpu: Vcpu): void {
    if (vcpu.systemReset) {
      vcpu.systemReset = false;
      this.#engine.interrupt(vcpu, VECTOR.systemReset, SRESET_BY_HCALL);
      return;
    }
    if (!vcpu.msrHas(MSR_LOW.EE)) return;
    if (vcpu.external) this.#engine.interrupt(vcpu, VECTOR.external);
    else if (vcpu.decrementerExpiry <= this.#clock.now()) this.#engine.interrupt(vcpu, VECTOR.decrementer);
    else if (vcpu.doorbell) {
      vcpu.doorbell = false;
      this.#engine.interrupt(vcpu, VECTOR.directedPrivilegedDoorbell);
    }
  }

  #wake(vcpu: Vcpu): void {
    if (vcpu.state === 'ceded' && this.pending(vcpu)) {
      vcpu.state = 'running';
      this.#woken(vcpu);
    }
    if (vcpu.state !== 'parked') return;
    const enabled = vcpu.msrHas(MSR_LOW.EE);
    if (vcpu.systemReset || (enabled && this.pending(vcpu))) this.#spins.release(vcpu);
  }

  #pick(): Vcpu | undefined {
    for (let i = 0; i < this.#vcpus.length; i++) {
      const vcpu = this.#vcpus[(this.#next + i) % this.#vcpus.length] as Vcpu;
      if (vcpu.state !== 'running') continue;
      this.#next = (vcpu.index + 1) % this.#vcpus.length;
      return vcpu;
    }
    return undefined;
  }

  #slice(vcpu: Vcpu): Turn {
    const alone = this.#vcpus.every((each) => each === vcpu || each.state !== 'running');
    const until = Math.min(
      this.#clock.next,
      ...this.#vcpus.map((each) => futureExpiry(each, this.#clock.base)),
    );
    const delay = alone && this.#delay?.vcpu === vcpu ? this.#delay : undefined;
    if (delay !== undefined) {
      const helped = Math.min(delay.untilNs ?? this.#clock.base + DELAY_STEP_NS, until);
      this.#clock.advance(Math.max(0, helped - this.#clock.base));
    }
    const slice = delay !== undefined ? DELAY_SLICE : alone ? LONE_SLICE : SHARED_SLICE;
    const budget = Math.max(1, Math.min(slice, until - this.#clock.base));
    return this.#run({ vcpu, delay, left: budget, executed: 0 }, 'pausable');
  }

  #run(slice: Slice, mode: 'pausable' | 'resumed'): Turn {
    const { vcpu, delay } = slice;
    this.#paused = undefined;
    this.#running = vcpu;
    vcpu.activate();
    const traced = mode === 'pausable' && isTraced(vcpu);
    const { end, executed } = traced ? this.#traced(vcpu) : this.#engine.run(vcpu, slice.left, mode);
    const total = slice.executed + executed;
    this.instructions += executed;
    this.#clock.advance(executed);
    if (end === 'paused') {
      vcpu.pause();
      this.#running = undefined;
      this.#paused = { vcpu, delay, left: slice.left - executed, executed: total };
      return { kind: 'paused' };
    }
    // The guest reads this one: it counts whole slices.
    vcpu.instructions += total;
    this.#remember(vcpu, this.#look(vcpu, delay, end === 'budget' && total >= SHARED_SLICE));
    vcpu.deactivate();
    this.#running = undefined;
    return { kind: 'ran', vcpu, end };
  }

  /** @param delay the wait in which the vCPU was helped; @param long its slice was long enough to look for one */
  #look(vcpu: Vcpu, delay: Delay | undefined, long: boolean): Found | undefined {
    // Each step of a look is a slice of its own to the engine, so each is accounted for at once.
    const account = (count: number): void => this.#account(vcpu, count);
    if (delay === undefined) return long ? this.#spins.look(vcpu, account) : undefined;
    if (!near(vcpu.nia, delay.nia)) return undefined;
    return delay.untilNs === undefined
      ? { kind: 'delay', untilNs: undefined }
      : this.#spins.walk(vcpu, account);
  }

  /** A delay is remembered while other vCPUs run and while it was not examined; the vCPU that waits in it ends it. */
  #remember(vcpu: Vcpu, found: Found | undefined): void {
    const worthHelp =
      found?.kind === 'delay' &&
      (found.untilNs === undefined || found.untilNs - this.#clock.base >= DELAY_LEAST_NS);
    if (worthHelp) this.#delay = { vcpu, nia: vcpu.nia, untilNs: found.untilNs };
    else if (this.#delay?.vcpu === vcpu && (found !== undefined || !near(vcpu.nia, this.#delay.nia)))
      this.#delay = undefined;
  }

  #traced(vcpu: Vcpu): Step {
    // A run of nothing: the engine reads MSR, and begins a slice.
    this.#engine.run(vcpu, 0);
    this.deliverPending(vcpu);
    return isTraced(vcpu) ? this.#stepper.traced(vcpu) : { end: 'budget', executed: 0 };
  }

  #account(vcpu: Vcpu, executed: number): void {
    vcpu.instructions += executed;
    this.instructions += executed;
    this.#clock.advance(executed);
  }
}

/** SRR1 bits of a system reset by H_SIGNAL_SYS_RESET: bits 42–45 as QEMU and PowerVM give them (0x4: other). */
const SRESET_BY_HCALL = 0n;

/** Only another CPU's store, or a reset, ends its wait. */
function isStuck(vcpu: Vcpu): boolean {
  return vcpu.state === 'parked' && !vcpu.msrHas(MSR_LOW.EE);
}

/** When a waiting vCPU's decrementer ends its wait: a parked one takes no interrupt while MSR[EE] is off. */
function expiry(vcpu: Vcpu): number {
  const wakes = vcpu.state === 'ceded' || (vcpu.state === 'parked' && vcpu.msrHas(MSR_LOW.EE));
  return wakes ? vcpu.decrementerExpiry : Number.POSITIVE_INFINITY;
}

/** A decrementer that is negative already has raised its interrupt; it bounds no slice. */
function futureExpiry(vcpu: Vcpu, now: number): number {
  return vcpu.state !== 'stopped' && vcpu.decrementerExpiry > now
    ? vcpu.decrementerExpiry
    : Number.POSITIVE_INFINITY;
}

function near(a: bigint, b: bigint | undefined): boolean {
  return b !== undefined && (a > b ? a - b : b - a) <= DELAY_LOOP_BYTES;
}
