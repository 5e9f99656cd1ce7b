import type { Random } from '../../simulation/random.ts';

/** The JSON text of one value. */
export type Make = (random: Random) => string;

const WORDS = [
  'a',
  'ok',
  'sensor',
  'Zürich',
  '東京',
  '😀',
  'x y',
  'null',
  'true',
  '1',
  '-',
  '{}',
  '[1]',
  'a"b',
  'c\\d',
  '\t',
  '\u0000',
] as const;
/** Ways to write one letter that mean the same or are merely unusual; a lone surrogate among them. */
const WRITTEN = [
  '\\u00e9',
  '\\/',
  '\\n',
  '\\b',
  '\\uD83D\\uDE00',
  '\\u0000',
  '\\u0022',
  '\\\\',
  'é',
  '/',
  ' ',
] as const;

function quoted(text: string): string {
  return JSON.stringify(text);
}

export function text(random: Random): string {
  if (random.chance(0.7)) return `"w${random.between(0, 99_999)}"`;
  if (random.chance(0.5)) return quoted(random.pick(WORDS));
  return `"${Array.from({ length: random.between(1, 6) }, () => random.pick(WRITTEN)).join('x')}"`;
}

function integer(low: number, high: number): Make {
  return (random) => {
    const value = random.between(low, high);
    return random.chance(0.1) ? `"${value}"` : `${value}`;
  };
}

const HEX = '0123456789abcdef';

function uuid(random: Random): string {
  let digits = '';
  for (let index = 0; index < 32; index++) digits += HEX[random.between(0, 15)];
  const dashed = digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  return random.chance(0.05) ? quoted(digits) : quoted(random.chance(0.1) ? dashed.toUpperCase() : dashed);
}

const two = (value: number): string => `${value}`.padStart(2, '0');

function day(random: Random): string {
  return `${random.between(1970, 2148)}-${two(random.between(1, 12))}-${two(random.between(1, 28))}`;
}

function time(random: Random): string {
  return `${two(random.between(0, 23))}:${two(random.between(0, 59))}:${two(random.between(0, 59))}`;
}

function instant(random: Random): string {
  const date = `${random.between(1971, 2100)}-${two(random.between(1, 12))}-${two(random.between(1, 28))}`;
  const parts = random.pick([' ', 'T']);
  return `${date}${parts}${time(random)}${random.pick(['', '.5', '.123', 'Z', '+02:00'])}`;
}

function list(make: Make, longest: number): Make {
  return (random) => {
    const length = random.between(0, longest);
    let out = '';
    for (let index = 0; index < length; index++) out += (index > 0 ? ',' : '') + make(random);
    return `[${out}]`;
  };
}

function map(make: Make): Make {
  return (random) => {
    const length = random.between(0, 3);
    let out = '';
    for (let index = 0; index < length; index++) {
      out += `${index > 0 ? ', ' : ''}"k${random.between(0, 9)}${index}":${make(random)}`;
    }
    return `{${out}}`;
  };
}

function float(random: Random): string {
  if (random.chance(0.2))
    return random.pick(['0', '-0.0', '1e10', '1.5E-7', '"nan"', '"inf"', '"-inf"', '1e-400', '5e-324']);
  return `${(random.next() * 1000).toFixed(random.between(0, 8))}`;
}

function decimal(random: Random): string {
  const value = `${random.between(-99_999, 99_999)}.${random.between(0, 9_999)}`;
  return random.chance(0.2) ? quoted(value) : value;
}

/** Whatever a document may hold where nothing is expected of it. */
export function anything(random: Random, depth = 3): string {
  switch (random.between(0, depth > 0 ? 6 : 4)) {
    case 0:
      return text(random);
    case 1:
      return float(random).replaceAll('"', '') === 'nan' ? 'null' : `${random.between(-1000, 1000)}`;
    case 2:
      return random.pick(['true', 'false', 'null']);
    case 3:
      return quoted(instant(random));
    case 4:
      return `${random.between(-9, 9)}.${random.between(0, 99)}`;
    case 5:
      return list((inner) => anything(inner, depth - 1), 3)(random);
    default:
      return map((inner) => anything(inner, depth - 1))(random);
  }
}

/** For the JSON column: paths from a small set, and of one type each, mostly. */
function document(random: Random): string {
  const parts: string[] = [];
  if (random.chance(0.7)) parts.push(`"a":${random.between(0, 99)}`);
  if (random.chance(0.4)) parts.push(`"b":{"c":${text(random)},"d":[1,2,${random.between(3, 9)}]}`);
  if (random.chance(0.15)) parts.push(`"p${random.between(0, 20)}":${anything(random)}`);
  return `{${parts.join(',')}}`;
}

/** A value of each field that becomes a row. */
export const GOOD: Readonly<Record<string, Make>> = {
  id: integer(0, 2 ** 31),
  status: text,
  user: uuid,
  start: (random) => quoted(day(random)),
  kind: (random) => random.pick(['"a"', '"b"', '"c d"', '1', '-3']),
  tags: list(text, 4),
  grid: list(list(integer(-9, 9), 3), 3),
  attrs: map(text),
  readings: map(float),
  pair: (random) => random.pick([`{"x":${random.between(-9, 9)},"y":"z"}`, '{"y":"only"}', '{}']),
  doc: document,
  maybe: (random) => (random.chance(0.3) ? 'null' : integer(-999, 999)(random)),
  price: decimal,
  at: (random) => quoted(instant(random)),
  count: integer(-(2 ** 40), 2 ** 40),
  level: integer(0, 199),
  ratio: float,
  ok: (random) => random.pick(['true', 'false', 'true', '0', '1']),
  ip: (random) => `"${random.between(0, 255)}.${random.between(0, 255)}.0.${random.between(0, 255)}"`,
  city: (random) => `"city ${random.between(0, 40)}"`,
  code: (random) => `"${random.between(-9_999, 9_999)}"`,
  seen: (random) => quoted(instant(random)),
  serial: (random) => `"${random.between(0, 999_999)}"`,
  rank: (random) => `"${random.between(0, 9_999)}"`,
};
