import {
  ELEMENTS_AT,
  FIELDS,
  KIND_BOOL,
  KIND_DATE,
  KIND_DATE32,
  KIND_DATETIME,
  KIND_DATETIME64,
  KIND_DECIMAL,
  KIND_ENUM,
  KIND_FLOAT64,
  KIND_INT8,
  KIND_IPV4,
  KIND_IPV6,
  KIND_UUID,
  PLACE_AT,
  RECORD,
  UNKNOWN,
  UNSIGNED,
  WIDTH_AT,
} from '../../rows-layout';
import { numberEnd, QUOTE } from '../json-tokens';
import { readIpv4, readIpv6, readUuid } from './addresses';
import { NO_DAY, readDate, readDate32 } from './dates';
import { decimalOf } from './decimals';
import { fieldOf } from './keys';
import { isNegative, isWhole, mantissa, nearestFloat, readNumber } from './numbers';
import { readText, text, textBytes } from './texts';
import { readDateTime, readDateTime64 } from './times';

/** A number of JSON is shorter than this, or unusual. */
const MOST_QUOTED: usize = 64;

/**
 * Reads the value at `at`, which is not null, and writes it at `to`: of a type whose values have 1 to 16 bytes. Answers its
 * end, or 0 where it is unusual.
 */
export function readValue(at: usize, record: usize, kind: u32, to: usize): usize {
  if (kind >= <u32>KIND_ENUM) return readRarer(at, record, kind, to);
  const byte = <u32>load<u8>(at);
  if (kind == KIND_BOOL) {
    if (byte != 0x74 && byte != 0x66) return 0;
    store<u8>(to, byte == 0x74 ? 1 : 0);
    return byte == 0x74 ? at + 4 : at + 5;
  }
  if (kind == KIND_DATE) {
    const day = byte == QUOTE ? readDate(at + 1) : NO_DAY;
    if (day == NO_DAY) return 0;
    store<u16>(to, <u32>day);
    return at + 12;
  }
  if (kind >= <u32>KIND_INT8) {
    at = byte == QUOTE ? readQuotedNumber(at) : readPlainNumber(at, byte);
    return at != 0 && writeInteger(kind, to) ? at : 0;
  }
  at = readPlainNumber(at, byte);
  if (at == 0) return 0;
  const value = nearestFloat();
  if (value != value) return 0;
  if (kind == KIND_FLOAT64) store<f64>(to, value);
  else {
    // Rounded twice it may be another one: half way between two, and where Float32 has fewer digits.
    const size = abs(value);
    if ((reinterpret<u64>(value) & 0x1fffffff) == 0x10000000 || (size != 0 && (size < 1e-37 || size > 3e38)))
      return 0;
    store<f32>(to, <f32>value);
  }
  return at;
}

function readRarer(at: usize, record: usize, kind: u32, to: usize): usize {
  const byte = <u32>load<u8>(at);
  if (kind == KIND_DECIMAL) {
    at = byte == QUOTE ? readQuotedNumber(at) : readPlainNumber(at, byte);
    return at != 0 && decimalOf(record, to) ? at : 0;
  }
  if (kind == KIND_DATETIME) return readDateTime(at, record, to);
  if (kind == KIND_DATETIME64) return readDateTime64(at, record, to);
  if (byte != QUOTE) return 0;
  if (kind == KIND_ENUM) return readEnum(at, record, to);
  if (kind == KIND_UUID) return readUuid(at + 1, to);
  if (kind == KIND_IPV4) return readIpv4(at + 1, to);
  if (kind == KIND_IPV6) return readIpv6(at + 1, to);
  if (kind != KIND_DATE32) return 0;
  const day = readDate32(at + 1);
  if (day == NO_DAY) return 0;
  store<i32>(to, day);
  return at + 12;
}

// @ts-ignore: decorator
@inline
function readPlainNumber(at: usize, byte: u32): usize {
  return byte - 0x30 < 10 || byte == 0x2d ? readNumber(at) : 0;
}

/** A number of JSON in quotes, the first of which is at `at`. */
function readQuotedNumber(at: usize): usize {
  if (numberEnd(at + 1, at + MOST_QUOTED) == 0) return 0;
  at = readNumber(at + 1);
  return at != 0 && load<u8>(at) == QUOTE ? at + 1 : 0;
}

/** Writes the number read last, where the type holds it. */
function writeInteger(kind: u32, to: usize): bool {
  if (!isWhole) return false;
  const bytes = <u32>1 << (kind & 3);
  const bits = <u64>bytes << 3;
  if (kind & UNSIGNED) {
    if (isNegative || (bytes < 8 && mantissa >> bits != 0)) return false;
  } else {
    const limit = <u64>1 << (bits - 1);
    if (isNegative ? mantissa == 0 || mantissa > limit : mantissa >= limit) return false;
  }
  const value = isNegative ? 0 - mantissa : mantissa;
  if (bytes == 8) store<u64>(to, value);
  else if (bytes == 4) store<u32>(to, <u32>value);
  else if (bytes == 2) store<u16>(to, <u32>value);
  else store<u8>(to, <u32>value);
  return true;
}

/** By the element's name. */
function readEnum(at: usize, record: usize, to: usize): usize {
  at = readText(at + 1);
  if (at == 0) return 0;
  const element = fieldOf(text, <u32>textBytes, load<u32>(record, ELEMENTS_AT));
  if (element == UNKNOWN) return 0;
  const number = load<u32>(FIELDS + <usize>(element * RECORD), PLACE_AT);
  if (load<u32>(record, WIDTH_AT) == 1) store<u8>(to, number);
  else store<u16>(to, number);
  return at;
}
