import zlib from 'node:zlib';
import * as snappy from 'snappyjs';
import { PulsehouseError } from '../../../pipeline/errors.ts';
import { decodeLz4Block } from './lz4-decode.ts';
import { encodeLz4Block } from './lz4-encode.ts';
import { decodeSnappyBlock } from './snappy-decode.ts';
import { decodeZstd } from './zstd-decode.ts';

/** `CompressionType` of MessageMetadata, by its number on the wire. */
export const COMPRESSIONS = ['none', 'lz4', 'zlib', 'zstd', 'snappy'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** Node has zstd from 22.15 on; before that a JavaScript decoder stands in, and nothing compresses. */
interface NodeZstd {
  zstdDecompressSync?: (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer;
  zstdCompressSync?: (bytes: Uint8Array) => Buffer;
}
const nodeZstd = zlib as NodeZstd;

/**
 * Decompresses a whole payload section into exactly `size` bytes, the `uncompressed_size` of its metadata, which the
 * caller has checked against its limit. `none` is answered as a view, never as a copy.
 * @throws PulsehouseError PH_PULSAR_CODEC_UNKNOWN for a codec that does not exist yet, PH_PULSAR_MALFORMED when the
 * bytes do not decompress or have another size.
 */
export function decompress(
  codec: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  size: number,
): Uint8Array {
  const compression = COMPRESSIONS[codec];
  if (compression === undefined) {
    throw new PulsehouseError('PH_PULSAR_CODEC_UNKNOWN', `compression type ${codec} is unknown`);
  }
  if (compression === 'none') return bytes.subarray(start, end);
  try {
    const output = inflate(compression, bytes, start, end, size);
    if (output.length !== size) {
      throw new RangeError(`it holds ${output.length} bytes where ${size} were announced`);
    }
    return output;
  } catch (cause) {
    throw new PulsehouseError('PH_PULSAR_MALFORMED', `a ${compression} payload does not decompress`, {
      cause,
    });
  }
}

function inflate(
  compression: Exclude<Compression, 'none'>,
  bytes: Uint8Array,
  start: number,
  end: number,
  size: number,
): Uint8Array {
  if (compression === 'lz4') {
    const output = Buffer.allocUnsafe(size);
    decodeLz4Block(bytes, start, end, output);
    return output;
  }
  const input = bytes.subarray(start, end);
  // zlib refuses a limit of 0, and an empty payload still has a header.
  const maxOutputLength = Math.max(size, 1);
  // Java's producer flushes the stream and never ends it; the size says whether everything is there.
  if (compression === 'zlib') {
    // In one piece: by default the output grows 16 KiB at a time.
    const chunkSize = Math.max(size, zlib.constants.Z_MIN_CHUNK);
    const finishFlush = zlib.constants.Z_SYNC_FLUSH;
    return zlib.inflateSync(input, { maxOutputLength, chunkSize, finishFlush });
  }
  if (compression === 'snappy') {
    const output = Buffer.allocUnsafe(size);
    decodeSnappyBlock(input, output);
    return output;
  }
  if (nodeZstd.zstdDecompressSync) return nodeZstd.zstdDecompressSync(input, { maxOutputLength });
  const output = new Uint8Array(size);
  return output.subarray(0, decodeZstd(input, output));
}

/** @throws PulsehouseError PH_PULSAR_CODEC_UNKNOWN for zstd on a Node without it. */
export function compress(compression: Compression, bytes: Uint8Array): Uint8Array {
  if (compression === 'none') return bytes;
  if (compression === 'lz4') return encodeLz4Block(bytes);
  if (compression === 'zlib') return zlib.deflateSync(bytes);
  if (compression === 'snappy') return snappy.compress(bytes);
  if (nodeZstd.zstdCompressSync) return nodeZstd.zstdCompressSync(bytes);
  throw new PulsehouseError('PH_PULSAR_CODEC_UNKNOWN', 'this Node cannot compress zstd', {
    nextStep: 'Publish with another compression, or run Node 22.15 or later.',
  });
}
