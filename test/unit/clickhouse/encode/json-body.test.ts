import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonBody } from '../../../../lib/clickhouse/encode/json-body.ts';
import { COMPACTED, sketchEntry, TOMBSTONE } from './entries.ts';

const linesOf = (body: JsonBody, from?: number, to?: number): string[] =>
  Buffer.concat(body.chunks(from, to)).toString('utf8').split('\n').slice(0, -1);

describe('a body of JSON payloads', () => {
  it('puts the position first and leaves the rest as it came', () => {
    const body = new JsonBody(3);
    body.add(sketchEntry({ ledger: 12, entry: 345, payloads: ['{"a":1}', ' { "b" : [2] } ', '{}', '{ }'] }));
    expect(linesOf(body)).toEqual([
      '{"_ledger":12,"_entry":345,"_index":0,"a":1}',
      '{"_ledger":12,"_entry":345,"_index":1, "b" : [2] } ',
      '{"_ledger":12,"_entry":345,"_index":2}',
      '{"_ledger":12,"_entry":345,"_index":3 }',
    ]);
    expect(body.partition).toBe(3);
    expect(body.encodedBytes).toBe(Buffer.concat(body.chunks()).length);
  });

  it('names the publish time where the mapping asks for it', () => {
    const body = new JsonBody(0, { withPublishTime: true });
    body.add(sketchEntry({ publishTime: 1_764_000_000_123, payloads: ['{"a":1}'] }));
    expect(linesOf(body)).toEqual([
      '{"_ledger":1,"_entry":1,"_publish_time":1764000000123,"_index":0,"a":1}',
    ]);
  });

  it('keeps what cannot become a row apart, with its bytes and a reason', () => {
    const body = new JsonBody(0);
    body.add(sketchEntry({ payloads: ['{"a":1}', '{"a":1}{"a":2}', TOMBSTONE, COMPACTED, '{"a":5}'] }));
    expect(
      body.bad.map(({ index, payload, reason }) => [index, Buffer.from(payload).toString(), reason]),
    ).toEqual([
      [
        1,
        '{"a":1}{"a":2}',
        'payload holds several objects, the second at byte 7; send each as a message of its own',
      ],
    ]);
    expect(body.rows).toBe(2);
    expect(body.filtered).toBe(1);
    expect([0, 1].map((row) => body.messageAt(row).index)).toEqual([0, 4]);
  });

  it('leaves out what it is told to, good or bad', () => {
    const body = new JsonBody(0);
    const leaveOut = (_: unknown, index: number): boolean => index < 2;
    body.add(sketchEntry({ payloads: ['{"a":1}', 'x', '{"a":3}'] }), leaveOut);
    expect(linesOf(body)).toEqual(['{"_ledger":1,"_entry":1,"_index":2,"a":3}']);
    expect(body.bad).toEqual([]);
  });

  it('copies: the entry may be overwritten afterwards', () => {
    const body = new JsonBody(0);
    const sketch = sketchEntry({ payloads: ['{"a":1}', 'bad'] });
    // A Buffer, as decompression gives it: its `slice` is a view.
    const entry = { ...sketch, data: Buffer.from(sketch.data) };
    body.add(entry);
    entry.data.fill(0);
    expect(linesOf(body)).toEqual(['{"_ledger":1,"_entry":1,"_index":0,"a":1}']);
    expect(Buffer.from(body.bad[0]?.payload ?? []).toString()).toBe('bad');
  });

  it('finds every message and payload again by its row, and gives out any range of rows', () => {
    const payload = fc
      .tuple(
        fc.dictionary(fc.string(), fc.string({ maxLength: 300 }), { maxKeys: 3 }),
        fc.integer({ min: 0, max: 100_000 }),
      )
      .map(([value, padding]) =>
        JSON.stringify({ ...value, ...(padding > 99_000 ? { p: 'x'.repeat(padding) } : {}) }),
      );
    const entries = fc.array(fc.array(fc.oneof(payload, fc.constant('no object')), { maxLength: 12 }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(entries, fc.nat(), fc.nat(), fc.boolean(), (batches, a, b, withPublishTime) => {
        const body = new JsonBody(0, { withPublishTime });
        const expected: { entry: number; index: number; payload: string }[] = [];
        for (const [entry, payloads] of batches.entries()) {
          body.add(sketchEntry({ entry, payloads }));
          for (const [index, text] of payloads.entries()) {
            if (text !== 'no object') expected.push({ entry, index, payload: text });
          }
        }
        expect(body.rows).toBe(expected.length);
        const found = expected.map((_, row) => {
          const { index, position } = body.messageAt(row);
          return { entry: position.entry, index, payload: Buffer.from(body.payloadAt(row)).toString() };
        });
        expect(found).toEqual(expected);
        const [from, to] = [a % (body.rows + 1), b % (body.rows + 1)].sort((x, y) => x - y);
        expect(linesOf(body, from, to)).toEqual(linesOf(body).slice(from, to));
      }),
      { numRuns: 100 },
    );
  });

  it('has no row beyond its last', () => {
    expect(() => new JsonBody(0).messageAt(0)).toThrow(RangeError);
  });
});
