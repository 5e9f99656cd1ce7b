import { MOST_POWER_OF_5, POWERS_OF_5 } from '../../rows-layout';

// Numbers of JSON that `checkObject` has accepted, so that their grammar needs no second look.

/** Leading zeros not counted. Those of so many that 64 bits hold begin with 1. */
const MOST_DIGITS: u32 = 20;
const LEAST_OF_MOST_DIGITS: u64 = 10000000000000000000;

/** 10^0 to 10^19. */
const POWERS = memory.data<u64>([
  1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000,
  1000000000000, 10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000,
  1000000000000000000, 10000000000000000000,
]);

/** 10^0 to 10^22: those that are exact. */
const EXACT_POWERS = memory.data<f64>([
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
  1e20, 1e21, 1e22,
]);
const MOST_EXACT_POWER: i32 = 22;
/** Integers up to here are exact. */
const MOST_EXACT: u64 = 0x20000000000000;

/** Of the number read last: its digits as an integer, which 10^exponent is multiplied with. */
export let mantissa: u64 = 0;
export let exponent: i32 = 0;
export let isNegative: bool = false;
/** Neither a fraction nor an exponent was written. */
export let isWhole: bool = false;
/** An exponent was written. */
export let wasScaled: bool = false;

/** 10^power, of at most 19. */
// @ts-ignore: decorator
@inline
export function power10(power: i32): u64 {
  return load<u64>(POWERS + (<usize>power << 3));
}

/** Digits at the beginning of eight bytes, each xor 0x30. */
// @ts-ignore: decorator
@inline
function digitsIn(word: u64): u32 {
  return <u32>(ctz(((word + 0x7676767676767676) | word) & 0x8080808080808080) >>> 3);
}

