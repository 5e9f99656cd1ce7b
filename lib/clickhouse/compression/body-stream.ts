import { type Duplex, pipeline, Readable } from 'node:stream';
import zlib from 'node:zlib';
import type { Compression } from './compression.ts';
import { lz4Frame } from './lz4-frame.ts';

/** What newer versions of Node have, and the types of the oldest have not. */
interface Zstd {
  readonly createZstdCompress?: (options: { readonly params: Readonly<Record<number, number>> }) => Duplex;
  readonly constants: { readonly Z_OK: number; readonly ZSTD_c_compressionLevel?: number };
}

/** Of zstd, 1 to 22. Higher levels cost much CPU for little: docs/cost.md. */
const ZSTD_LEVEL = 1;

/**
 * The pieces as a stream that can be read once, each compressed when it is read.
 * @throws Error where this Node has no zstd
 */
export function bodyStream(pieces: readonly Uint8Array[], compression: Compression): Readable {
  if (compression === 'none') return Readable.from(pieces);
  if (compression === 'lz4') return Readable.from(lz4Frame(pieces));
  const { createZstdCompress, constants }: Zstd = zlib;
  const { ZSTD_c_compressionLevel: level } = constants;
  if (!createZstdCompress || level === undefined) throw new Error('this version of Node has no zstd');
  const compressor = createZstdCompress({ params: { [level]: ZSTD_LEVEL } });
  // Whoever reads the compressor is given its failure; when nobody reads it any longer, it ends with its source.
  return pipeline(Readable.from(pieces), compressor, () => undefined);
}

/** The headers of a request that carries such a stream. */
export function encodingHeaders(compression: Compression): Record<string, string> {
  return compression === 'none' ? {} : { 'Content-Encoding': compression };
}
