import fc from 'fast-check';
import { type ColumnType, parseColumnType } from '../../../lib/clickhouse/encode/column-type.ts';
import type { Value } from './reference-rows.ts';

/** A value, and one of the ways to write it in JSON that the kernel vouches for. */
export interface Written {
  readonly json: string;
  readonly value: Value;
}

const DAY = 86_400;
const LAST_DAY = Date.UTC(2148, 11, 31) / 1000 / DAY;

/** Texts in which letters are escaped now and then, never as surrogates. */
const text = fc
  .tuple(
    fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: 'grapheme', maxLength: 150 })),
    fc.boolean(),
  )
  .map(([value, escapes]): Written => {
    const json = JSON.stringify(value);
    const escaped = json.replaceAll(/[a-e/]/g, (letter) => {
      return letter === '/' ? '\\/' : `\\u00${letter.charCodeAt(0).toString(16)}`;
    });
    // What stands behind a backslash is no letter of its own.
    return { value, json: escapes && !json.includes('\\') ? escaped : json };
  });

/** In quotes too. */
function written(value: bigint): fc.Arbitrary<Written> {
  return fc.constantFrom(`${value}`, `"${value}"`).map((json) => ({ json, value }));
}

function integer(bits: number, isSigned: boolean): fc.Arbitrary<Written> {
  const [min, max] = isSigned
    ? [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n]
    : [0n, 2n ** BigInt(bits) - 1n];
  return fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max, 0n)).chain(written);
}

function decimal(precision: number, scale: number): fc.Arbitrary<Written> {
  const digits = Math.min(precision, 19);
  const max = 10n ** BigInt(digits) - 1n;
  return fc
    .tuple(fc.bigInt({ min: -max, max }), fc.integer({ min: 0, max: scale }), fc.boolean())
    .filter(([units, behind]) => {
      const all = `${units < 0n ? -units : units}`.length + scale - behind;
      return units !== 0n && all <= precision && scale - behind <= 19;
    })
    .map(([units, behind, isQuoted]) => {
      const sign = units < 0n ? '-' : '';
      const all = `${units < 0n ? -units : units}`.padStart(behind + 1, '0');
      const point = all.length - behind;
      const number = `${sign}${all.slice(0, point)}${behind === 0 ? '' : `.${all.slice(point)}`}`;
      return { json: isQuoted ? `"${number}"` : number, value: units * 10n ** BigInt(scale - behind) };
    })
    .filter(({ json }) => json.replaceAll(/\D/g, '').length <= 19);
}

const two = (value: number): string => `${Math.floor(value)}`.padStart(2, '0');

function dayText(day: number): string {
  return new Date(day * DAY * 1000).toISOString().slice(0, 10);
}

/** The seconds' whole day and time, as written in the zone, with digits behind them. */
function time(scale: number, isUtc: boolean, lastYear: number): fc.Arbitrary<Written> {
  const last = Date.UTC(lastYear, 11, 31) / 1000;
  const zone = fc.constantFrom('Z', '+00:00', '+02:00', '-05:30', ...(isUtc ? [''] : []));
  return fc
    .tuple(
      fc.integer({ min: DAY, max: last }),
      fc.stringMatching(/^\d{0,9}$/),
      zone,
      fc.constantFrom(' ', 'T'),
    )
    .map(([seconds, fraction, offset, between]) => {
      const [, sign, hours = 0, minutes = 0] = /([+-])(\d\d):(\d\d)/.exec(offset) ?? [];
      const shift = (Number(hours) * 3600 + Number(minutes) * 60) * (sign === '-' ? -1 : 1);
      const local = seconds + shift;
      const rest = ((local % DAY) + DAY) % DAY;
      const clock = `${two(rest / 3600)}:${two((rest % 3600) / 60)}:${two(rest % 60)}`;
      const units = BigInt(fraction.slice(0, scale).padEnd(scale, '0') || '0');
      return {
        json: `"${dayText(Math.floor(local / DAY))}${between}${clock}${fraction && `.${fraction}`}${offset}"`,
        value: BigInt(seconds) * 10n ** BigInt(scale) + units,
      };
    });
}

const uuid = fc
  .tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.boolean())
  .map(([bytes, isUpper]) => {
    const digits = Buffer.from(bytes).toString('hex');
    const dashed = digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    return { json: `"${isUpper ? dashed.toUpperCase() : dashed}"`, value: Buffer.from(bytes) };
  });

const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => {
  return { json: `"${[...bytes].join('.')}"`, value: Buffer.from(bytes) };
});

