import { IS_UTC_AT, SCALE_AT } from '../../rows-layout';
import { COLON, QUOTE } from '../json-tokens';
import { NO_DAY, pair, readDay } from './dates';
import { isNegative, isWhole, mantissa, power10, readNumber } from './numbers';

const FIRST_YEAR: u32 = 1970;
/** DateTime ends within 2106. */
const DATETIME_YEARS: u32 = 2105 - 1970;
/** DateTime64 of nanoseconds ends within 2262. */
const DATETIME64_YEARS: u32 = 2261 - 1970;
const DATETIME64_SECONDS: u64 = 9_214_646_400;

const NANOSECONDS: i32 = 9;

/** Of the text read last: seconds since 1970-01-01 00:00 UTC, and the digits behind them. */
let seconds: i64 = 0;
let fraction: u64 = 0;
let fractionDigits: i32 = 0;

/** Writes the time at `at`, a text or whole seconds. Answers its end, or 0 where it is unusual. */
export function readDateTime(at: usize, record: usize, to: usize): usize {
  if (load<u8>(at) == QUOTE) {
    at = readTime(at + 1, record, DATETIME_YEARS);
    if (at == 0 || seconds < 0) return 0;
    store<u32>(to, <u32>seconds);
    return at;
  }
  at = readWhole(at);
  if (at == 0 || mantissa > <u64>u32.MAX_VALUE) return 0;
  store<u32>(to, <u32>mantissa);
  return at;
}

/** As `readDateTime`; a number counts the units of the type's scale. */
export function readDateTime64(at: usize, record: usize, to: usize): usize {
  const scale = load<i32>(record, SCALE_AT);
  if (load<u8>(at) == QUOTE) {
    at = readTime(at + 1, record, DATETIME64_YEARS);
    if (at == 0 || seconds < 0) return 0;
    const units =
      fractionDigits <= scale ? fraction * power10(scale - fractionDigits) : fraction / power10(fractionDigits - scale);
    store<u64>(to, <u64>seconds * power10(scale) + units);
    return at;
  }
  at = readWhole(at);
  if (at == 0 || mantissa > DATETIME64_SECONDS * power10(scale)) return 0;
  store<u64>(to, mantissa);
  return at;
}

/** A whole number that is not below zero. */
function readWhole(at: usize): usize {
  if (<u32>load<u8>(at) - 0x30 > 9) return 0;
  at = readNumber(at);
  return at != 0 && isWhole && !isNegative ? at : 0;
}

/**
 * `2026-01-05 10:00:00` or with `T`, a fraction and a zone (`Z`, `+02:00`) behind it, up to the closing quote. Without a zone
 * only where the type says that it is UTC.
 */
function readTime(at: usize, record: usize, years: u32): usize {
  const day = readDay(at, FIRST_YEAR, years);
  const between = <u32>load<u8>(at, 10);
  if (day == NO_DAY || (between != 0x20 && between != 0x54)) return 0;
  const hour = pair(at + 11);
  const minute = pair(at + 14);
  const second = pair(at + 17);
  if (<u32>load<u8>(at, 13) != COLON || <u32>load<u8>(at, 16) != COLON || hour > 23 || minute > 59 || second > 59)
    return 0;
  seconds = <i64>day * 86400 + <i64>(hour * 3600 + minute * 60 + second);
  at = readFraction(at + 19);
  return at == 0 ? 0 : readZone(at, record);
}

function readFraction(at: usize): usize {
  fraction = 0;
  fractionDigits = 0;
  if (load<u8>(at) != 0x2e) return at;
  for (let digit = <u32>load<u8>(++at) - 0x30; digit < 10; digit = <u32>load<u8>(++at) - 0x30) {
    if (++fractionDigits > NANOSECONDS) return 0;
    fraction = fraction * 10 + digit;
  }
  return fractionDigits == 0 ? 0 : at;
}

function readZone(at: usize, record: usize): usize {
  const byte = <u32>load<u8>(at);
  if (byte == QUOTE) return load<u32>(record, IS_UTC_AT) ? at + 1 : 0;
  if (byte == 0x5a) return load<u8>(at, 1) == QUOTE ? at + 2 : 0;
  if (byte != 0x2b && byte != 0x2d) return 0;
  const hours = pair(at + 1);
  const minutes = pair(at + 4);
  if (<u32>load<u8>(at, 3) != COLON || hours > 14 || minutes > 59 || load<u8>(at, 6) != QUOTE) return 0;
  const offset = <i64>(hours * 3600 + minutes * 60);
  seconds += byte == 0x2b ? -offset : offset;
  return at + 7;
}
