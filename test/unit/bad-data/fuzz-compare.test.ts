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
    const differences = (stored: ReadonlyMap<string, string>): readonly unknown[] =>
      compareRows({ expected: alone, stored, messages, json: [] });
    expect(differences(alone)).toEqual([]);
    expect(differences(new Map([['5:0:0', '5\t0\t0\t2']]))).toHaveLength(1);
    expect(differences(new Map())).toHaveLength(1);
  });

  const LITERALS = '{"d":{"p":[null,true,false]}}';

  function columnsDiffer(payload: string, one: string, other: string, json: readonly number[]): boolean {
    const { messages: sent } = messagesOf([{ number: 4, entries: [[Buffer.from(payload)]] }]);
    const rowOf = (value: string) => new Map([['5:0:0', `5\t0\t0\t${value}\tx`]]);
    const found = compareRows({ expected: rowOf(one), stored: rowOf(other), messages: sent, json });
    return found.length > 0;
  }

  // What ClickHouse makes of each is shown by neighbours-of-a-value.
  test.each([
    ['{"p":[null,[null]],"q":{}}', '{"p":[{},[[]]],"q":{}}'],
    ['{"p":[{},1]}', '{"p":[[],1]}'],
    ['{"p":[0.5,0]}', '{"p":[0.5,false]}'],
    ['{"p":["x","true"]}', '{"p":["x",true]}'],
    ['{"p":[{"b":["a\\\\"]},{"b":[1,1]}]}', '{"p":[{"b":["a\\\\"]},{"b":[1,true]}]}'],
  ])('takes %s and %s for one value beside other neighbours, in a JSON column', (one, other) => {
    expect(columnsDiffer(LITERALS, one, other, [3])).toBe(false);
    expect(columnsDiffer(LITERALS, other, one, [3])).toBe(false);
    expect(columnsDiffer(LITERALS, one, other, [4])).toBe(true);
    expect(columnsDiffer('{"d":{"p":[]}}', one, other, [3])).toBe(true);
  });

  test.each([
    ['a value that is no element of an array', '{"p":1}', '{"p":true}'],
    ['a value of an object within an array', '{"p":[{"b":1}]}', '{"p":[{"b":true}]}'],
    ['a null that is no element', '{"p":[1],"q":null}', '{"p":[1],"q":{}}'],
    ['another number', '{"p":[0.5,1]}', '{"p":[0.5,false]}'],
    ['another text', '{"p":["x","1"]}', '{"p":["x",true]}'],
    ['a number in another spelling', '{"p":[1]}', '{"p":[1.0]}'],
    ['a number as a text', '{"p":[5]}', '{"p":["5"]}'],
    ['another order', '{"p":[true,null]}', '{"p":[null,true]}'],
    ['a missing element', '{"p":[true,null]}', '{"p":[true]}'],
    ['another key', '{"p":[true]}', '{"r":[1]}'],
    ['a null as an object that is not empty', '{"p":[null]}', '{"p":[{"b":1}]}'],
    ['a null as a number', '{"p":[null]}', '{"p":[0]}'],
    ['brackets within a text', '{"p":"[1]"}', '{"p":"[true]"}'],
    ['brackets behind a quoted quote', '{"p":["\\\\"[1"]}', '{"p":["\\\\"[true"]}'],
  ])('finds %s in a JSON column', (_, one, other) => {
    expect(columnsDiffer(LITERALS, one, other, [3])).toBe(true);
    expect(columnsDiffer(LITERALS, other, one, [3])).toBe(true);
  });
});
