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

/** Days that there are, that there are not, and that no type reaches. */
const DAYS = ['0000', '0001', '1899', '1969', '1970', '2024', '2026', '2107', '2150', '9999'].flatMap(
  (year) =>
    ['00', '01', '02', '06', '12', '13', '99'].flatMap((month) =>
      ['00', '01', '07', '29', '30', '31', '32', '99'].map((day) => `${year}-${month}-${day}`),
    ),
);

function exists(day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 10) === day && !day.startsWith('0000');
}

describe('no day that there is not is stored as another one', () => {
  test.for([
    ['Date', ''],
    ['Date32', ''],
    ['DateTime', ''],
    ['DateTime', ' 10:00:00'],
    ['DateTime', 'T10:00:00Z'],
    ['DateTime64(3)', ' 10:00:00'],
    ['Nullable(DateTime64(3))', 'T10:00:00.5+02:00'],
  ] as const)('in %s, written "…%s"', async ([type, time], { openTable }) => {
    const { query } = await openTable({ window: 0 });
    const payloads = DAYS.map((day) => `{"s":"${day}","x":"${day}${time}"}`);
    const taken = await query(
      `SELECT s FROM format(JSONEachRow, 's String, x ${type}', $$${payloads.join('\n')}$$)
SETTINGS input_format_allow_errors_num = 100000, input_format_parallel_parsing = 0, date_time_input_format = 'best_effort' FORMAT TSV`,
    );
    const byServer = new Set(taken.trim().split('\n'));
    const check = new ValueCheck({ s: 'String', x: type }, 'deadLetter');
    const frame = new FrameCheck();
    const refused = DAYS.filter((_, index) => {
      const bytes = Buffer.from(payloads[index] ?? '');
      expect(frame.fault(bytes, 0, bytes.length)).toBeUndefined();
      return check.concerns(frame.seen) && check.fault(bytes, 0, bytes.length) !== undefined;
    });
    expect(DAYS.filter((day) => byServer.has(day) && !refused.includes(day) && !exists(day))).toEqual([]);
    expect(refused.filter(exists)).toEqual([]);
    expect(DAYS.filter((day) => byServer.has(day) && !refused.includes(day)).length).toBeGreaterThan(20);
  });
});
