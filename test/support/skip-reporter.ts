/** A vitest reporter that lists at the end which tests were skipped for which reason: a silent skip looks like a pass. */

import type { Reporter, TestCase } from 'vitest/node';

// vitest loads a reporter of a file by its default export.
// biome-ignore lint/style/noDefaultExport: see above
export default class SkipReporter implements Reporter {
  private readonly reasons = new Map<string, number>();

  onTestCaseResult(test: TestCase): void {
    const result = test.result();
    if (result.state !== 'skipped') return;
    const reason = result.note ?? 'no reason given (a long test? KDUMPD_LONG=1)';
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }

  onTestRunEnd(): void {
    for (const [reason, count] of this.reasons) {
      process.stdout.write(`skipped ${count} ${count === 1 ? 'test' : 'tests'}: ${reason}\n`);
    }
  }
}
