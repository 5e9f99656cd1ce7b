import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FrameCheck } from '../../../lib/clickhouse/encode/frame-check.ts';
import { kernel } from '../../../lib/kernel/kernel.ts';
import { payloads } from './json-texts.ts';
import { load } from './place.ts';

const check = new FrameCheck();

/** `SEEN`, or -1 where it is refused. */
function byTypeScript(data: Uint8Array, start: number, end: number): number {
  return check.fault(data, start, end) === undefined ? check.seen : -1;
}

function byKernel(bytes: Uint8Array, start: number, end: number): number {
  const { data } = load(bytes, Int32Array.of(start, end));
  return kernel().exports.checkObject(data + start, data + end);
}

it('accepts and refuses what TypeScript does, and sees the same, whatever stands around', () => {
  let accepted = 0;
  const around = fc.constantFrom('', '"', '{', '}', ' ', '1', '"}', '":1}', '\\');
  fc.assert(
    fc.property(payloads, around, around, (payload, before, after) => {
      const bytes = Buffer.concat([Buffer.from(before), payload, Buffer.from(after)]);
      const [start, end] = [before.length, before.length + payload.length];
      const seen = byTypeScript(bytes, start, end);
      if (seen >= 0) accepted++;
      expect(byKernel(bytes, start, end)).toBe(seen);
    }),
    { numRuns: 20_000 },
  );
  expect(accepted).toBeGreaterThan(4_000);
});

it.each([1_000, 1_001])('goes as deep as TypeScript: %i levels', (levels) => {
  for (const [open, close] of [
    ['{"a":', '}'],
    ['[', ']'],
  ] as const) {
    const text = `{"a":${open.repeat(levels - 1)}1${close.repeat(levels - 1)}}`;
    const bytes = Buffer.from(text);
    expect(byKernel(bytes, 0, bytes.length)).toBe(byTypeScript(bytes, 0, bytes.length));
    expect(byKernel(bytes, 0, bytes.length)).toBe(levels > 1_000 ? -1 : 0);
  }
});

it('knows every first byte of a string as TypeScript does', () => {
  for (let byte = 0; byte < 256; byte++) {
    const bytes = Buffer.concat([Buffer.from('{"a":"'), Buffer.of(byte), Buffer.from('"}')]);
    expect(byKernel(bytes, 0, bytes.length)).toBe(byTypeScript(bytes, 0, bytes.length));
  }
});
