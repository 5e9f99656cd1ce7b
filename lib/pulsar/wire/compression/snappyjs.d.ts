declare module 'snappyjs' {
  /** Raw snappy, no framing. */
  export function compress(uncompressed: Uint8Array): Uint8Array;
}
