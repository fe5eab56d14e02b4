/** Computes statistics of repeated measurements. Every list has at least one number. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  const lower = sorted[sorted.length % 2 === 0 ? middle - 1 : middle];
  if (upper === undefined || lower === undefined) throw new Error('the median of nothing');
  return (upper + lower) / 2;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** Half the distance from the smallest to the largest, as a percentage of the median: `4 %`. */
export function spread(values: readonly number[]): string {
  return `${Math.round((50 * (Math.max(...values) - Math.min(...values))) / median(values))} %`;
}
