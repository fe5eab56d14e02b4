/** An operation: one request to the service, persisted before it starts. */

export type OperationState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';

export type Operation = {
  readonly id: string;
  readonly kind: 'panic' | 'kexec' | 'restart' | 'start' | 'stop' | 'reset' | 'import';
  readonly state: OperationState;
  readonly phase: string;
  readonly partitionId?: string;
  readonly captureId?: string;
  /** It left a trace: `GET /operations/:id/trace`. A crash's trace is its capture's. */
  readonly traced?: true;
  readonly error?: { readonly code: string; readonly message: string };
  readonly createdAt: string;
  readonly updatedAt: string;
};
