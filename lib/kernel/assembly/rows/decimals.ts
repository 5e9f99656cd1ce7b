import { PRECISION_AT, SCALE_AT, WIDTH_AT } from '../../rows-layout';
import { exponent, isNegative, lowerOf, mantissa, power10, upperOf, wasScaled } from './numbers';

/** Powers of ten that 64 bits hold. */
const MOST_POWER: i32 = 19;

/** Writes the number read last as a Decimal. Answers false where that is not exact, or the number has too many digits. */
export function decimalOf(record: usize, to: usize): bool {
  const behind = load<i32>(record, SCALE_AT) + exponent;
  if (wasScaled || behind < 0 || behind > MOST_POWER || (isNegative && mantissa == 0)) return false;
  const before = load<i32>(record, PRECISION_AT) - behind;
  if (before <= 0 ? mantissa != 0 : before <= MOST_POWER && mantissa >= power10(before)) return false;
  let upper = upperOf(mantissa, power10(behind));
  let lower = lowerOf;
  if (isNegative) {
    upper = ~upper + (lower == 0 ? 1 : 0);
    lower = 0 - lower;
  }
  const bytes = load<u32>(record, WIDTH_AT);
  if (bytes == 4) store<u32>(to, <u32>lower);
  else store<u64>(to, lower);
  if (bytes == 16) store<u64>(to, upper, 8);
  return true;
}
