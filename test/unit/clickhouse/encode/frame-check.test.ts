import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameCheck, SEEN } from '../../../../lib/clickhouse/encode/frame-check.ts';

const check = new FrameCheck();

const faultOf = (payload: string | Uint8Array): string | undefined => {
  const bytes = Buffer.from(payload);
  const around = Buffer.concat([Buffer.from('"{'), bytes, Buffer.from('}"')]);
  const fault = check.fault(around, 2, 2 + bytes.length);
  const { seen } = check;
  // Bytes around the payload are another message's: they must never change the answer.
  expect(check.fault(bytes, 0, bytes.length)).toBe(fault);
  expect(check.seen).toBe(seen);
  return fault;
};

const isObject = (payload: string): boolean => {
  try {
    const value: unknown = JSON.parse(payload);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
};

const objects = fc
  .tuple(
    fc.dictionary(fc.string(), fc.jsonValue()),
    fc.constantFrom(undefined, 1, '\t'),
    fc.constantFrom('', ' ', '\r\n'),
  )
  .map(([value, indent, space]) => `${space}${JSON.stringify(value, null, indent)}${space}`);

describe('framing of a JSON payload', () => {
  it.each([
    ['', 'is empty'],
    [' \n', 'is empty'],
    ['null', 'does not begin with "{"'],
    ['[{"a":1}]', 'does not begin with "{"'],
    ['\uFEFF{"a":1}', 'does not begin with "{"'],
    ['{"a":1', 'ends inside the object'],
    ['{"a":"x', 'ends inside a string'],
    ['{"a":"x\\', 'ends inside a string'],
    ['{"a":"x\\"}', 'ends inside a string'],
    ['{"a":1}{"a":2}', 'goes on after its object at byte 7'],
    ['{"a":1}\n{"a":2}', 'goes on after its object at byte 8'],
    ['{"a":1},', 'goes on after its object at byte 7'],
    ['{"a":1}}', 'goes on after its object at byte 7'],
    ['{"a":[1}', 'has a bracket that does not match at byte 7'],
    ['{"a":[1}]}', 'has a bracket that does not match at byte 7'],
    ['{"a":1]', 'has a bracket that does not match at byte 6'],
    ['{"a":"x\ny"}', 'has a raw control byte in a string'],
    ['{"a":"x\\\ny"}', 'has a raw control byte in a string'],
    ['{"a":"x\u0000y"}', 'has a raw control byte in a string'],
    ["{'a':'}'}", 'has a byte that is no JSON at byte 1'],
    ['{"a":\\"}', 'has a byte that is no JSON at byte 5'],
    ['{"a":1\u0000}', 'has a byte that is no JSON at byte 6'],
    ['{"a":1}\u0000', 'goes on after its object at byte 7'],
    ['{"a" 1}', 'has a value that JSON has no place for at byte 5'],
    ['{"a":1 2}', 'has a value that JSON has no place for at byte 7'],
    ['{"a":1 "b":2}', 'has a value that JSON has no place for at byte 7'],
    ['{1:2}', 'has a value that JSON has no place for at byte 1'],
    ['{,}', 'has a "," that JSON has no place for at byte 1'],
    ['{"a":1,}', 'has a "}" that JSON has no place for at byte 7'],
    ['{"a":[1,]}', 'has a "]" that JSON has no place for at byte 8'],
    ['{"a":}', 'has a "}" that JSON has no place for at byte 5'],
    ['{"a"}', 'has a "}" that JSON has no place for at byte 4'],
    ['{"a"::1}', 'has a ":" that JSON has no place for at byte 5'],
    ['{"a":[1:2]}', 'has a ":" that JSON has no place for at byte 7'],
    ['{"a":tru}', 'has a word that is no JSON at byte 5'],
    ['{"a":truer}', 'has a byte that is no JSON at byte 9'],
    ['{"a":nan}', 'has a word that is no JSON at byte 5'],
    ['{"a":NaN}', 'has a byte that is no JSON at byte 5'],
    ['{"a":-Infinity}', 'has a number that is no JSON at byte 5'],
    ['{"a":01}', 'has a value that JSON has no place for at byte 6'],
    ['{"a":1.}', 'has a number that is no JSON at byte 5'],
    ['{"a":1e}', 'has a number that is no JSON at byte 5'],
    ['{"a":1-2}', 'has a value that JSON has no place for at byte 6'],
    ['{"a":-}', 'has a number that is no JSON at byte 5'],
    ['{"a":+1}', 'has a byte that is no JSON at byte 5'],
    ['{"a":.5}', 'has a byte that is no JSON at byte 5'],
    ['{"a":"\\x41"}', 'has an escape that is no JSON at byte 6'],
    ['{"a":"\\\'"}', 'has an escape that is no JSON at byte 6'],
    ['{"a":"\\u12G4"}', 'has an escape that is no JSON at byte 6'],
    ['{"a":"\\u",,,"}', 'has an escape that is no JSON at byte 6'],
    ['{"a":"\\u12', 'ends inside a string'],
    [`${'{"a":'.repeat(1001)}1${'}'.repeat(1001)}`, 'is nested deeper than 1000 levels'],
  ])('refuses %j', (payload, reason) => {
    expect(faultOf(payload)).toBe(reason);
  });

  it.each([
    ['{}'],
    [' { } '],
    ['\r\n{"a": {"b": [1, {"c": []}]}}\n'],
    ['{"a":"}{\\"][\\\\"}'],
    ['{"é":"\u2028 😀"}'],
    [`${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}`],
  ])('accepts %j', (payload) => {
    expect(faultOf(payload)).toBeUndefined();
  });

  it('accepts every object that JSON.parse accepts', () => {
    fc.assert(
      fc.property(objects, (payload) => faultOf(payload) === undefined),
      { numRuns: 2_000 },
    );
  });

  it('refuses two objects in one, a part of one, and anything after one', () => {
    fc.assert(
      fc.property(objects, objects, fc.string({ minLength: 1 }), fc.nat(), (first, second, tail, cut) => {
        expect(faultOf(first + second)).toBeDefined();
        const bytes = Buffer.from(first.trim());
        expect(faultOf(bytes.subarray(0, cut % bytes.length))).toBeDefined();
        if (/[^ \t\r\n]/.test(tail)) expect(faultOf(first + tail)).toBeDefined();
      }),
      { numRuns: 1_000 },
    );
  });

  it('agrees with JSON.parse on everything near JSON', () => {
    const alphabet = fc.constantFrom(
      ...'{}[]":,\\ \n0123456789-+.eEtrufalsn/'.split(''),
      ...['"a"', '"a":', '\\"', '\\u00', '\\ud83d', '12', '{"a":', 'true', 'null', 'false', '},{', '""'],
    );
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 12 }), fc.boolean(), (pieces, closed) => {
        const payload = `{${pieces.join('')}${closed ? '}' : ''}`;
        const isOne = isObject(payload);
        expect(faultOf(payload) === undefined).toBe(isOne);
        if (isOne) accepted += 1;
      }),
      { numRuns: 20_000 },
    );
    expect(accepted).toBeGreaterThan(200);
  });

  it('agrees with JSON.parse on an object that was spoiled at one place', () => {
    fc.assert(
      fc.property(
        objects,
        fc.nat(),
        fc.constantFrom('', '"', '\\', ',', ':', '}', '0', '.', 'e', 'x', '\n', '-', '[', '\\u'),
        fc.boolean(),
        (object, place, piece, replaces) => {
          const at = place % object.length;
          const spoiled = object.slice(0, at) + piece + object.slice(replaces ? at + 1 : at);
          expect(faultOf(spoiled) === undefined).toBe(isObject(spoiled));
        },
      ),
      { numRuns: 8_000 },
    );
  });

  it.each([
    ['{"a":"x"}', 0],
    ['{"a":""}', SEEN.empty],
    ['{"":1}', SEEN.empty],
    ['{"a":"-"}', SEEN.sign],
    ['{"a":["7"]}', SEEN.digit],
    ['{"a":[null]}', SEEN.null],
    ['{"a":"","b":{"c":"1","d":null}}', SEEN.empty | SEEN.digit | SEEN.null],
  ])('sees in %s what may be read as something else', (payload, seen) => {
    expect(faultOf(payload)).toBeUndefined();
    expect(check.seen).toBe(seen);
  });
});
