import type { ContainerKind, EnumElement, ScalarKind, ValueKind } from '../../kernel/field-kinds.ts';
import type { ColumnType, TypeArgument } from './column-type.ts';

const PLAIN: Readonly<Record<string, ValueKind>> = {
  String: 'text',
  Bool: 'bool',
  Date: 'date',
  Date32: 'date32',
  Float32: 'float32',
  Float64: 'float64',
  Int8: 'int8',
  Int16: 'int16',
  Int32: 'int32',
  Int64: 'int64',
  IPv4: 'ipv4',
  IPv6: 'ipv6',
  UInt8: 'uint8',
  UInt16: 'uint16',
  UInt32: 'uint32',
  UInt64: 'uint64',
  UUID: 'uuid',
};

type Kind = ScalarKind | ContainerKind;
/** A kind before it is known whether it may be NULL. */
type Bare<K> = K extends unknown ? Omit<K, 'isNullable'> : never;

/** How the kernel reads values of the type, Arrays and Maps included; undefined where it does not. */
export function elementKindOf(type: ColumnType | undefined, isNullable = false): Kind | undefined {
  if (type === undefined) return undefined;
  const [inner] = type.arguments;
  if (type.name === 'LowCardinality') return elementKindOf(inner?.type, isNullable);
  if (type.name === 'Nullable') return elementKindOf(inner?.type, true);
  if (type.name === 'Array' || type.name === 'Map') return isNullable ? undefined : containerOf(type);
  const kind = scalarOf(type);
  return kind && ({ ...kind, isNullable } as ScalarKind);
}

function containerOf({ name, arguments: [first, second] }: ColumnType): ContainerKind | undefined {
  const of = elementKindOf(name === 'Array' ? first?.type : second?.type);
  if (of === undefined) return undefined;
  if (name === 'Array') return second === undefined ? { kind: 'array', of } : undefined;
  const key = elementKindOf(first?.type);
  return key?.kind === 'text' && !key.isNullable ? { kind: 'map', of } : undefined;
}

function scalarOf({ name, arguments: given }: ColumnType): Bare<ScalarKind> | undefined {
  if (Object.hasOwn(PLAIN, name)) {
    const kind = PLAIN[name];
    return kind !== undefined && given.length === 0 ? { kind } : undefined;
  }
  switch (name) {
    case 'DateTime':
      return given.length <= 1 ? { kind: 'dateTime', isUtc: isUtc(given[0]) } : undefined;
    case 'DateTime64':
      return dateTime64Of(given);
    case 'Decimal':
      return decimalOf(given);
    case 'Enum8':
    case 'Enum16':
      return enumOf(name === 'Enum8' ? 1 : 2, given);
    case 'FixedString':
      return fixedTextOf(given);
    default:
      return undefined;
  }
}

/** Of other zones the server knows when their clocks are changed. */
function isUtc(argument: TypeArgument | undefined): boolean {
  return argument?.text === "'UTC'";
}

function wholeOf(argument: TypeArgument | undefined): number | undefined {
  return argument && /^\d{1,4}$/.test(argument.text) ? Number(argument.text) : undefined;
}

function dateTime64Of([digits, zone, ...others]: readonly TypeArgument[]): Bare<ScalarKind> | undefined {
  const scale = wholeOf(digits);
  if (scale === undefined || scale > 9 || others.length > 0) return undefined;
  return { kind: 'dateTime64', scale, isUtc: isUtc(zone) };
}

const MOST_DIGITS = 38;

function decimalOf([digits, behind, ...others]: readonly TypeArgument[]): Bare<ScalarKind> | undefined {
  const precision = wholeOf(digits);
  const scale = behind === undefined ? 0 : wholeOf(behind);
  if (precision === undefined || scale === undefined || others.length > 0) return undefined;
  return precision > MOST_DIGITS || scale > precision ? undefined : { kind: 'decimal', precision, scale };
}

/** The kernel keeps as much room for each row. */
const MOST_FIXED_TEXT = 256;

function fixedTextOf([size, ...others]: readonly TypeArgument[]): Bare<ScalarKind> | undefined {
  const bytes = wholeOf(size);
  if (bytes === undefined || bytes === 0 || bytes > MOST_FIXED_TEXT || others.length > 0) return undefined;
  return { kind: 'fixedText', bytes };
}

const ELEMENT = /^'([^'\\]*)'\s*=\s*(-?\d+)$/;

/** Of elements that each have a number; names with escapes are left to the server. */
function enumOf(bytes: 1 | 2, given: readonly TypeArgument[]): Bare<ScalarKind> | undefined {
  const elements: EnumElement[] = [];
  for (const { text } of given) {
    const [, name, number] = ELEMENT.exec(text) ?? [];
    if (name === undefined || number === undefined) return undefined;
    elements.push({ name, number: Number(number) });
  }
  return elements.length === 0 ? undefined : { kind: 'enum', bytes, elements };
}
