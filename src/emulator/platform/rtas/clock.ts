/** get-time-of-day and set-time-of-day. Source: QEMU 7.2 hw/ppc/spapr_rtc.c. The last cell is nanoseconds. */

import type { Rtc } from '../../devices/index.ts';
import type { RtasFamily } from '../contract/contract.ts';
import { RTAS } from '../contract/status.ts';
import { cellArg, service } from './service.ts';

export function clockServices(rtc: Rtc): RtasFamily {
  return new Map([
    [
      'get-time-of-day',
      service(0, 8, () => {
        const { year, month, day, hour, minute, second, nanosecond } = rtc.get();
        return [RTAS.success, year, month, day, hour, minute, second, nanosecond];
      }),
    ],
    [
      'set-time-of-day',
      service(7, 1, (_vcpu, args) => {
        const set = rtc.set({
          year: cellArg(args, 0),
          month: cellArg(args, 1),
          day: cellArg(args, 2),
          hour: cellArg(args, 3),
          minute: cellArg(args, 4),
          second: cellArg(args, 5),
          nanosecond: cellArg(args, 6),
        });
        return [set ? RTAS.success : RTAS.parameterError];
      }),
    ],
  ]);
}
