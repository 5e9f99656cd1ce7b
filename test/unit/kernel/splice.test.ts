import fc from 'fast-check';
import { expect, it } from 'vitest';
import { JsonBody } from '../../../lib/clickhouse/encode/json-body.ts';
import { ValueCheck } from '../../../lib/clickhouse/encode/value-check.ts';
import type { LeaveOut } from '../../../lib/ports/sink.ts';
import type { Entry } from '../../../lib/ports/transport.ts';
import { COMPACTED, sketchEntry, TOMBSTONE } from '../clickhouse/encode/entries.ts';
import { payloads } from './json-texts.ts';

/** Concerned by strings that are empty, or begin as numbers or dates do: the kernel has to stop at them. */
const fields = { a: 'Int64', '': 'Date', b: 'Decimal(9, 2)' };

function bodyOf(entries: readonly Entry[], leaveOut: LeaveOut | undefined): JsonBody {
  const body = new JsonBody(0, { withPublishTime: true, values: new ValueCheck(fields, 'deadLetter') });
  for (const entry of entries) body.add(entry, leaveOut);
  return body;
}

function all(body: JsonBody): unknown {
  const rows = Array.from({ length: body.rows }, (_, row) => row);
  return {
    text: Buffer.concat(body.chunks()).toString('latin1'),
    slices: rows.map((row) => Buffer.concat(body.chunks(row, row + 1)).toString('latin1')),
    payloads: rows.map((row) => Buffer.from(body.payloadAt(row)).toString('latin1')),
    messages: rows.map((row) => body.messageAt(row)),
    bad: body.bad.map(({ index, reason, payload }) => [
      index,
      reason,
      Buffer.from(payload).toString('latin1'),
    ]),
    filtered: body.filtered,
    encodedBytes: body.encodedBytes,
    badBytes: body.badBytes,
  };
}

it('makes the rows and the bad messages that TypeScript makes, whatever the messages are', () => {
  let rows = 0;
  const message = fc.oneof(
    { weight: 8, arbitrary: payloads },
    fc.constantFrom<string | typeof TOMBSTONE | typeof COMPACTED>(
      TOMBSTONE,
      COMPACTED,
      '',
      '{}',
      ' { } ',
      '{"a":""}',
      '{"":"2026-02-30"}',
      '{"b":"-"}',
    ),
  );
  const entries = fc.array(fc.array(message, { maxLength: 14 }), { maxLength: 4 });
  fc.assert(
    fc.property(entries, fc.option(fc.integer({ min: 2, max: 5 })), (sketches, every) => {
      const made = sketches.map((sketch, entry) => sketchEntry({ entry, payloads: sketch }));
      const leaveOut = every === null ? undefined : (_: unknown, index: number) => index % every === 0;
      // Messages of which some were given up never go to the kernel; here none of them was.
      const outside = made.map((entry) => ({ ...entry, givenUp: new Map<number, string>() }));
      const body = bodyOf(made, leaveOut);
      expect(all(body)).toEqual(all(bodyOf(outside, leaveOut)));
      rows += body.rows;
    }),
    { numRuns: 2_000 },
  );
  expect(rows).toBeGreaterThan(2_000);
});

it('writes indexes of every length', () => {
  const entry = sketchEntry({ payloads: Array.from({ length: 10_002 }, (_, index) => `{"n":${index}}`) });
  const lines = Buffer.concat(bodyOf([entry], undefined).chunks())
    .toString()
    .trimEnd()
    .split('\n');
  expect(lines).toHaveLength(10_002);
  for (const [index, line] of lines.entries())
    expect(JSON.parse(line)).toMatchObject({ _index: index, n: index });
});

it('makes rows of messages whose bytes overlap, as no transport of ours gives them', () => {
  const data = Buffer.from(`{"n":"${'x'.repeat(10_000)}"}`);
  const bounds = new Int32Array(2 * 500);
  for (let index = 0; index < 500; index++) bounds.set([0, data.length], 2 * index);
  const entry = {
    ...sketchEntry({ payloads: [] }),
    count: 500,
    messages: 500,
    data,
    dataBytes: data.length,
    bounds,
  };
  expect(bodyOf([entry], undefined).rows).toBe(500);
});
