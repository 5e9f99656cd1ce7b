import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frameFault } from '../../../../lib/clickhouse/encode/frame-check.ts';

const faultOf = (payload: string | Uint8Array): string | undefined => {
  const bytes = Buffer.from(payload);
  const around = Buffer.concat([Buffer.from('"{'), bytes, Buffer.from('}"')]);
  const fault = frameFault(around, 2, 2 + bytes.length);
  // Bytes around the payload are another message's: they must never change the answer.
  expect(frameFault(bytes, 0, bytes.length)).toBe(fault);
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

  it('leaves to the server what is framed right but is no JSON', () => {
    for (const payload of ['{"a" 1}', '{,}', '{"a":tru}', '{"a":1,}'])
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

  it('agrees with JSON.parse on bytes near JSON wherever the frame is what matters', () => {
    const alphabet = fc.constantFrom(...'{}[]":,\\ \n1ae'.split(''), '"a"', '\\"', '{"a":', 'true');
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 12 }), (pieces) => {
        const payload = `{${pieces.join('')}`;
        const accepted = faultOf(payload) === undefined;
        if (isObject(payload)) expect(accepted).toBe(true);
        // Framed as one object: then it is still framed as one among others, and none of its brackets are theirs.
        if (accepted) expect(framesBetween(payload)).toBe(true);
      }),
      { numRuns: 20_000 },
    );
  });
});

/** By another road: strings replaced, then innermost brackets removed until nothing but one object is left. */
function framesBetween(payload: string): boolean {
  let rest = payload.trim().replaceAll(/"(?:[^"\\]|\\.)*"/g, 's');
  if (rest.includes('"')) return false;
  for (let before = ''; before !== rest && rest.length > 2; ) {
    before = rest;
    const inner = rest.slice(1, -1).replaceAll(/\{[^{}[\]]*\}|\[[^{}[\]]*\]/g, 'v');
    rest = `${rest[0]}${inner}${rest.at(-1)}`;
  }
  return /^\{[^{}[\]]*\}$/.test(rest);
}
