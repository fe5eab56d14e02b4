/** Formats numbers, sizes and texts for the dashboard. */

const THIN = '\u202f';

/** An instruction count in three or four figures: `512.6 K`, `1.21 G`. */
export function formatCount(value: number): string {
  const steps = [
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'K'],
  ] as const;
  for (const [step, unit] of steps) {
    if (value >= step) return `${trim(value / step)}${THIN}${unit}`;
  }
  return String(value);
}

/** Bytes in powers of two: `1 GiB`, `21.4 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : trim(value)}${THIN}${units[unit]}`;
}

/** Every digit, in groups of three. */
export function formatExact(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, THIN);
}

/** `just now`, `4 min ago`; the date when it is a day or more ago. */
export function formatAge(iso: string, now: number): string {
  const seconds = Math.round((now - Date.parse(iso)) / 1000);
  if (seconds < 10) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return iso.slice(0, 16).replace('T', ' ');
}

/** Console bytes as plain text: escape sequences and carriage returns left out. */
export function plainConsole(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
      .replace(/\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_=>])/g, '')
      .replace(/\r+\n/g, '\n')
      .replace(/\r/g, '\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they have no picture
      .replace(/[\u0000-\u0008\u000b-\u001f]/g, '')
  );
}

/** Three figures, without zeros at the end of a fraction. */
function trim(value: number): string {
  const text = value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
