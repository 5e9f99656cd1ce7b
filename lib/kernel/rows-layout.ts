/**
 * The tables of the encoder of rows, in the region `ROWS`: written by row-tables.ts, read by assembly/rows. TypeScript and
 * AssemblyScript at once, as layout.ts.
 */

/** Records of fields, tuples' elements among them, by number. */
export const FIELDS = 0x20000;
/** Bytes of a record. */
export const RECORD = 128;
export const MOST_FIELDS = 500;
/** The record that no key fits: of fields that are not mapped. */
export const UNKNOWN = 511;

/** In a record, bytes: what the field is read as, one of the `KIND_`s. */
export const KIND_AT = 0;
/** 1 where its value goes into a slot, 0 where it has a place in the fixed part. */
export const IN_SLOT_AT = 1;
/** In a record, words: the offset in the fixed part, or the slot. */
export const PLACE_AT = 4;
export const KEY_BYTES_AT = 8;
/** The object in which the key stands: 0 is the message, others are tuples. */
export const OBJECT_AT = 12;
/** Of a tuple, the object that its value is. */
export const INNER_AT = 16;
export const KEY_AT = 20;
/** Number of the row that had the field last. */
export const SEEN_AT = 24;
/** Bytes of the pattern, or 0 where there is none. */
export const PATTERN_BYTES_AT = 28;
/** Two vectors: the key in quotes with its colon. */
export const PATTERN_AT = 32;
/** Two vectors: which bytes of the pattern count. */
export const MASK_AT = 64;
export const MOST_PATTERN_BYTES = 32;
/** In a record, words. Bytes of a value; 0 where they vary. */
export const WIDTH_AT = 96;
/** Of Decimal and DateTime64: digits behind the point. */
export const SCALE_AT = 100;
/** Of Decimal: all digits. */
export const PRECISION_AT = 104;
/** Of an Enum: the object whose members are its elements, each with its number as its place. */
export const ELEMENTS_AT = 108;
/** Of Array and Map: the number of the record that says how an element is read. */
export const ELEMENT_AT = 112;
/** 1 where a text without a zone is a time in UTC. */
export const IS_UTC_AT = 116;
/** 1 where null is NULL. */
export const IS_NULLABLE_AT = 120;

export const KIND_TEXT = 0;
export const KIND_FLOAT64 = 1;
export const KIND_FLOAT32 = 2;
export const KIND_BOOL = 3;
export const KIND_TUPLE = 4;
/** A name that no message may have. */
export const KIND_FORBIDDEN = 5;
export const KIND_DATE = 6;
/** And from here on integers: the lowest two bits are the logarithm of their bytes, the next one says unsigned. */
export const KIND_INT8 = 8;
export const UNSIGNED = 4;
/** And the types that are rarer, from `KIND_ENUM` on. */
export const KIND_ENUM = 16;
export const KIND_DECIMAL = 17;
export const KIND_DATE32 = 18;
export const KIND_DATETIME = 19;
export const KIND_DATETIME64 = 20;
export const KIND_UUID = 21;
export const KIND_IPV4 = 22;
export const KIND_IPV6 = 23;
export const KIND_FIXED_TEXT = 24;
export const KIND_ARRAY = 25;
export const KIND_MAP = 26;

/** Halfwords by field: the field whose key stood behind it last time. Behind those by object: its first field, what followed an unknown one. */
export const NEXT = 0x30000;
export const FIRST_OF = 512;
export const AFTER_UNKNOWN = 576;
export const MOST_OBJECTS = 64;

/** Halfwords by hash: the field, or `EMPTY`. */
export const FIELD_HASHES = 0x31000;
export const HASHES = 4096;
export const EMPTY = 0xffff;

/** 8 bytes a slot: bytes of its values (word), whether it may be NULL, one of the `FORM_`s. */
export const SLOT_KINDS = 0x33000;
export const SLOT_KIND_BYTES = 8;
export const SLOT_IS_NULLABLE_AT = 4;
export const SLOT_FORM_AT = 5;
/** A value of up to 16 bytes. */
export const FORM_VALUE = 0;
/** Bytes with their number before them. */
export const FORM_TEXT = 1;
/** Bytes, and zeros behind them up to those of the slot. */
export const FORM_FIXED_TEXT = 2;
/** Bytes as they are; where there is no value one zero, which is an Array or Map of no elements. */
export const FORM_ENCODED = 3;

/** 32 bytes a slot: whether there is a value (word), how many bytes there are (word), their address (word), 16 bytes of value. */
export const SLOTS = 0x34000;
export const SLOT_BYTES = 32;
export const SLOT_LENGTH_AT = 4;
export const SLOT_ADDRESS_AT = 8;
export const SLOT_VALUE_AT = 16;

/** How the fixed part of each row begins: zeros, and the position. */
export const TEMPLATE = 0x38000;
export const MOST_FIXED_BYTES = 0x2000;

/** The first 128 bits of 5^power, two words each, upper one first, from `-MOST_POWER_OF_5` on. */
export const POWERS_OF_5 = 0x3a000;
export const MOST_POWER_OF_5 = 80;

/** The texts of keys. */
export const KEYS = 0x3c000;
export const KEYS_BYTES = 0x24000;

/** How the slots of each row begin. */
export const SLOT_TEMPLATE = 0x60000;
