import { type ColumnType, parseColumnType } from '../../../lib/clickhouse/encode/column-type.ts';

/**
 * RowBinary as its documentation has it, written plainly. Values: bigint for whole numbers, and for the units of Decimals and
 * times; number for floats; days for dates; bytes for UUIDs and addresses; lists for Arrays; pairs for Maps; null.
 */
export type Value = bigint | number | string | boolean | null | Buffer | readonly Value[];

export function rowValue(type: string | ColumnType | undefined, value: Value): Buffer {
  const parsed = typeof type === 'string' ? parseColumnType(type) : type;
  if (parsed === undefined) throw new Error(`no type: ${String(type)}`);
  const { name, arguments: given } = parsed;
  const inner = (at: number): ColumnType | undefined => given[at]?.type;
  switch (name) {
    case 'LowCardinality':
      return rowValue(inner(0), value);
    case 'Nullable':
      return value === null ? Buffer.of(1) : Buffer.concat([Buffer.of(0), rowValue(inner(0), value)]);
    case 'String':
      return withLength(Buffer.from(value as string));
    case 'FixedString':
      return Buffer.concat([Buffer.from(value as string)], Number(given[0]?.text));
    case 'Bool':
      return Buffer.of(value === true ? 1 : 0);
    case 'UUID': {
      const bytes = value as Buffer;
      return Buffer.concat([bytes.subarray(0, 8).toReversed(), bytes.subarray(8).toReversed()]);
    }
    case 'IPv4':
      return Buffer.from((value as Buffer).toReversed());
    case 'IPv6':
      return value as Buffer;
    case 'Float64': {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(value as number);
      return bytes;
    }
    case 'Array':
      return listed((value as readonly Value[]).map((element) => rowValue(inner(0), element)));
    case 'Map':
      return listed(
        (value as readonly (readonly [Value, Value])[]).map(([key, element]) =>
          Buffer.concat([rowValue(inner(0), key), rowValue(inner(1), element)]),
        ),
      );
    default:
      return whole(value as bigint, bytesOf(parsed));
  }
}

function bytesOf({ name, arguments: given }: ColumnType): number {
  const integer = /^U?Int(\d+)$/.exec(name);
  if (integer) return Number(integer[1]) / 8;
  if (name === 'Decimal') return decimalBytes(Number(given[0]?.text));
  const bytes = { Date: 2, Date32: 4, DateTime: 4, DateTime64: 8, Enum8: 1, Enum16: 2 }[name];
  if (bytes === undefined) throw new Error(`no bytes of ${name}`);
  return bytes;
}

function decimalBytes(digits: number): number {
  if (digits <= 9) return 4;
  return digits <= 18 ? 8 : 16;
}

/** Little-endian, in two's complement. */
function whole(value: bigint, bytes: number): Buffer {
  const bits = BigInt.asUintN(bytes * 8, value);
  return Buffer.from(Array.from({ length: bytes }, (_, at) => Number((bits >> BigInt(8 * at)) & 0xffn)));
}

function length(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

function withLength(bytes: Buffer): Buffer {
  return Buffer.concat([length(bytes.length), bytes]);
}

function listed(elements: readonly Buffer[]): Buffer {
  return Buffer.concat([length(elements.length), ...elements]);
}
