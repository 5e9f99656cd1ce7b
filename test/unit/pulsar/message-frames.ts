import { type RawEntry, readRawEntry } from '../../../lib/pulsar/wire/entry.ts';
import { messageFrame } from '../../../lib/pulsar/wire/frame/frame-writer.ts';
import { commandEnd } from '../../../lib/pulsar/wire/frame/message-frame.ts';
import { MessageWriter } from '../../../lib/pulsar/wire/protobuf/fields.ts';

/** MESSAGE command of consumer 1 for an entry of ledger 3. */
export function messageCommand(entry: number, ledger = 3): Uint8Array {
  const id = new MessageWriter().uint(1, ledger).uint(2, entry);
  return new MessageWriter().uint(1, 9).message(9, new MessageWriter().uint(1, 1).message(2, id)).finish();
}

/** A frame as it comes from the broker, without its total size. */
export function frameOf(metadata: Uint8Array, payload: Uint8Array, entry = 0, ledger = 3): Buffer {
  return messageFrame(messageCommand(entry, ledger), metadata, payload).subarray(4);
}

/** Metadata that every producer writes, and whatever `more` adds. */
export function metadataOf(more: (writer: MessageWriter) => MessageWriter = (writer) => writer): Uint8Array {
  return more(new MessageWriter().string(1, 'producer').uint(2, 0).uint(3, 1_795_000_000_000)).finish();
}

export function rawEntry(metadata: Uint8Array, payload: Uint8Array, entry = 0, ledger = 3): RawEntry {
  const frame = frameOf(metadata, payload, entry, ledger);
  return readRawEntry(frame, commandEnd(frame), { ledger, entry });
}

/** With the broker's own count of messages up to this entry. */
export function rawEntryWithIndex(index: number, entry: number, ledger = 3): RawEntry {
  return { ...rawEntry(metadataOf(), Buffer.from('x'), entry, ledger), brokerIndex: index };
}

export interface Chunk {
  readonly uuid: string;
  readonly chunkId: number;
  readonly chunks: number;
  readonly total: number;
  readonly piece: string;
}

export function rawChunk({ uuid, chunkId, chunks, total, piece }: Chunk, entry: number): RawEntry {
  const metadata = metadataOf((writer) =>
    writer.string(26, uuid).uint(27, chunks).uint(28, total).uint(29, chunkId),
  );
  return rawEntry(metadata, Buffer.from(piece), entry);
}
