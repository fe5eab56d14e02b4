import { describe, expect, it } from 'vitest';
import { Session } from '../../../src/panic/guest/session.ts';
import { configOf } from '../../synth/crashing-guest.ts';
import { ScriptedPartition } from '../../synth/partition-handle.ts';

describe('Session', () => {
  it('a machine that was held and cannot be let run again has ended, and the end says why', async () => {
    const guest = new ScriptedPartition(configOf(1), {});
    guest.goOn = async () => {
      throw new Error('no such request');
    };
    const session = new Session(guest, true);
    await session.start();
    guest.hold(() => undefined);
    expect(await session.untilResting(60)).toEqual({
      kind: 'ended',
      end: { kind: 'error', message: 'it could not be let run again: no such request' },
    });
    session.close();
  });
});
