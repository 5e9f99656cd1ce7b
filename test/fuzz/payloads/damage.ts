import type { Random } from '../../simulation/random.ts';
import { anything } from './values.ts';

/** Bytes that mean something to a reader of JSON. */
const TELLING = Buffer.from('"\\{}[]:,-+.eE0u \n\t\0\x7f\xff', 'latin1');

type Damage = (payload: Buffer, random: Random) => Buffer;

const at = (payload: Buffer, random: Random): number => random.between(0, Math.max(0, payload.length - 1));

const DAMAGES: readonly [Damage, ...Damage[]] = [
  function flipped(payload, random) {
    const bytes = Buffer.from(payload);
    const times = random.between(1, 3);
    for (let time = 0; time < times; time++) {
      const index = at(bytes, random);
      bytes[index] = (bytes[index] as number) ^ (1 << random.between(0, 7));
    }
    return bytes;
  },
  function replaced(payload, random) {
    const bytes = Buffer.from(payload);
    bytes[at(bytes, random)] = TELLING[random.between(0, TELLING.length - 1)] as number;
    return bytes;
  },
  function inserted(payload, random) {
    const index = at(payload, random);
    const byte = TELLING.subarray(random.between(0, TELLING.length - 1)).subarray(0, 1);
    return Buffer.concat([payload.subarray(0, index), byte, payload.subarray(index)]);
  },
  (payload, random) => payload.subarray(0, random.between(1, Math.max(1, payload.length - 1))),
  function cutOut(payload, random) {
    const index = at(payload, random);
    return Buffer.concat([payload.subarray(0, index), payload.subarray(index + random.between(1, 9))]);
  },
  function doubled(payload, random) {
    return Buffer.concat([payload, Buffer.from(random.pick(['', ',', '\n', ' '])), payload]);
  },
  (payload) => Buffer.concat([Buffer.from('\ufeff'), payload]),
  (payload) => Buffer.from(payload.toString('utf8'), 'utf16le'),
];

/** Bytes changed, cut or doubled: mostly no JSON any more. */
export function damaged(payload: Buffer, random: Random): Buffer {
  const damage = random.pick(DAMAGES)(payload, random);
  // An empty one is a case of its own.
  return damage.length === 0 ? Buffer.from(' ') : damage;
}

/** What never was a document. */
export function noDocument(random: Random): Buffer {
  if (random.chance(0.5)) {
    return Buffer.from(
      random.pick([
        '[]',
        '[{}]',
        'null',
        '1',
        '"{}"',
        '{',
        '}',
        '{}{}',
        '{"a":1}{"b":2}',
        '{}\n{}',
        'a,b,c',
        '<a/>',
        "{'a':1}",
        '{a:1}',
        '{"a":1,}',
        '{"a":NaN}',
        '{"a":01}',
        '{"a":+1}',
        '{"a":.5}',
        '{"a":1.}',
        '{"a":"\t"}',
        '{"a":"\\x"}',
        '{"a":"\\u12"}',
        '{"a" "b"}',
        '{"a":tru}',
        ' ',
        '\n\n',
        '{"a":[1,2}',
        '{"id":1}]',
        ',{}',
        '{}//',
      ]),
    );
  }
  if (random.chance(0.3)) return Buffer.from(anything(random));
  return Buffer.from(Array.from({ length: random.between(1, 60) }, () => random.between(0, 255)));
}
