import zlib from 'node:zlib';

/** How the bodies of statements travel to ClickHouse. */
export const COMPRESSIONS = ['none', 'lz4', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** Node has it since 22.15 and 23.8. */
export const hasZstd = 'createZstdCompress' in zlib;

/** Where nothing is chosen: traffic between zones costs more than the CPU of LZ4, traffic on loopback costs nothing. */
export function compressionFor(url: string): Compression {
  const { hostname } = new URL(url);
  return /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname) ? 'none' : 'lz4';
}
