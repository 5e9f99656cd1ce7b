declare module 'snappyjs' {
  /** Raw snappy, no framing. Throws when the announced length exceeds `maxLength`. */
  export function uncompress(compressed: Uint8Array, maxLength: number): Uint8Array;
  export function compress(uncompressed: Uint8Array): Uint8Array;
}
