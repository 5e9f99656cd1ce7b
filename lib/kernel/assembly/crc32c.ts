import { CRC_TABLES } from '../layout';

/** Castagnoli polynomial, bits reflected. */
const POLYNOMIAL: u32 = 0x82f63b78;

/** Fills `CRC_TABLES`; called once an instance, before the first checksum. */
export function buildCrcTables(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    store<u32>(CRC_TABLES + (byte << 2), crc);
  }
  for (let index: u32 = 256; index < 16 * 256; index++) {
    const shorter = load<u32>(CRC_TABLES + ((index - 256) << 2));
    store<u32>(CRC_TABLES + (index << 2), (shorter >>> 8) ^ table(0, shorter & 0xff));
  }
}

// @ts-ignore: decorator
@inline
function table(zeros: u32, byte: u32): u32 {
  return load<u32>(CRC_TABLES + (zeros << 10) + (byte << 2));
}

/** Four bytes, the first of which is followed by `zeros` others of the sixteen. */
// @ts-ignore: decorator
@inline
function fold(word: u32, zeros: u32): u32 {
  return (
    table(zeros, word & 0xff) ^
    table(zeros - 1, (word >>> 8) & 0xff) ^
    table(zeros - 2, (word >>> 16) & 0xff) ^
    table(zeros - 3, word >>> 24)
  );
}

/** CRC-32C of the bytes `[start, end)`, slicing by sixteen. */
export function crc32c(start: usize, end: usize): u32 {
  let crc: u32 = 0xffffffff;
  let at = start;
  while (at + 16 <= end) {
    const low = load<u64>(at);
    const high = load<u64>(at, 8);
    crc =
      fold(<u32>low ^ crc, 15) ^ fold(<u32>(low >>> 32), 11) ^ fold(<u32>high, 7) ^ fold(<u32>(high >>> 32), 3);
    at += 16;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ table(0, (crc ^ load<u8>(at)) & 0xff);
  return ~crc;
}
