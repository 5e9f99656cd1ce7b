import { describe, expect, it } from 'vitest';
import { encodeFlow } from '../../../lib/pulsar/wire/commands/consumer.ts';
import { FrameReader } from '../../../lib/pulsar/wire/frame/frame-reader.ts';
import { commandFrame, messageFrame } from '../../../lib/pulsar/wire/frame/frame-writer.ts';

const frames = [
  commandFrame(Buffer.from([])),
  commandFrame(encodeFlow(3, 1000)),
  messageFrame(Buffer.from('command'), Buffer.from('metadata'), Buffer.from('payload')),
  messageFrame(Buffer.from('c'), Buffer.from(''), Buffer.alloc(300, 7)),
];
const bodies = frames.map((frame) => frame.subarray(4).toString('hex'));

function collect(): { frames: string[]; reader: FrameReader } {
  const found: string[] = [];
  return {
    frames: found,
    reader: new FrameReader((frame) => found.push(Buffer.from(frame).toString('hex'))),
  };
}

describe('frame reader', () => {
  it('finds each frame split at every offset', () => {
    for (const [index, frame] of frames.entries()) {
      for (let split = 0; split <= frame.length; split++) {
        const { frames: found, reader } = collect();
        reader.push(frame.subarray(0, split));
        reader.push(frame.subarray(split));
        expect(found).toEqual([bodies[index]]);
      }
    }
  });

  it('finds frames that arrive byte by byte', () => {
    const { frames: found, reader } = collect();
    for (const byte of Buffer.concat(frames)) reader.push(Uint8Array.of(byte));
    expect(found).toEqual(bodies);
  });

  it('finds several frames in one buffer, split at every offset', () => {
    const all = Buffer.concat(frames);
    for (let split = 0; split <= all.length; split++) {
      const { frames: found, reader } = collect();
      reader.push(all, 0, split);
      reader.push(all, split);
      expect(found).toEqual(bodies);
    }
  });

  it('gives out frames of their own: the buffer they came in is used again', () => {
    const held: Uint8Array[] = [];
    const reader = new FrameReader((frame) => held.push(frame));
    const buffer = Buffer.from(frames[2] ?? []);
    reader.push(buffer);
    buffer.fill(0);
    expect(Buffer.from(held[0] ?? []).toString('hex')).toBe(bodies[2]);
  });

  it('holds a truncated frame back', () => {
    for (const frame of frames) {
      const { frames: found, reader } = collect();
      reader.push(frame.subarray(0, frame.length - 1));
      expect(found).toEqual([]);
    }
  });

  it('refuses an oversized frame before it allocates', () => {
    const { reader } = collect();
    reader.maxFrame = 1_000;
    const size = Buffer.alloc(4);
    size.writeUInt32BE(1_001);
    expect(() => reader.push(size)).toThrow(expect.objectContaining({ code: 'PH_PULSAR_FRAME_TOO_LARGE' }));
    expect(reader.pending).toBe(0);
    const { reader: fresh } = collect();
    expect(() => fresh.push(Buffer.from([0xff, 0xff, 0xff, 0xff]))).toThrow('exceeds the limit');
  });

  it('refuses an answer of an HTTP server as no frame', () => {
    expect(() => collect().reader.push(Buffer.from('HTTP/1.1 400 Bad Request\r\n'))).toThrow(
      expect.objectContaining({ code: 'PH_PULSAR_FRAME_TOO_LARGE' }),
    );
  });

  it('refuses a frame too small for a command', () => {
    expect(() => collect().reader.push(Buffer.from([0, 0, 0, 3]))).toThrow(
      expect.objectContaining({ code: 'PH_PULSAR_MALFORMED' }),
    );
  });
});
