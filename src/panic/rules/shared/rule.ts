/** A rule of the handoff, and the posts and sources that say what must hold. */

import type { HandoffPath } from '../../trace/index.ts';
import type { Judge } from './input.ts';

/** The chapters of docs/handoff.md, in its order. */
export const CHAPTERS = ['ways in', 'load time', 'T0 to T1', 'T1 to T4'] as const;
export type Chapter = (typeof CHAPTERS)[number];

type SourceName =
  | 'herrenschmidt'
  | 'kexec-ppc64'
  | 'biederman'
  | 'mohan'
  | 'miller'
  | 'linux'
  | 'kexec-tools'
  | 'kdumpd';

/** Who says so. Posts are named by author, list and date. */
export const SOURCES: Readonly<Record<SourceName, string>> = {
  herrenschmidt: 'Benjamin Herrenschmidt, linux-kernel, 15 July 2004',
  biederman: 'Eric Biederman, linux-kernel and fastboot, 20 August 2004',
  'kexec-ppc64': 'Milton Miller and R Sharada, Linux fce0d5740322 ("ppc64: kexec support for ppc64"), 2005',
  miller: 'Milton Miller, linuxppc-dev, 9 June 2007',
  mohan: 'Mohan Kumar M, linuxppc-dev, 2008, on a patch by Milton Miller',
  linux: 'Linux 6.1',
  'kexec-tools': 'kexec-tools 2.0.25',
  kdumpd: 'this project: what the emulator sees is compared with what the guest leaves',
};

/** What a rule says, before it has a judge. */
export type RuleText = {
  readonly name: string;
  readonly chapter: Chapter;
  /** What must hold, in one sentence. */
  readonly asks: string;
  /** The ways out of the old kernel that it is about. */
  readonly paths: readonly HandoffPath[];
  readonly sources: readonly SourceName[];
};

export type Rule<Name extends string = string> = Omit<RuleText, 'name' | 'sources'> & {
  readonly name: Name;
  /** Who says so, in words. */
  readonly source: string;
  readonly judge: Judge;
};
