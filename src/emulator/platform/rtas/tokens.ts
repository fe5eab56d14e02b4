/**
 * Numbers of RTAS services. Firmware is free to choose them and lists them in /rtas; these are QEMU's, so that logs of
 * both machines name the same service by the same number. A service that is not listed gets a number past the last.
 */

const FIRST_FREE = 0x2100;

const TOKENS: ReadonlyMap<string, number> = new Map([
  ['display-character', 0x2000],
  ['get-time-of-day', 0x2001],
  ['set-time-of-day', 0x2002],
  ['power-off', 0x2003],
  ['system-reboot', 0x2004],
  ['query-cpu-stopped-state', 0x2005],
  ['start-cpu', 0x2006],
  ['stop-self', 0x2007],
  ['ibm,get-system-parameter', 0x2008],
  ['ibm,set-system-parameter', 0x2009],
  ['ibm,set-xive', 0x200a],
  ['ibm,get-xive', 0x200b],
  ['ibm,int-off', 0x200c],
  ['ibm,int-on', 0x200d],
  ['check-exception', 0x200e],
  ['event-scan', 0x200f],
  ['nvram-fetch', 0x2012],
  ['nvram-store', 0x2013],
  ['read-pci-config', 0x2014],
  ['write-pci-config', 0x2015],
  ['ibm,read-pci-config', 0x2016],
  ['ibm,write-pci-config', 0x2017],
  ['ibm,query-interrupt-source-number', 0x2018],
  ['ibm,change-msi', 0x2019],
  ['set-indicator', 0x201a],
  ['get-sensor-state', 0x201d],
  ['ibm,os-term', 0x201f],
  ['ibm,set-eeh-option', 0x2020],
  ['ibm,get-config-addr-info2', 0x2021],
  ['ibm,read-slot-reset-state2', 0x2022],
  ['ibm,set-slot-reset', 0x2023],
  ['ibm,configure-pe', 0x2024],
  ['ibm,slot-error-detail', 0x2025],
  ['ibm,query-pe-dma-window', 0x2026],
  ['ibm,create-pe-dma-window', 0x2027],
  ['ibm,remove-pe-dma-window', 0x2028],
  ['ibm,reset-pe-dma-window', 0x2029],
  ['ibm,nmi-register', 0x202b],
  ['ibm,nmi-interlock', 0x202c],
]);

/** A number for each service: the known one, or the next free in the order given. */
export function assignTokens(services: Iterable<string>): Map<string, number> {
  const tokens = new Map<string, number>();
  let next = FIRST_FREE;
  for (const name of services) tokens.set(name, TOKENS.get(name) ?? next++);
  return tokens;
}
