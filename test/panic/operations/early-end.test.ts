import { describe, expect, it } from 'vitest';
import { earlyEnd, withinHostTime } from '../../../src/panic/operations/early-end.ts';

describe('withinHostTime', () => {
  it('more seconds than a timer takes → not ended early', async () => {
    // 2^31 ms and more would be 1 ms.
    for (const seconds of [2 ** 31 / 1000, 90_001_080]) {
      const early = await withinHostTime(seconds, async (signal) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return earlyEnd(signal);
      });
      expect(early).toBeUndefined();
    }
  });

  it('no time → aborted with a reason that names the limit', async () => {
    const early = await withinHostTime(0, async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return earlyEnd(signal);
    });
    expect(early).toMatchObject({
      code: 'host-time-exceeded',
      message: expect.stringContaining('after 0 s'),
    });
  });
});
