import { kernel } from '../../../kernel/kernel.ts';
import { ENTRY } from '../../../kernel/layout.ts';
import { crc32c } from './crc32c.ts';

/** CRC-32C of a frame from `start` on, unsigned. Leaves the frame in the kernel, where its payload is decoded next. */
export function frameChecksum(frame: Uint8Array, start: number): number {
  const shared = kernel();
  if (!shared.putFrame(frame)) return crc32c(frame, start);
  return shared.exports.crc32c(ENTRY + start, ENTRY + frame.length) >>> 0;
}
