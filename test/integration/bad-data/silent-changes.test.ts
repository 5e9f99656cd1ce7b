import { describe, expect } from 'vitest';
import { FrameCheck } from '../../../lib/clickhouse/encode/frame-check.ts';
import { ValueCheck } from '../../../lib/clickhouse/encode/value-check.ts';
import { test } from '../clickhouse/sink-table.ts';

const LONGEST = 3;
const LETTERS = [...'-+.e10 x'];

/** Every string of so few of the letters that numbers are made of, and of some that they are not. */
const STRINGS = Array.from({ length: LONGEST }).reduce<string[]>(
  (all) => ['', ...all.flatMap((text) => LETTERS.map((letter) => letter + text))],
  [''],
);

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/;

describe('no string that is no number is stored as one', () => {
  test.for([
    ['Int64', (json: string) => json],
    ['UInt8', (json: string) => json],
    ['Int256', (json: string) => json],
    ['Nullable(Int64)', (json: string) => json],
    ['Float64', (json: string) => json],
    ['Decimal(9, 2)', (json: string) => json],
    ['Decimal(40, 2)', (json: string) => json],
    ['Nullable(Decimal(9, 2))', (json: string) => json],
    ['Time', (json: string) => json],
    ['Time64(3)', (json: string) => json],
    ['Array(Decimal(9, 2))', (json: string) => `[1,${json}]`],
    ['Map(Int64, String)', (json: string) => `{${json}:"a"}`],
    ['Tuple(a Int64, b String)', (json: string) => `{"b":"","a":${json}}`],
  ] as const)('in %s', async ([type, around], { openTable }) => {
    const { query } = await openTable({ window: 0 });
    const payloads = [...new Set(STRINGS)].map((text) => ({
      text,
      payload: `{"s":${JSON.stringify(text)},"x":${around(JSON.stringify(text))}}`,
    }));
    // Each payload alone: one that is refused must not be skipped together with its neighbour.
    const taken = await query(
      `SELECT s FROM format(JSONEachRow, 's String, x ${type}', $$${payloads.map(({ payload }) => payload).join('\n')}$$)
SETTINGS input_format_allow_errors_num = 100000, input_format_parallel_parsing = 0, enable_time_time64_type = 1 FORMAT JSONCompactEachRow`,
    );
    const byServer = new Set(
      taken
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as [string])[0]),
    );
    expect(byServer.size).toBeGreaterThan(3);
    const check = new ValueCheck({ s: 'String', x: type }, 'deadLetter');
    const frame = new FrameCheck();
    const stored = payloads.filter(({ text, payload }) => {
      const bytes = Buffer.from(payload);
      expect(frame.fault(bytes, 0, bytes.length)).toBeUndefined();
      const isRefused = check.concerns(frame.seen) && check.fault(bytes, 0, bytes.length) !== undefined;
      return byServer.has(text) && !isRefused;
    });
    expect(stored.filter(({ text }) => !NUMBER.test(text)).map(({ text }) => text)).toEqual([]);
    // And what is a number goes in as before.
    const refused = payloads.filter(({ text }) => byServer.has(text) && NUMBER.test(text));
    expect(stored.length).toBe(refused.length);
  });
});
