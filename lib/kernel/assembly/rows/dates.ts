import { QUOTE } from '../json-tokens';

const DAYS_OF_MONTH = memory.data<u8>([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);

/** A bit that no two digits have. */
const NO_DIGITS: u32 = 0x80;

/** What is no day. */
export const NO_DAY: i32 = i32.MIN_VALUE;

/** A Date begins with 1970 and ends within 2149. */
const DATE_YEARS: u32 = 2148 - 1970;
/** A Date32 has whole years. */
const FIRST_OF_DATE32: u32 = 1900;
const DATE32_YEARS: u32 = 2299 - 1900;

/** `2026-01-05"` at `at` as days since 1970-01-01; `NO_DAY` for whatever else, and for days that do not exist. */
export function readDate(at: usize): i32 {
  return load<u8>(at, 10) == QUOTE ? readDay(at, 1970, DATE_YEARS) : NO_DAY;
}

/** As `readDate`, with the days that Date32 has. */
export function readDate32(at: usize): i32 {
  return load<u8>(at, 10) == QUOTE ? readDay(at, FIRST_OF_DATE32, DATE32_YEARS) : NO_DAY;
}

/** `2026-01-05` within so many years behind the first one. */
export function readDay(at: usize, firstYear: u32, years: u32): i32 {
  if (load<u8>(at, 4) != 0x2d || load<u8>(at, 7) != 0x2d) return NO_DAY;
  const first = pair(at);
  const second = pair(at + 2);
  const month = pair(at + 5);
  const day = pair(at + 8);
  if ((first | second | month | day) & NO_DIGITS) return NO_DAY;
  const year = first * 100 + second;
  if (year - firstYear > years || month - 1 > 11) return NO_DAY;
  const isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  const last = <u32>load<u8>(DAYS_OF_MONTH + <usize>month) + (isLeap && month == 2 ? 1 : 0);
  if (day - 1 >= last) return NO_DAY;
  return daysBefore(<i32>year, <i32>month) + <i32>day - 1;
}

/** Days from 1970-01-01 to the first of the month. Years are counted from March, so that the leap day is their last. */
function daysBefore(year: i32, month: i32): i32 {
  if (month <= 2) year--;
  const months = (month + 9) % 12;
  const days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * months + 2) / 5;
  // Days from March of year 0 to 1970-01-01.
  return days - 719468;
}

/** Two digits, or `NO_DIGITS`. */
export function pair(at: usize): u32 {
  const tens = <u32>load<u8>(at) - 0x30;
  const ones = <u32>load<u8>(at, 1) - 0x30;
  return tens > 9 || ones > 9 ? NO_DIGITS : tens * 10 + ones;
}
