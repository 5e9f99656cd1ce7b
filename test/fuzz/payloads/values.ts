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
  const fraction = random.chance(0.4) ? random.pick(['.5', '.123', '.123456', '.123456789']) : '';
  const zone = random.pick(['', '', 'Z', 'Z', 'Z', '+00:00', '+02:00', '-05:30']);
  return `${date}${parts}${time(random)}${fraction}${zone}`;
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

function ipv6(random: Random): string {
  if (random.chance(0.2))
    return random.pick([
      '"::"',
      '"::1"',
      '"1::"',
      '"::ffff:1.2.3.4"',
      '"fe80::1:0:0:2"',
      '"1:2:3:4:5:6:7::"',
    ]);
  const groups = Array.from({ length: 8 }, () => (random.chance(0.4) ? 0 : random.between(0, 0xffff)));
  const text = groups.map((group) => group.toString(16)).join(':');
  return quoted(random.chance(0.5) ? text.replace(/(?:^|:)0(?::0)*(?::|$)/, '::') : text.toUpperCase());
}

/** With more digits than the type holds now and then. */
function digits(before: number, behind: number): Make {
  return (random) => {
    const sign = random.chance(0.3) ? '-' : '';
    const many = (most: number): string =>
      Array.from({ length: random.between(1, most) }, () => random.between(0, 9)).join('');
    const whole = many(before).replace(/^0+(?=\d)/, '');
    const value = `${sign}${whole}${behind > 0 && random.chance(0.7) ? `.${many(behind)}` : ''}`;
    return random.chance(0.2) ? quoted(value) : value;
  };
}

function mayBeNull(make: Make): Make {
  return (random) => (random.chance(0.2) ? 'null' : make(random));
}

/** Whole seconds or other units of them, or a text. */
function moment(units: number): Make {
  return (random) =>
    random.chance(0.2) ? `${random.between(0, 4_000_000_000) * units}` : quoted(instant(random));
}

function wide(random: Random): string {
  const [low, high] = random.pick<readonly [number, number]>([
    [1900, 2299],
    [1970, 2148],
    [1900, 1970],
  ]);
  return quoted(`${random.between(low, high)}-${two(random.between(1, 12))}-${two(random.between(1, 28))}`);
}

const state: Make = (random) => random.pick(['""', '"on"', '"\\u006fn"']);

const short: Make = (random) => random.pick(['""', '"a"', '"abc"', '"\\u0000b"', '"üé"', '"ab\\n"']);

function spot(random: Random): string {
  const inner = [
    `"n":${mayBeNull(integer(-40_000, 40_000))(random)}`,
    `"mark":${random.pick(['"a"', '"ü"', '""', 'null'])}`,
  ];
  if (random.chance(0.6)) inner.push(`"list":${list(integer(0, 255), 5)(random)}`);
  const members = [`"latitude":${float(random)}`, `"label":${text(random)}`, `"inner":{${inner.join(',')}}`];
  return `{${members.filter(() => random.chance(0.8)).join(',')}}`;
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
  born: mayBeNull((random) => quoted(day(random))),
  founded: wide,
  made: moment(1),
  changed: mayBeNull(moment(1)),
  tick: moment(1_000_000),
  owner: mayBeNull(uuid),
  host: ipv6,
  mode: (random) => random.pick(['""', '"one"', '"zwölf"', '"zw\\u00f6lf"']),
  word: mayBeNull(text),
  tiny: integer(-128, 127),
  small: integer(0, 65_535),
  whole: mayBeNull(integer(-(2 ** 31), 2 ** 31 - 1)),
  large: (random) => `${BigInt(random.between(0, 2 ** 52)) * BigInt(random.between(0, 4_095))}`,
  half: float,
  rare: mayBeNull(float),
  perhaps: mayBeNull((random) => random.pick(['true', 'false'])),
  cents: digits(3, 2),
  huge: mayBeNull(digits(14, 6)),
  mark: short,
  spot,
  flags: list(mayBeNull(integer(0, 255)), 6),
  owners: list(uuid, 3),
  kinds: list((random) => random.pick(['"a"', '"b"', '"c d"']), 4),
  stamps: list(moment(1_000), 3),
  prices: map(mayBeNull(digits(9, 4))),
  lists: map(list(integer(-9_999, 9_999), 140)),
  marks: list(short, 3),
  days: list(
    list(
      mayBeNull((random) => quoted(day(random))),
      3,
    ),
    3,
  ),
  words: list(text, 4),
  state,
  before: mayBeNull(state),
  states: list(mayBeNull(state), 4),
  rank: (random) => `"${random.between(0, 9_999)}"`,
};
