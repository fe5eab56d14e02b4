/** claim and release. Source: IEEE 1275-1994 §6.3.2.4. What is left is shown in the memory node's property "available". */

import type { Claims } from './claims.ts';
import { argument, type ClientServices, FAILED } from './services.ts';

/** @param changed Called after every change of what is claimed. */
export function memoryServices(claims: Claims, changed: () => void): ClientServices {
  return new Map([
    [
      'claim',
      {
        nargs: 3,
        handler: (args) => {
          const base = claims.claim(argument(args, 0), argument(args, 1), argument(args, 2));
          if (base === undefined) return [FAILED];
          changed();
          return [base];
        },
      },
    ],
    [
      'release',
      {
        nargs: 2,
        handler: (args) => {
          if (claims.release(argument(args, 0), argument(args, 1))) changed();
          return [];
        },
      },
    ],
  ]);
}
