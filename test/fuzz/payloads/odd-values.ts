import type { Random } from '../../simulation/random.ts';
import { anything, GOOD, type Make } from './values.ts';

/** Values that some type takes, takes for something else, or refuses; those of earlier findings among them. */
const ODD: readonly [string, ...string[]] = [
  '""',
  '"-"',
  '"+"',
  '"."',
  '"e5"',
  '" "',
  '"\\u0000"',
  '"n/a"',
  '"null"',
  '"NaN"',
  '"12abc"',
  '"0x10"',
  '"1,5"',
  '"a,b"',
  'null',
  'true',
  'false',
  '{}',
  '[]',
  '[[]]',
  '[null]',
  '{"a":null}',
  '{"":""}',
  '["a",1,null,true]',
  '[1.5]',
  '[[1.5]]',
  '[{}]',
  '0',
  '-0',
  '-1',
  '3.0',
  '1e2',
  '1e999',
  '-1e999',
  '1.7976931348623159e308',
  '256',
  '255',
  '200',
  '65536',
  '2147483648',
  '4294967296',
  '9223372036854775807',
  '9223372036854775808',
  '18446744073709551615',
  '18446744073709551616',
  '340282366920938463463374607431768211456',
  '123456789012345678901234567890',
  '99999999999999.9999',
  '999999999999999.99999',
  '0.00000000001',
  '1764000000',
  '1764000000000',
  '"1764000000"',
  '"2026-02-30"',
  '"2026-13-01"',
  '"0000-00-00"',
  '"9999-12-31"',
  '"1969-12-31"',
  '"2026/11/01"',
  '"2026-1-1"',
  '"2026\\"01-01"',
  '"20261101"',
  '"2299-12-31 23:59:59"',
  '"2300-01-01 00:00:00"',
  '"1899-01-01 00:00:00"',
  '"Nov 26 2026"',
  '"26.11.2026 10:00"',
  '"now"',
  '"garbage"',
  '"2026-11-26T10:00:00.123456789Z"',
  '"25:00:00"',
  '"10:00"',
  '"00000000-0000-0000-0000-000000000000"',
  '"00000000-0000-0000-0000-00000000000"',
  '"zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz"',
  '",\\"user\\":\\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"',
  '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"',
  '"255.255.255.256"',
  '"1.2.3"',
  '"1.2.3.4.5"',
  '"::1"',
  '"01.002.3.4"',
  '"{"',
  '"}"',
  '"{\\"}"',
  '"["',
  '"{\\"a\\":1}"',
  '"\\"',
  '"\\\\"',
  '"\\ud800"',
  '"\\udc00x"',
  '"\\ud800\\ud800"',
  '"\\uD83D"',
  '"\\ufffe"',
  '"\\u2028"',
  '"yes"',
  '"False"',
  '"T"',
  '"c d "',
  '"A"',
  '"d"',
  '99',
  '{"x":"1"}',
  '{"x":1,"x":2}',
  '{"x":null,"y":null}',
  '[1]',
  '[1,"a",2]',
  '["a",1]',
  '{"x":2147483648}',
  '{"k":{"n":1}}',
  '{"k":[1]}',
  '{"1":2}',
  '{"a":1,"a.b":2}',
  '{"a":1,"a":{"b":2}}',
  '{"a":{"b":1},"a.b":2}',
  '{"a":[1,"x",{}]}',
  '{"a":18446744073709551616}',
  '{"a":1e400}',
  '{"a":"2026-01-01"}',
];

function nested(open: string, close: string): Make {
  return (random) => {
    const depth = random.pick([3, 20, 100, 300, 997, 998, 999, 1000, 1001, 1500]);
    return open.repeat(depth) + close.repeat(depth);
  };
}

function long(random: Random): string {
  const length = random.pick([300, 1000, 5_000, 70_000]);
  return `"${random.pick(['x', '9', '\\n', 'é', '{', '\\u00e9', '\\"']).repeat(length)}"`;
}

const MAKERS: readonly [Make, ...Make[]] = [
  (random) => random.pick(ODD),
  (random) => random.pick(ODD),
  (random) => random.pick(ODD),
  // A value of another field, and so mostly of another type.
  (random) => random.pick(Object.values(GOOD) as [Make, ...Make[]])(random),
  (random) => random.pick(Object.values(GOOD) as [Make, ...Make[]])(random),
  (random) => anything(random),
];

const RARE: readonly [Make, ...Make[]] = [nested('[', ']'), nested('{"a":', '}').bind(undefined), long];

/** A value that its field may not expect. */
export function oddValue(random: Random): string {
  const value = random.chance(0.04) ? random.pick(RARE)(random) : random.pick(MAKERS)(random);
  // Of an object that is nested the innermost has no value yet.
  return value.replace('"a":}', '"a":0}');
}
