import { describe, expect, it } from 'vitest';
import { JsonBody } from '../../../lib/clickhouse/encode/json-body.ts';
import { PulledBatch } from '../../../lib/consume/pulled-batch.ts';
import { sketchEntry } from '../clickhouse/encode/entries.ts';

const AFTER = { ledger: 1, entry: -1 };
const LIMITS = { maxRows: 10, maxBytes: 10_000, maxWait: 1_000, inFlight: 2, insertTimeout: 1_000 };
const newBatch = () => new PulledBatch(AFTER, new JsonBody(0), 0);

describe('what a batch holds is bounded by all its messages', () => {
  it('messages that cannot become rows fill it as good ones do', () => {
    const batch = newBatch();
    batch.add(sketchEntry({ payloads: Array(9).fill('[1]') }));
    expect(batch.isFull(LIMITS)).toBe(false);
    batch.add(sketchEntry({ entry: 2, payloads: ['[1]'] }));
    expect(batch.body.rows).toBe(0);
    expect(batch.isFull(LIMITS)).toBe(true);
  });

  it('however small they are, they fill it by the memory that each takes', () => {
    const batch = newBatch();
    batch.add(sketchEntry({ payloads: Array(30).fill('1') }));
    expect(batch.isFull({ ...LIMITS, maxRows: 1_000_000 })).toBe(true);
  });

  it('their bytes fill it too', () => {
    const batch = newBatch();
    batch.add(sketchEntry({ payloads: ['x'.repeat(10_000)] }));
    expect(batch.isFull(LIMITS)).toBe(true);
  });

  it.each([
    ['messages', { payloads: Array(3).fill('{}') }],
    ['bytes', { payloads: [`{"a":"${'x'.repeat(9_900)}"}`] }],
  ])('is cut before the entry whose %s would exceed it', (_, sketch) => {
    const batch = newBatch();
    const entry = sketchEntry({ entry: 2, ...sketch });
    expect(batch.hasRoomFor(entry, LIMITS)).toBe(true);
    batch.add(sketchEntry({ payloads: Array(8).fill('{"a":1}') }));
    expect(batch.hasRoomFor(sketchEntry({ entry: 2, payloads: ['{}', '{}'] }), LIMITS)).toBe(true);
    expect(batch.hasRoomFor(entry, LIMITS)).toBe(false);
  });

  it('an entry that is larger than the limits is a batch by itself', () => {
    const batch = newBatch();
    const entry = sketchEntry({ payloads: Array(20).fill('{"a":1}') });
    expect(batch.hasRoomFor(entry, LIMITS)).toBe(true);
    batch.add(entry);
    expect(batch.isFull(LIMITS)).toBe(true);
  });

  it('a batch that has room for an entry keeps to maxBytes with it, positions included', () => {
    const batch = newBatch();
    for (let entry = 1; ; entry += 1) {
      const small = sketchEntry({ ledger: Number.MAX_SAFE_INTEGER, entry, payloads: ['{"a":1}'] });
      if (!batch.hasRoomFor(small, { ...LIMITS, maxRows: 1_000_000 })) break;
      batch.add(small);
    }
    expect(batch.body.encodedBytes).toBeLessThanOrEqual(LIMITS.maxBytes);
    expect(batch.body.encodedBytes).toBeGreaterThan(LIMITS.maxBytes - 500);
  });

  it('a bad payload of a Buffer is copied: a few bytes do not keep their whole entry in memory', () => {
    const sketch = sketchEntry({ payloads: ['bad', `{"a":"${'x'.repeat(100_000)}"}`] });
    const body = new JsonBody(0);
    body.add({ ...sketch, data: Buffer.from(sketch.data) });
    expect(body.bad[0]?.payload.buffer.byteLength).toBeLessThan(1_000);
  });
});
