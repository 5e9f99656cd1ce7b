import { describe, expect, test } from 'vitest';
import { compare, compareRows } from '../../fuzz/payloads/compare.ts';
import { messagesOf } from '../../fuzz/payloads/messages.ts';

const GOOD = Buffer.from(' {"a":1}');
const BROKEN = Buffer.from('{"a":1');
const { messages, empty } = messagesOf([{ number: 4, entries: [[GOOD, undefined], [BROKEN]] }]);
const REFUSED = 'payload ends inside the object';
const broken = { key: '5:1:0', reason: REFUSED, payload: BROKEN };

function whatOf(rows: readonly (readonly [string, number])[], letters: readonly (typeof broken)[]): string[] {
  return compare(messages, { rows: new Map(rows), letters }).map(({ at, what }) => `${at} ${what}`);
}

// The fuzz is worth as much as what it notices.
describe('the fuzz of payloads', () => {
  test('finds nothing where each message is one row or one dead letter', () => {
    expect(empty).toBe(1);
    expect(whatOf([['5:0:0', 1]], [broken])).toEqual([]);
    const unfit = { key: '5:0:0', reason: 'd.t: no number', payload: GOOD.subarray(1) };
    expect(whatOf([], [unfit, broken])).toEqual([]);
  });

  test.each([
    ['a lost message', [], [broken], ['5:0:0 is 0 rows and 0 dead letters']],
    ['a doubled row', [['5:0:0', 2]], [broken], ['5:0:0 is 2 rows and 0 dead letters']],
    ['a doubled dead letter', [['5:0:0', 1]], [broken, broken], ['5:1:0 is 0 rows and 2 dead letters']],
    [
      'a row of what is no JSON',
      [
        ['5:0:0', 1],
        ['5:1:0', 1],
      ],
      [],
      ['5:1:0 is a row and no JSON object'],
    ],
    [
      'JSON that was refused as none',
      [],
      [{ ...broken, key: '5:0:0', payload: GOOD }, broken],
      [`5:0:0 is one JSON object and a dead letter: ${REFUSED}`],
    ],
    [
      'a dead letter of other bytes',
      [['5:0:0', 1]],
      [{ ...broken, payload: GOOD }],
      ['5:1:0 is a dead letter with another payload'],
    ],
    [
      'a row of no message',
      [
        ['5:0:0', 1],
        ['5:0:1', 1],
      ],
      [broken],
      ['5:0:1 is no message, or one without a value'],
    ],
  ] as const)('finds %s', (_, rows, letters, found) => {
    expect(whatOf(rows, letters)).toEqual(found);
  });

  test('finds a row that alone is another one', () => {
    const alone = new Map([['5:0:0', '5\t0\t0\t1']]);
    expect(compareRows(alone, alone, messages)).toEqual([]);
    expect(compareRows(alone, new Map([['5:0:0', '5\t0\t0\t2']]), messages)).toHaveLength(1);
    expect(compareRows(alone, new Map(), messages)).toHaveLength(1);
    const nulls = new Map([['5:0:0', '5\t0\t0\t{"p":[null,[null]],"q":{}}']]);
    const behindObjects = new Map([['5:0:0', '5\t0\t0\t{"p":[{},[{}]],"q":{}}']]);
    expect(compareRows(nulls, behindObjects, messages)).toEqual([]);
    expect(
      compareRows(nulls, new Map([['5:0:0', '5\t0\t0\t{"p":[null,[null]],"q":null}']]), messages),
    ).toHaveLength(1);
  });
});
