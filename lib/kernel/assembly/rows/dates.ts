import { QUOTE } from '../json-tokens';

const DAYS_BEFORE_MONTH = memory.data<u16>([0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]);
const DAYS_OF_MONTH = memory.data<u8>([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);

/** A bit that no two digits have. */
const NO_DIGITS: u32 = 0x80;

const FIRST_YEAR: u32 = 1970;
/** A Date ends within 2149. */
const LAST_YEAR: u32 = 2148;

/** `2026-01-05"` at `at` as days since 1970-01-01; -1 for whatever else, and for days that do not exist. */
export function readDate(at: usize): i32 {
  if (load<u8>(at, 4) != 0x2d || load<u8>(at, 7) != 0x2d || load<u8>(at, 10) != QUOTE) return -1;
  const first = pair(at);
  const second = pair(at + 2);
  const month = pair(at + 5);
  const day = pair(at + 8);
  if ((first | second | month | day) & NO_DIGITS) return -1;
  const year = first * 100 + second;
  if (year < FIRST_YEAR || year > LAST_YEAR || month < 1 || month > 12) return -1;
  // 2100 is no leap year, 2000 is one.
  const isLeap = year % 4 == 0 && year != 2100;
  const last = <u32>load<u8>(DAYS_OF_MONTH + <usize>month) + (isLeap && month == 2 ? 1 : 0);
  if (day < 1 || day > last) return -1;
  const leaps = (year - 1969) / 4 - (year > 2100 ? 1 : 0);
  const before = <u32>load<u16>(DAYS_BEFORE_MONTH + (<usize>month << 1)) + (isLeap && month > 2 ? 1 : 0);
  return <i32>((year - FIRST_YEAR) * 365 + leaps + before + day - 1);
}

/** Two digits, or `NO_DIGITS`. */
function pair(at: usize): u32 {
  const tens = <u32>load<u8>(at) - 0x30;
  const ones = <u32>load<u8>(at, 1) - 0x30;
  return tens > 9 || ones > 9 ? NO_DIGITS : tens * 10 + ones;
}
