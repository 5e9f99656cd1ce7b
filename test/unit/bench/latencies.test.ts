import { describe, expect, it } from 'vitest';
import { latenciesOf } from '../../../bench/latency/latencies.ts';

const entry = (id: number, messages: number) => ({ ledger: 1, entry: id, at: 1_000, messages });

describe('latencies', () => {
  it('count each message of an entry', () => {
    const visible = new Map([
      ['1:0', 1_100],
      ['1:1', 1_900],
    ]);
    const found = latenciesOf([entry(0, 97), entry(1, 3)], visible);
    expect(found).toEqual({ messages: 100, missing: 0, p50Ms: 100, p95Ms: 100, p99Ms: 900, maxMs: 900 });
  });

  it('name as missing what was never seen, and go by the others', () => {
    const found = latenciesOf([entry(0, 10), entry(1, 5)], new Map([['1:0', 1_250]]));
    expect(found).toMatchObject({ messages: 15, missing: 5, p50Ms: 250, p99Ms: 250 });
  });
});
