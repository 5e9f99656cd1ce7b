import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BinaryBody } from '../../../../lib/clickhouse/encode/binary-body.ts';
import { type BodyOptions, JsonBody } from '../../../../lib/clickhouse/encode/json-body.ts';
import type { LeaveOut } from '../../../../lib/ports/sink.ts';
import type { Entry } from '../../../../lib/ports/transport.ts';
import { DayValueEncoder } from '../../../support/day-value-encoder.ts';
import { COMPACTED, sketchEntry, TOMBSTONE } from './entries.ts';

const ROW_BYTES = 30;
const plain = (value: number) => `{"day":"2026-01-05","value":${value}}`;

const newBody = (options?: BodyOptions) => new BinaryBody(3, new DayValueEncoder(), options);

/** Plain rows, rows only the server can read, bad messages and messages that do not exist. */
const payload = fc.oneof(
  { weight: 6, arbitrary: fc.integer().map(plain) },
  { weight: 2, arbitrary: fc.constantFrom('{}', ' {"value":"1"}', '{"day":"2026-01-05", "value":1 }') },
  { weight: 2, arbitrary: fc.constantFrom('[1]', '{"a":1', '', TOMBSTONE as -1, COMPACTED as -2) },
);

interface Added {
  readonly entry: Entry;
  readonly leaveOut: LeaveOut | undefined;
}

const added: fc.Arbitrary<Added> = fc
  .record({
    payloads: fc.array(payload, { maxLength: 12 }),
    leftOut: fc.option(fc.array(fc.nat({ max: 11 }), { maxLength: 4 }), { nil: undefined }),
    givenUp: fc.option(fc.nat({ max: 11 }), { nil: undefined }),
    entry: fc.nat(),
  })
  .map(({ payloads, leftOut, givenUp, entry }) => ({
    entry: {
      ...sketchEntry({ entry, payloads }),
      ...(givenUp !== undefined &&
        givenUp < payloads.length && { givenUp: new Map([[givenUp, 'is a part']]) }),
    },
    leaveOut: leftOut && ((_, index) => leftOut.includes(index)),
  }));

const options: fc.Arbitrary<BodyOptions> = fc.record({
  withPublishTime: fc.boolean(),
  nullValues: fc.constantFrom('skip', 'deadLetter'),
});

function countsOf(body: BinaryBody | JsonBody) {
  const origins = Array.from({ length: body.rows }, (_, row) => body.messageAt(row));
  return { rows: body.rows, filtered: body.filtered, bad: body.bad, badBytes: body.badBytes, origins };
}

const joined = (chunks: readonly Uint8Array[]): Buffer => Buffer.concat(chunks);

describe('a body of RowBinary', () => {
  it('has the rows, the bad messages and, when it is asked, the JSON of a body that is JSON', () => {
    fc.assert(
      fc.property(fc.array(added, { maxLength: 6 }), options, fc.nat({ max: 6 }), (all, how, askedAfter) => {
        const json = new JsonBody(3, how);
        const body = newBody(how);
        for (const [number, { entry, leaveOut }] of all.entries()) {
          json.add(entry, leaveOut);
          body.add(entry, leaveOut);
          expect(body.encodedBytes).toBeGreaterThanOrEqual(json.encodedBytes);
          if (number === askedAfter) expect(joined(body.chunks())).toEqual(joined(json.chunks()));
        }
        expect(countsOf(body)).toEqual(countsOf(json));
        const middle = Math.floor(json.rows / 2);
        expect(joined(body.chunks(middle))).toEqual(joined(json.chunks(middle)));
        expect(joined(body.chunks())).toEqual(joined(json.chunks()));
        expect(countsOf(body)).toEqual(countsOf(json));
        for (let row = 0; row < json.rows; row++) expect(body.payloadAt(row)).toEqual(json.payloadAt(row));
      }),
    );
  });

  it('splits its rows into those that the encoder vouches for and lines of JSON, each once', () => {
    fc.assert(
      fc.property(fc.array(added, { maxLength: 6 }), (all) => {
        const json = new JsonBody(3);
        const body = newBody();
        for (const { entry, leaveOut } of all) {
          json.add(entry, leaveOut);
          body.add(entry, leaveOut);
        }
        const binary = body.binary();
        const lines = Array.from({ length: json.rows }, (_, row) => joined(json.chunks(row, row + 1)));
        if (binary === undefined) {
          expect(lines.filter((line) => /,"day":"[\d-]+","value":-?\d+}\n$/.test(`${line}`))).toEqual([]);
          return;
        }
        expect(binary.rows + binary.unusualRows).toBe(json.rows);
        const unusual = numbers(binary.unusualRows).map((row) => binary.rowOfUnusual(row) ?? -1);
        const encoded = numbers(binary.rows).map((row) => binary.rowOfEncoded(row) ?? -1);
        expect([...unusual, ...encoded].sort((a, b) => a - b)).toEqual(numbers(json.rows));
        expect(binary.rowOfEncoded(binary.rows)).toBeUndefined();
        expect(joined(binary.unusual)).toEqual(Buffer.concat(unusual.map((row) => lines[row] as Buffer)));
        const bytes = joined(binary.chunks);
        expect(bytes.length).toBe(binary.rows * ROW_BYTES);
        for (const [number, row] of encoded.entries()) {
          const { position, index } = json.messageAt(row);
          expect(bytes.readBigInt64LE(number * ROW_BYTES + 8)).toBe(BigInt(position.entry));
          expect(bytes.readUInt32LE(number * ROW_BYTES + 16)).toBe(index);
          const value = /"value":(-?\d+)/.exec(`${lines[row]}`)?.[1];
          expect(bytes.readBigInt64LE(number * ROW_BYTES + 20)).toBe(BigInt(value ?? ''));
        }
      }),
    );
  });

  it('is JSON once it was asked for JSON, and holds nothing else then', () => {
    const body = newBody();
    const json = new JsonBody(3);
    const entry = sketchEntry({ payloads: [...Array(1000).fill(plain(1)), '{}'] });
    body.add(entry);
    json.add(entry);
    expect(body.binary()?.rows).toBe(1000);
    expect(body.payloadAt(1000)).toEqual(json.payloadAt(1000));
    expect(body.binary()).toBeUndefined();
    expect(body.encodedBytes).toBe(json.encodedBytes);
  });

  it('is JSON where too many of its rows are unusual, and RowBinary where a few are', () => {
    const usual = sketchEntry({ payloads: Array(1000).fill(plain(1)) });
    const strange = (count: number) =>
      sketchEntry({ entry: 2, payloads: Array(count).fill('{"value":"7"}') });
    const few = newBody();
    few.add(usual);
    few.add(strange(200));
    expect(few.binary()).toMatchObject({ rows: 1000, unusualRows: 200 });
    const many = newBody();
    many.add(usual);
    many.add(strange(300));
    expect(many.binary()).toBeUndefined();
    expect(many.rows).toBe(1300);
    const long = newBody();
    long.add(usual);
    long.add(sketchEntry({ entry: 2, payloads: [`{"a":"${'x'.repeat(9 * 1024 * 1024)}"}`] }));
    expect(long.binary()).toBeUndefined();
  });

  it('counts the entries that it keeps', () => {
    const body = newBody();
    const entry = sketchEntry({ payloads: [plain(1)] });
    const padded = new Uint8Array(10_000);
    padded.set(entry.data);
    for (let count = 0; count < 100; count++)
      body.add({ ...entry, dataBytes: padded.length, data: padded.slice() });
    expect(body.encodedBytes).toBeGreaterThan(100 * 10_000);
  });
});

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number);
}
