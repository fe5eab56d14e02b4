/** Lists kexecs and restarts, newest first. Their traces belong to the operations: there is no capture. */

import type { JSX } from 'preact';
import type { Operation } from '../model/api.ts';
import { formatAge } from '../model/format.ts';
import { operationLink } from '../model/router.ts';
import { now, operations, partitionName } from '../model/state.ts';
import { OperationChip } from './common.tsx';

const ROWS = 20;

export function LeaveList(): JSX.Element | null {
  const leaves = [...operations.value.values()]
    .filter(({ kind }) => kind === 'kexec' || kind === 'restart')
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  if (leaves.length === 0) return null;
  return (
    <section class="panel captures" aria-labelledby="leaves-title">
      <div class="panel-head">
        <h2 id="leaves-title">Kexecs and restarts</h2>
      </div>
      <div class="table-scroll">
        <table class="captures-table">
          <thead>
            <tr>
              <th scope="col">Operation</th>
              <th scope="col">Partition</th>
              <th scope="col">Outcome</th>
              <th scope="col">Phase</th>
              <th scope="col">When</th>
            </tr>
          </thead>
          <tbody>
            {leaves.slice(0, ROWS).map((operation) => (
              <Row key={operation.id} operation={operation} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Row({ operation }: { readonly operation: Operation }): JSX.Element {
  const { id, partitionId = '', phase, error, createdAt } = operation;
  return (
    <tr>
      <td>
        <a href={operationLink(id)} class="mono">
          {id}
        </a>
      </td>
      <td>{partitionName(partitionId)}</td>
      <td>
        <OperationChip operation={operation} />
      </td>
      <td>
        {phase.replace('-', ' ')}
        {error === undefined ? null : <div class="faint reason">{error.message}</div>}
      </td>
      <td class="nowrap">
        <time dateTime={createdAt} title={createdAt}>
          {formatAge(createdAt, now.value)}
        </time>
      </td>
    </tr>
  );
}
