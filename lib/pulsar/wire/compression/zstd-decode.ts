import { Decompress } from 'fzstd';

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
/** A decoder must have room for windows up to it (RFC 8878); larger ones are of no use to a smaller content. */
const LARGEST_WINDOW = 8 * 1024 * 1024;
const RLE_BLOCK = 1;

/**
 * Decodes zstd frames where Node itself cannot (before 22.15). Nothing is allocated by what the bytes claim before that
 * was held against `output`. Answers how many bytes the content has.
 * @throws Error when the bytes are no zstd, or hold more than `output` does.
 */
export function decodeZstd(input: Uint8Array, output: Uint8Array): number {
  for (let at = 0; at < input.length; ) at = frameEnd(input, at, output.length);
  let filled = 0;
  const decoder = new Decompress((piece) => {
    if (piece.length > output.length - filled) throw tooLong(output.length);
    output.set(piece, filled);
    filled += piece.length;
  });
  decoder.push(input, true);
  return filled;
}

/** Walks over one frame, without decoding its blocks. */
function frameEnd(input: Uint8Array, start: number, size: number): number {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const magic = view.getUint32(start, true);
  if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) return start + 8 + view.getUint32(start + 4, true);
  if (magic !== MAGIC) throw new RangeError('no zstd frame');
  const descriptor = view.getUint8(start + 4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] as number;
  const contentAt = start + 5 + (singleSegment ? 0 : 1) + dictionaryBytes;
  const { bytes, value } = contentSize(view, contentAt, descriptor >>> 6, singleSegment);
  if (value > size) throw tooLong(size);
  if (!singleSegment && windowSize(view.getUint8(start + 5)) > Math.max(size, LARGEST_WINDOW)) {
    throw new RangeError('its window is larger than its content can be');
  }
  let at = contentAt + bytes;
  for (;;) {
    const head = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    at += 3 + (((head >>> 1) & 3) === RLE_BLOCK ? 1 : head >>> 3);
    if ((head & 1) === 1) return at + ((descriptor & 4) === 0 ? 0 : 4);
  }
}

/** The size that a frame announces, 0 where it announces none. */
function contentSize(
  view: DataView,
  at: number,
  flag: number,
  singleSegment: boolean,
): { readonly bytes: number; readonly value: number } {
  if (flag === 0) return singleSegment ? { bytes: 1, value: view.getUint8(at) } : { bytes: 0, value: 0 };
  if (flag === 1) return { bytes: 2, value: view.getUint16(at, true) + 256 };
  if (flag === 2) return { bytes: 4, value: view.getUint32(at, true) };
  return { bytes: 8, value: Number(view.getBigUint64(at, true)) };
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3));
  return base + (base / 8) * (descriptor & 7);
}

function tooLong(size: number): RangeError {
  return new RangeError(`it holds more than the ${size} bytes that were announced`);
}