/** With one run of zeros left out, if there is one. */
const ipv6 = fc
  .tuple(
    fc.array(fc.oneof(fc.constant(0), fc.nat({ max: 0xffff })), { minLength: 8, maxLength: 8 }),
    fc.boolean(),
  )
  .map(([groups, isShort]) => {
    const value = Buffer.alloc(16);
    for (const [at, group] of groups.entries()) value.writeUInt16BE(group, 2 * at);
    const whole = groups.map((group) => group.toString(16)).join(':');
    return { json: `"${isShort ? whole.replace(/(?:^|:)0(?::0)*(?::|$)/, '::') : whole}"`, value };
  });

const ANY_DAY = fc.integer({ min: 0, max: LAST_DAY });

function scalar({ name, arguments: given }: ColumnType): fc.Arbitrary<Written> {
  const [first, second] = given.map((argument) => argument.text);
  const bits = /^(U?)Int(\d+)$/.exec(name);
  if (bits) return integer(Number(bits[2]), bits[1] === '');
  switch (name) {
    case 'String':
      return text;
    case 'FixedString':
      return text.filter(({ value }) => Buffer.byteLength(value as string) <= Number(first));
    case 'Bool':
      return fc.boolean().map((value) => ({ json: `${value}`, value }));
    case 'Float64':
      return fc
        .double({ noNaN: true, noDefaultInfinity: true, min: -1e18, max: 1e18 })
        .filter((value) => value !== 0 && Math.abs(value) > 1e-30)
        .map((value) => ({ json: JSON.stringify(value), value }));
    case 'Date':
      return ANY_DAY.map((day) => ({ json: `"${dayText(day)}"`, value: BigInt(day) }));
    case 'Date32':
      return fc
        .integer({ min: Date.UTC(1900) / 1000 / DAY, max: Date.UTC(2299, 11, 31) / 1000 / DAY })
        .map((day) => ({ json: `"${dayText(day)}"`, value: BigInt(day) }));
    case 'DateTime':
      return fc.oneof(
        time(0, first === "'UTC'", 2105),
        fc.nat({ max: 2 ** 31 - 1 }).map((value) => ({ json: `${value}`, value: BigInt(value) })),
      );
    case 'DateTime64':
      return fc.oneof(
        time(Number(first), second === "'UTC'", 2261),
        fc
          .bigInt({ min: 0n, max: 10n ** BigInt(9 + Number(first)) })
          .map((value) => ({ json: `${value}`, value })),
      );
    case 'UUID':
      return uuid;
    case 'IPv4':
      return ipv4;
    case 'IPv6':
      return ipv6;
    case 'Decimal':
      return decimal(Number(first), Number(second ?? 0));
    default:
      return fc.constantFrom(...given).map((element) => {
        const [, word = '', number = '0'] = /^'(.*)' = (-?\d+)$/.exec(element.text) ?? [];
        return { json: JSON.stringify(word), value: BigInt(number) };
      });
  }
}

const space = fc.constantFrom('', '', ' ', '\n\t');

/** A value of the type. */
export function writtenValue(type: string | ColumnType | undefined): fc.Arbitrary<Written> {
  const parsed = typeof type === 'string' ? parseColumnType(type) : type;
  if (parsed === undefined) throw new Error(`no type: ${String(type)}`);
  const [first, second] = parsed.arguments;
  if (parsed.name === 'LowCardinality') return writtenValue(first?.type);
  if (parsed.name === 'Nullable')
    return fc.oneof(
      { weight: 3, arbitrary: writtenValue(first?.type) },
      fc.constant({ json: 'null', value: null }),
    );
  const lengths = { maxLength: 140, size: '-1' } as const;
  if (parsed.name === 'Array')
    return fc.tuple(fc.array(writtenValue(first?.type), lengths), space).map(([elements, between]) => ({
      json: `[${between}${elements.map(({ json }) => `${json}${between}`).join(`,${between}`)}]`,
      value: elements.map(({ value }) => value),
    }));
  if (parsed.name === 'Map')
    return fc
      .tuple(fc.array(fc.tuple(text, writtenValue(second?.type)), lengths), space)
      .map(([pairs, between]) => ({
        json: `{${between}${pairs.map(([key, { json }]) => `${key.json}${between}:${between}${json}${between}`).join(`,${between}`)}}`,
        value: pairs.map(([key, { value }]) => [key.value, value] as const),
      }));
  return scalar(parsed);
}
