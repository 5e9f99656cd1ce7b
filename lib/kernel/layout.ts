/**
 * Where things lie in the kernel's memory. This file is TypeScript and AssemblyScript at once: the kernel and its host
 * read the same numbers. README.md beside it shows the picture.
 */

/** Static data of the compiled module (constant tables) begins here; below it nothing lies, so that 0 is no address. */
export const STATIC = 0x1000;
/** 16 tables of 256 words: CRC-32C of a byte followed by 0 to 15 zero bytes. */
export const CRC_TABLES = 0x10000;
/** Brackets open in a payload: one byte a level. */
export const BRACKETS = 0x14000;
export const BRACKETS_BYTES = 0x800;
/** The text that begins each spliced row. */
export const ROW_PREFIX = 0x14800;
export const ROW_PREFIX_BYTES = 0x800;
/** What one call answers beside its return value; see the routine. */
export const ANSWERS = 0x15000;
/** Plan, templates and slots of the JSON to RowBinary encoder (`assembly/rows`). */
export const ROWS = 0x20000;
export const ROWS_BYTES = 0x60000;
/** Hash table of the LZ4 encoder: at most 2^16 words. */
export const LZ4_HASHES = 0x80000;
export const LZ4_HASHES_BYTES = 0x40000;
/**
 * From here on the host lays out one entry after the other: frame, payload, bounds, verdicts, then the working area of
 * whoever works on the entry (see kernel.ts).
 */
export const ENTRY = 0x100000;

/** Behind every region lie so many bytes that reading or writing past its end by less than that is harmless. */
export const SLACK = 128;

/** The unit in which a WebAssembly memory grows, bytes. */
export const PAGE = 0x10000;
