/** Defines an operation: one request to the service, persisted before it starts. */

import type { Actor } from './access.ts';
import type { ToolWords } from './capture.ts';
import type { ImageImport } from './image.ts';
import type { Made } from './made.ts';
import type { LeaveRequest, PanicRequest, StartRequest } from './request.ts';
import type { UnsupportedUse } from './unsupported.ts';

export type OperationState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';

export type Operation = {
  readonly id: string;
  readonly kind: 'panic' | 'kexec' | 'restart' | 'start' | 'stop' | 'reset' | 'import' | 'verify' | 'repair';
  readonly state: OperationState;
  readonly phase: string;
  /** What it waits for, to be read after "waits for"; absent once it has ended. Follows from kind, state and phase, and is not stored. */
  readonly waitsFor?: string;
  readonly partitionId?: string;
  readonly captureId?: string;
  /** It left a trace: `GET /operations/:id/trace`. A crash's trace is its capture's. */
  readonly traced?: true;
  /** Of a kexec or a restart: what the guest used since power-on that the machine lacks; of a crash, its capture says so. */
  readonly unsupported?: readonly UnsupportedUse[];
  /** Of a kexec or a restart: what kexec-tools printed since power-on; of a crash, its capture says so. */
  readonly words?: readonly ToolWords[];
  /** Of a crash, a kexec or a restart: how it came to be. */
  readonly made?: Made;
  readonly error?: { readonly code: string; readonly message: string };
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Absent: the daemon itself, or an earlier release, which did not keep it. */
  readonly requestedBy?: Actor;
};

export type OperationKind = Operation['kind'];

/** What an operation is to do. */
export type OperationRequest =
  | { readonly kind: 'panic'; readonly partitionId: string; readonly options: PanicRequest }
  | { readonly kind: 'kexec' | 'restart'; readonly partitionId: string; readonly options: LeaveRequest }
  | { readonly kind: 'start' | 'reset'; readonly partitionId: string; readonly options?: StartRequest }
  | { readonly kind: 'stop'; readonly partitionId: string }
  | { readonly kind: 'import'; readonly options: ImageImport }
  /** Of the store. */
  | { readonly kind: 'verify' | 'repair' };