/** The value of eight digits, the first in the lowest byte. */
// @ts-ignore: decorator
@inline
function eightDigits(word: u64): u64 {
  const pairs = word * 10 + (word >> 8);
  return (
    ((pairs & 0x000000ff000000ff) * 0x000f424000000064 +
      ((pairs >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >>
    32
  );
}

/** Takes the digits at `at` into the mantissa. Answers how many there are. */
// @ts-ignore: decorator
@inline
function takeDigits(at: usize): u32 {
  let taken: u32 = 0;
  let digits: u32;
  do {
    const word = load<u64>(at + taken) ^ 0x3030303030303030;
    digits = digitsIn(word);
    if (digits == 0) break;
    taken += digits;
    if (taken > MOST_DIGITS) break;
    const value = eightDigits(word << ((8 - <u64>digits) << 3));
    mantissa = mantissa * load<u64>(POWERS + (<usize>digits << 3)) + value;
  } while (digits == 8);
  return taken;
}

/** Reads the number at `at`. Answers its end, or 0 where it has more digits than are read here. */
export function readNumber(at: usize): usize {
  mantissa = 0;
  exponent = 0;
  isWhole = true;
  wasScaled = false;
  isNegative = load<u8>(at) == 0x2d;
  if (isNegative) at++;
  let first = at;
  let digits = takeDigits(at);
  at += digits;
  if (digits > MOST_DIGITS) return 0;
  if (load<u8>(at) == 0x2e) {
    isWhole = false;
    const point = at++;
    if (mantissa == 0) {
      while (load<u8>(at) == 0x30) at++;
      digits = 0;
      first = at;
    }
    const taken = takeDigits(at);
    digits += taken;
    if (digits > MOST_DIGITS) return 0;
    at += taken;
    exponent = <i32>(point + 1 - at);
  }
  if (digits == MOST_DIGITS && (load<u8>(first) != 0x31 || mantissa < LEAST_OF_MOST_DIGITS)) return 0;
  if ((load<u8>(at) | 0x20) == 0x65) {
    isWhole = false;
    wasScaled = true;
    const sign = <u32>load<u8>(++at);
    if (sign == 0x2b || sign == 0x2d) at++;
    let written: i32 = 0;
    for (let digit = <u32>load<u8>(at) - 0x30; digit < 10; digit = <u32>load<u8>(++at) - 0x30) {
      if (written > 1000) return 0;
      written = written * 10 + <i32>digit;
    }
    exponent += sign == 0x2d ? -written : written;
  }
  return at;
}

/**
 * The number read last as the nearest Float64, or NaN where that is not certain here, and for -0. Small ones by one
 * multiplication or division of exact operands (Clinger 1990), the others as in Lemire 2021, "Number parsing at a gigabyte per
 * second".
 */
export function nearestFloat(): f64 {
  if (mantissa == 0) return isNegative ? NaN : 0;
  let value: f64;
  if (mantissa <= MOST_EXACT && abs(exponent) <= MOST_EXACT_POWER) {
    const power = load<f64>(EXACT_POWERS + (<usize>abs(exponent) << 3));
    // Of signed integers the conversion is one instruction.
    const digits = <f64>(<i64>mantissa);
    value = exponent < 0 ? digits / power : digits * power;
  } else {
    if (abs(exponent) > MOST_POWER_OF_5) return NaN;
    value = scaled(mantissa, exponent);
  }
  return isNegative ? -value : value;
}

const MANTISSA_BITS: i32 = 52;
const BIAS: i32 = 1023;
const LARGEST_EXPONENT: i32 = 2047;

/** `digits` times 10^power, or NaN. */
function scaled(digits: u64, power: i32): f64 {
  const leading = <i32>clz(digits);
  digits <<= <u64>leading;
  const of5 = <usize>POWERS_OF_5 + (<usize>(power + MOST_POWER_OF_5) << 4);
  let upper = upperOf(digits, load<u64>(of5));
  let lower = lowerOf;
  if ((upper & 0x1ff) == 0x1ff) {
    // The first 64 bits of the power do not decide.
    const carried = upperOf(digits, load<u64>(of5, 8));
    lower += carried;
    if (lower < carried) upper++;
  }
  if (lower == u64.MAX_VALUE && (power < -27 || power > 55)) return NaN;
  const top = <i32>(upper >> 63);
  const shift = <u64>(top + 64 - MANTISSA_BITS - 3);
  let result = upper >> shift;
  // The binary logarithm of 10, times 2^16.
  let exponentOf2 = ((217706 * power) >> 16) + 63 + top - leading + BIAS;
  if (exponentOf2 <= 0) return NaN;
  // Exactly half way: to the even one.
  const mayBeHalfWay = lower <= 1 && power >= -4 && power <= 23;
  if (mayBeHalfWay && (result & 3) == 1 && result << shift == upper) result &= ~(<u64>1);
  result = (result + (result & 1)) >> 1;
  if (result >= <u64>2 << MANTISSA_BITS) {
    result = <u64>1 << MANTISSA_BITS;
    exponentOf2++;
  }
  if (exponentOf2 >= LARGEST_EXPONENT) return NaN;
  const fraction = result & ~(<u64>1 << MANTISSA_BITS);
  return reinterpret<f64>(fraction | ((<u64>exponentOf2) << MANTISSA_BITS));
}

/** The lower half of the product that `upperOf` answered the upper half of. */
export let lowerOf: u64 = 0;

// @ts-ignore: decorator
@inline
export function upperOf(a: u64, b: u64): u64 {
  const lowA = a & 0xffffffff;
  const highA = a >> 32;
  const lowB = b & 0xffffffff;
  const highB = b >> 32;
  const low = lowA * lowB;
  const middle = highA * lowB;
  const other = lowA * highB;
  const carry = (low >> 32) + (middle & 0xffffffff) + (other & 0xffffffff);
  lowerOf = (carry << 32) | (low & 0xffffffff);
  return highA * highB + (middle >> 32) + (other >> 32) + (carry >> 32);
}
