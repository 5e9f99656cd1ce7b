import { PulsehouseError } from '../../../pipeline/errors.ts';
import { malformed } from '../protobuf/byte-cursor.ts';
import { frameChecksum } from './checksum.ts';

const BROKER_ENTRY_MAGIC = 0x0e02;
const CHECKSUM_MAGIC = 0x0e01;

/** Where the sections of a message frame lie, as offsets into the frame (which begins at `commandSize`). */
export interface MessageSections {
  /** Start and end of BrokerEntryMetadata; both 0 when the broker sent none. */
  readonly brokerStart: number;
  readonly brokerEnd: number;
  readonly metadataStart: number;
  readonly metadataEnd: number;
}

export function commandEnd(frame: Uint8Array): number {
  const end = 4 + u32(frame, 0);
  if (end > frame.length) throw malformed('a command runs past its frame');
  return end;
}

/**
 * After the command: `([0x0e02][u32 size][BrokerEntryMetadata])? ([0x0e01][u32 crc32c])? [u32 metadataSize][metadata][payload]`.
 * A missing checksum magic means that the producer sent no checksum; then nothing is consumed for it.
 * @throws PulsehouseError PH_PULSAR_CHECKSUM when the stored bytes are not those the producer sent.
 */
export function messageSections(frame: Uint8Array, start: number): MessageSections {
  let at = start;
  let brokerStart = 0;
  let brokerEnd = 0;
  if (u16(frame, at) === BROKER_ENTRY_MAGIC) {
    brokerStart = at + 6;
    brokerEnd = brokerStart + u32(frame, at + 2);
    at = brokerEnd;
  }
  if (u16(frame, at) === CHECKSUM_MAGIC) {
    const expected = u32(frame, at + 2);
    at += 6;
    const found = frameChecksum(frame, at);
    if (found !== expected) {
      throw new PulsehouseError(
        'PH_PULSAR_CHECKSUM',
        `checksum ${found.toString(16)} where the producer wrote ${expected.toString(16)}`,
      );
    }
  }
  const metadataStart = at + 4;
  const metadataEnd = metadataStart + u32(frame, at);
  if (metadataEnd > frame.length) throw malformed('metadata runs past its frame');
  return { brokerStart, brokerEnd, metadataStart, metadataEnd };
}

function u16(bytes: Uint8Array, at: number): number {
  if (at + 2 > bytes.length) throw malformed('a frame ends within its head');
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

export function u32(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) throw malformed('a frame ends within its head');
  return (
    (bytes[at] as number) * 0x100_0000 +
    (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number))
  );
}
