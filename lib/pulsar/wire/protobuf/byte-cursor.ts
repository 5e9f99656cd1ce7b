import { PulsehouseError } from '../../../pipeline/errors.ts';

export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH_DELIMITED = 2;
export const FIXED32 = 5;

/**
 * Reads protobuf from a window of a byte array without allocating: the hot path decodes one message's metadata after
 * another with one cursor. Every read is checked against the window's end.
 */
export class ByteCursor {
  readonly bytes: Uint8Array;
  at: number;
  end: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** An unsigned 32-bit varint; longer ones, as protobuf writes negative numbers, are cut to their low 32 bits. */
  uint32(): number {
    const { bytes, end } = this;
    let { at } = this;
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) throw malformed('a varint runs past the end');
      const byte = bytes[at++] as number;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.at = at;
        return value >>> 0;
      }
    }
    throw malformed('a varint is longer than ten bytes');
  }

  int32(): number {
    return this.uint32() | 0;
  }

  bool(): boolean {
    return this.uint32() !== 0;
  }

  /**
   * A 64-bit varint as two's complement in a double.
   * @throws PulsehouseError PH_PULSAR_MALFORMED when a double cannot hold it exactly.
   */
  int64(): number {
    const { bytes, end } = this;
    let { at } = this;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) throw malformed('a varint runs past the end');
      const byte = bytes[at++] as number;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else if (shift < 64) high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.at = at;
        const value = high * 0x1_0000_0000 + (low >>> 0);
        if (!Number.isSafeInteger(value)) throw malformed('an integer exceeds 53 bits');
        return value;
      }
    }
    throw malformed('a varint is longer than ten bytes');
  }

  /** Reads a length prefix and answers where the field ends; the cursor stands at its first byte. */
  lengthDelimited(): number {
    const length = this.uint32();
    const fieldEnd = this.at + length;
    if (fieldEnd > this.end) throw malformed('a field runs past the end');
    return fieldEnd;
  }

  /** After the fields of a nested message: the last one must end where the message does. */
  expectEnd(fieldEnd: number): void {
    if (this.at !== fieldEnd) throw malformed('a field runs past its message');
  }

  /** A copy, also of a Buffer, whose own `slice` is a view: what metadata keeps must not hold a whole entry in memory. */
  copyBytes(): Uint8Array {
    const fieldEnd = this.lengthDelimited();
    const copy = Uint8Array.prototype.slice.call(this.bytes, this.at, fieldEnd);
    this.at = fieldEnd;
    return copy;
  }

  string(): string {
    const fieldEnd = this.lengthDelimited();
    const text = Buffer.from(this.bytes.buffer, this.bytes.byteOffset + this.at, fieldEnd - this.at).toString(
      'utf8',
    );
    this.at = fieldEnd;
    return text;
  }

  /** Steps over the value of a field that is not wanted. */
  skip(wireType: number): void {
    if (wireType === VARINT) {
      while (this.at < this.end && (this.bytes[this.at] as number) >= 0x80) this.at++;
      this.at++;
    } else if (wireType === LENGTH_DELIMITED) this.at = this.lengthDelimited();
    else if (wireType === FIXED64) this.at += 8;
    else if (wireType === FIXED32) this.at += 4;
    else throw malformed(`wire type ${wireType} is unknown`);
    if (this.at > this.end) throw malformed('a field runs past the end');
  }
}

export function malformed(what: string): PulsehouseError {
  return new PulsehouseError('PH_PULSAR_MALFORMED', `the broker's bytes are not valid: ${what}`);
}
