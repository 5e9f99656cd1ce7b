import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Position } from '../../../pipeline/position.ts';
import { malformed } from './byte-cursor.ts';

/**
 * Writes the optional fields of one message; an undefined value writes nothing, so presence is kept as proto2 has it.
 * Field numbers throughout `commands/` are those of Pulsar's protocol.
 */
export class MessageWriter {
  readonly #writer = new BinaryWriter();

  uint(field: number, value: number | undefined): this {
    if (value !== undefined)
      this.#writer.tag(field, WireType.Varint).uint64(BigInt.asUintN(64, BigInt(value)));
    return this;
  }

  bool(field: number, value: boolean | undefined): this {
    if (value !== undefined) this.#writer.tag(field, WireType.Varint).bool(value);
    return this;
  }

  string(field: number, value: string | undefined): this {
    if (value !== undefined) this.#writer.tag(field, WireType.LengthDelimited).string(value);
    return this;
  }

  bytes(field: number, value: Uint8Array | undefined): this {
    if (value !== undefined) this.#writer.tag(field, WireType.LengthDelimited).bytes(value);
    return this;
  }

  message(field: number, value: MessageWriter | undefined): this {
    return this.bytes(field, value?.finish());
  }

  /** `KeyValue { key = 1; value = 2 }`, repeated. */
  properties(field: number, values: Readonly<Record<string, string>> | undefined): this {
    for (const [key, value] of Object.entries(values ?? {})) {
      this.message(field, new MessageWriter().string(1, key).string(2, value));
    }
    return this;
  }

  finish(): Uint8Array {
    return this.#writer.finish();
  }
}

/** Fields that a decoder does not know, newer ones above all, are stepped over. */
export type FieldDecoders = Readonly<Record<number, (reader: BinaryReader) => void>>;

/** @throws PulsehouseError PH_PULSAR_MALFORMED */
export function readFields(bytes: Uint8Array, decoders: FieldDecoders): void {
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      const decode = decoders[field];
      if (decode) decode(reader);
      else reader.skip(wireType, field);
    }
    if (reader.pos > reader.len) throw new RangeError('a field runs past the end');
  } catch (cause) {
    throw malformed(cause instanceof Error ? cause.message : 'a command');
  }
}

/** Two's complement: ids of -1 travel as 2^64 - 1. */
export function int64(reader: BinaryReader): number {
  const value = Number(BigInt.asIntN(64, BigInt(reader.uint64())));
  if (!Number.isSafeInteger(value)) throw new RangeError('an integer exceeds 53 bits');
  return value;
}

/** `MessageIdData { ledgerId = 1; entryId = 2 }`: a start, an acknowledgement or a seek names whole entries only. */
export function writeMessageId(position: Position): MessageWriter {
  return new MessageWriter().uint(1, position.ledger).uint(2, position.entry);
}

export function readMessageId(bytes: Uint8Array): Position {
  let ledger = -1;
  let entry = -1;
  readFields(bytes, {
    1: (reader) => {
      ledger = int64(reader);
    },
    2: (reader) => {
      entry = int64(reader);
    },
  });
  return { ledger, entry };
}
