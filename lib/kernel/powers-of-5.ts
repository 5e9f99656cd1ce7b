import { MOST_POWER_OF_5 } from './rows-layout.ts';

const BITS = 128n;
/** Of a power from here on 128 bits hold the whole inverse, rounded up. */
const LEAST_SHORT = -27;

/** The first 128 bits of 5^power from `-MOST_POWER_OF_5` to it: Lemire 2021, section 6. Two words each, upper one first. */
export function powersOf5(): BigUint64Array {
  const words = new BigUint64Array(2 * (2 * MOST_POWER_OF_5 + 1));
  for (let power = -MOST_POWER_OF_5; power <= MOST_POWER_OF_5; power++) {
    const bits = power < 0 ? inverse(power) : cut((5n ** BigInt(power)) << BITS);
    words[2 * (power + MOST_POWER_OF_5)] = bits >> 64n;
    words[2 * (power + MOST_POWER_OF_5) + 1] = bits & (2n ** 64n - 1n);
  }
  return words;
}

function inverse(power: number): bigint {
  const of5 = 5n ** BigInt(-power);
  const length = BigInt((of5 - 1n).toString(2).length);
  if (power >= LEAST_SHORT) return (1n << (length + BITS - 1n)) / of5 + 1n;
  return cut((1n << (2n * length + BITS)) / of5 + 1n);
}

/** The highest 128 bits, the rest left away. */
function cut(value: bigint): bigint {
  return value >> (BigInt(value.toString(2).length) - BITS);
}
