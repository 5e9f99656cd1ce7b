import { describe, expect, inject, test } from 'vitest';
import { fuzzPayloads } from '../../fuzz/payloads/run.ts';

const PAYLOADS = 20_000;

// Briefly here; for as many as one likes with `npm run fuzz -- --payloads 10000000`.
describe('payloads of every kind, good, odd and damaged', () => {
  test('are each exactly one row or one dead letter, and rows as ClickHouse stores them alone', {
    timeout: 600_000,
  }, async () => {
    const stack = inject('stack');
    const summary = await fuzzPayloads({
      clickhouse: {
        url: stack['CLICKHOUSE_URL'] ?? '',
        username: stack['CLICKHOUSE_USER'] ?? '',
        password: stack['CLICKHOUSE_PASSWORD'] ?? '',
      },
      payloads: PAYLOADS,
      seed: 12,
    });
    expect(summary).toMatchObject({ payloads: PAYLOADS, differences: 0, stuck: 0, findings: [] });
    expect(summary.rows + summary.deadLetters + summary.filtered).toBe(PAYLOADS);
    expect(summary.refused).toBeGreaterThan(20);
  });
});
