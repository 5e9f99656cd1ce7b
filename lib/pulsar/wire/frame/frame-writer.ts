import { crc32c } from './crc32c.ts';

const CHECKSUM_MAGIC = 0x0e01;

/** `[u32 totalSize][u32 commandSize][BaseCommand]` */
export function commandFrame(command: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(8 + command.length);
  frame.writeUInt32BE(4 + command.length, 0);
  frame.writeUInt32BE(command.length, 4);
  frame.set(command, 8);
  return frame;
}

/**
 * `[u32 totalSize][u32 commandSize][BaseCommand][0x0e01][u32 crc32c][u32 metadataSize][MessageMetadata][payload]`
 * The checksum covers everything after itself.
 */
export function messageFrame(command: Uint8Array, metadata: Uint8Array, payload: Uint8Array): Buffer {
  const bodyAt = 8 + command.length + 6;
  const frame = Buffer.allocUnsafe(bodyAt + 4 + metadata.length + payload.length);
  frame.writeUInt32BE(frame.length - 4, 0);
  frame.writeUInt32BE(command.length, 4);
  frame.set(command, 8);
  frame.writeUInt16BE(CHECKSUM_MAGIC, bodyAt - 6);
  frame.writeUInt32BE(metadata.length, bodyAt);
  frame.set(metadata, bodyAt + 4);
  frame.set(payload, bodyAt + 4 + metadata.length);
  frame.writeUInt32BE(crc32c(frame, bodyAt), bodyAt - 4);
  return frame;
}
