import type { Kernel, Placed } from '../../kernel/kernel.ts';
import { ENTRY } from '../../kernel/layout.ts';
import { NULL_VALUE } from '../../ports/transport.ts';
import { decompress } from './compression/codec.ts';
import type { WireMetadata } from './metadata/message-metadata.ts';
import { findBounds } from './metadata/single-metadata.ts';

/** Where a payload lies, as its producer compressed it: in one frame, or in what chunks were put together to. */
export interface PayloadSection {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

type PayloadForm = Pick<
  WireMetadata,
  'compression' | 'uncompressedSize' | 'batchCount' | 'nullValue' | 'retained'
>;

const NONE = 0;
const LZ4 = 1;
const SNAPPY = 4;

/** Of what a payload decompresses to, as announced. */
export function sizeOf(
  { start, end }: PayloadSection,
  { compression, uncompressedSize }: PayloadForm,
): number {
  return compression === NONE ? end - start : uncompressedSize;
}

/**
 * Decodes a payload of `count` messages into the kernel's memory, with their bounds, and answers how many were compacted
 * away; undefined where the kernel does not take it. The kernel only says yes: what it refuses is decided by its twins.
 * @throws PulsehouseError PH_PULSAR_CODEC_UNKNOWN, PH_PULSAR_MALFORMED
 */
export function decodeInto(
  kernel: Kernel,
  payload: PayloadSection,
  form: PayloadForm,
  count: number,
): number | undefined {
  const placed = dataInto(kernel, payload, form, count);
  if (placed === undefined) return undefined;
  const { data, dataBytes, bounds } = placed;
  const { batchCount, nullValue, retained } = form;
  const { words } = kernel;
  if (batchCount === undefined) {
    words[bounds / 4] = nullValue ? NULL_VALUE : 0;
    words[bounds / 4 + 1] = nullValue ? NULL_VALUE : dataBytes;
    return 0;
  }
  if (retained === undefined) {
    const compactedAway = kernel.exports.batchBounds(data, dataBytes, count, bounds);
    if (compactedAway >= 0) return compactedAway;
  }
  const found = words.subarray(bounds / 4, bounds / 4 + 2 * count);
  return findBounds(kernel.bytes.subarray(data, data + dataBytes), count, retained, found);
}

function dataInto(
  kernel: Kernel,
  payload: PayloadSection,
  form: PayloadForm,
  count: number,
): Placed | undefined {
  const { bytes, start, end } = payload;
  const size = sizeOf(payload, form);
  const { compression } = form;
  const isHere = compression === NONE || compression === LZ4 || compression === SNAPPY;
  if (isHere && kernel.frame !== bytes && !kernel.putFrame(bytes)) return undefined;
  if (compression === NONE) return kernel.placeInFrame(start, size, count);
  const placed = kernel.place(size, count);
  if (placed === undefined) return undefined;
  if (!isDecoded(kernel, compression, ENTRY + start, ENTRY + end, placed))
    kernel.bytes.set(decompress(compression, bytes, start, end, size), placed.data);
  return placed;
}

function isDecoded(
  { exports }: Kernel,
  compression: number,
  start: number,
  end: number,
  { data, dataBytes }: Placed,
): boolean {
  if (compression === LZ4) return exports.lz4Decode(start, end, data, dataBytes) === 0;
  return compression === SNAPPY && exports.snappyDecode(start, end, data, dataBytes) === 0;
}
