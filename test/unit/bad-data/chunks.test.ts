import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAfter } from '../../../lib/pipeline/position.ts';
import type { Entry } from '../../../lib/ports/transport.ts';
import { EntryGroup } from '../../../lib/pulsar/wire/consumer/entry-group.ts';
import type { RawEntry } from '../../../lib/pulsar/wire/entry.ts';
import { MessageWriter } from '../../../lib/pulsar/wire/protobuf/fields.ts';
import { rawEntry } from '../pulsar/message-frames.ts';

const BEGAN = 1_795_000_000_000;
const LIMIT = 100_000;

interface Frame {
  readonly producer?: string;
  readonly sequenceId?: number;
  /** Seconds after the beginning. */
  readonly at?: number;
  readonly payload: string;
  /** Number of the chunk, of how many, of a message of how many bytes. */
  readonly chunk?: readonly [uuid: string, id: number, chunks: number, total: number];
}

function frame({ producer = 'p', sequenceId = 0, at = 0, payload, chunk }: Frame, entry: number): RawEntry {
  const writer = new MessageWriter()
    .string(1, producer)
    .uint(2, sequenceId)
    .uint(3, BEGAN + at * 1_000);
  const [uuid, id, chunks, total] = chunk ?? [];
  const metadata = writer
    .string(6, payload.slice(0, 3))
    .string(26, uuid)
    .uint(27, chunks)
    .uint(28, total)
    .uint(29, id);
  return rawEntry(metadata.finish(), Buffer.from(payload), entry);
}

const part = (
  uuid: string,
  id: number,
  payload: string,
  chunks = 2,
  total = 4,
  more: Partial<Frame> = {},
) => ({
  ...{ producer: uuid, payload, chunk: [uuid, id, chunks, total] as const },
  ...more,
});
const single = (payload: string, more: Partial<Frame> = {}): Frame => ({
  producer: 'single',
  payload,
  ...more,
});

function read(frames: readonly Frame[], limit = LIMIT): readonly Entry[] {
  const group = new EntryGroup(limit);
  return frames.flatMap((given, index) => group.add(frame(given, index)));
}

/** First and last entry, and what each message is; one that was given up is in brackets. */
function shape({ firstPosition, position, data, bounds, count, givenUp }: Entry): string {
  const texts = Array.from({ length: count }, (_, index) => {
    const text = Buffer.from(data.subarray(bounds[2 * index], bounds[2 * index + 1])).toString();
    return givenUp?.has(index) === true ? `[${text}]` : text;
  });
  return `${firstPosition.entry}-${position.entry} ${texts.join(' ')}`;
}

const shapes = (frames: readonly Frame[], limit?: number) => read(frames, limit).map(shape);
const reasons = (entries: readonly Entry[]) =>
  entries.flatMap(({ givenUp }) => [...(givenUp?.values() ?? [])]);

describe('chunked messages', () => {
  it('become one entry at the position of the last chunk', () => {
    expect(shapes([part('a', 0, 'ab'), part('a', 1, 'cd')])).toEqual(['0-1 abcd']);
  });

  it('of two producers that interleave become one entry with everything between them', () => {
    const frames = [
      part('a', 0, 'ab'),
      part('b', 0, 'AB'),
      single('one'),
      part('a', 1, 'cd'),
      part('b', 1, 'CD'),
    ];
    const [entry, ...others] = read(frames);
    expect(others).toEqual([]);
    expect(entry && shape(entry)).toBe('0-4 one abcd ABCD');
    expect([0, 1, 2].map((index) => entry?.metadata(index).key)).toEqual(['one', 'ab', 'AB']);
    expect(() => entry?.metadata(3)).toThrow(RangeError);
  });

  it('sent again from the first chunk, or chunk by chunk, count once', () => {
    const three = (id: number, payload: string) => part('a', id, payload, 3, 6);
    const frames = [
      three(0, 'ab'),
      three(1, 'cd'),
      three(0, 'ab'),
      three(1, 'cd'),
      three(1, 'cd'),
      three(2, 'ef'),
    ];
    expect(shapes(frames)).toEqual(['0-5 abcdef']);
  });

  it('are whole up to the bound of an entry, however little a reader may buffer', () => {
    const chunk = 'x'.repeat(LIMIT / 4);
    const frames = [0, 1, 2].map((id) => part('a', id, chunk, 3, 3 * chunk.length));
    expect(read(frames).map(({ data }) => data.length)).toEqual([3 * chunk.length]);
  });
});

describe('a message that will not be whole is given up, chunk by chunk, and the others are read', () => {
  const orphan = part('a', 0, 'ab');
  const between = [single('one'), single('two')];

  it.each<[string, Frame, string]>([
    ['its producer goes on to another message', single('next', { producer: 'a', sequenceId: 1 }), 'went on'],
    ['something published minutes later follows', single('next', { at: 121 }), '2 minutes'],
    ['a chunk is missing', part('a', 2, 'ef', 3, 6), 'do not agree'],
    ['it is longer than announced', part('a', 1, 'cdefg'), 'were announced'],
    ['it is shorter than announced', part('a', 1, 'c'), 'were announced'],
  ])('when %s', (_, last, why) => {
    const entries = read([orphan, ...between, last]);
    const end = last.chunk ? `3-3 [${last.payload}]` : '3-3 next';
    expect(entries.map(shape)).toEqual(['0-0 [ab]', '1-1 one', '2-2 two', end]);
    expect(reasons(entries)[0]).toContain('is chunk 1 of 2 of message a, which was given up');
    expect(reasons(entries)[0]).toContain(why);
  });

  it('when one of its chunks is missing', () => {
    const entries = read([part('a', 0, 'ab', 3, 6), part('a', 2, 'ef', 3, 6)]);
    expect(entries.map(shape)).toEqual(['0-0 [ab]', '1-1 [ef]']);
    expect(reasons(entries)[1]).toContain('chunk 2 of 3 is missing');
  });

  it('when its beginning was not read', () => {
    const entries = read([part('a', 1, 'cd'), single('one')]);
    expect(entries.map(shape)).toEqual(['0-0 [cd]', '1-1 one']);
    expect(reasons(entries)[0]).toContain('its beginning was not read');
  });

  it('when more would have to be held than an entry may have; the oldest first', () => {
    const large = single('x'.repeat(400));
    const frames = [
      orphan,
      part('b', 0, 'AB'),
      ...Array.from({ length: 3 }, () => large),
      part('b', 1, 'CD'),
    ];
    const entries = read(frames, 2_500);
    expect(entries.map((entry) => shape(entry).replaceAll(/x+/g, 'x'))).toEqual([
      '0-0 [ab]',
      '1-5 x x x ABCD',
    ]);
    const [tooLarge] = read([part('c', 0, 'ab', 100, 5_000)], 2_000);
    expect(tooLarge && shape(tooLarge)).toBe('0-0 [ab]');
  });

  it('not when its producer sends an earlier message again, after a lost connection', () => {
    const frames = [
      part('a', 0, 'ab', 2, 4, { sequenceId: 5 }),
      single('four', { producer: 'a', sequenceId: 4 }),
      part('a', 0, 'ab', 2, 4, { sequenceId: 5 }),
      part('a', 1, 'cd', 2, 4, { sequenceId: 5 }),
    ];
    expect(shapes(frames)).toEqual(['0-3 four abcd']);
  });

  it('and what lies between others stays in their entry', () => {
    const frames = [
      ...[part('a', 0, 'ab'), part('b', 0, 'AB'), part('c', 1, 'x'), single('one'), part('b', 1, 'CD')],
      single('next', { producer: 'a', sequenceId: 1 }),
    ];
    expect(shapes(frames)).toEqual(['0-0 [ab]', '1-4 [x] one ABCD', '5-5 next']);
  });

  it('when reading cannot go on, or nothing follows', () => {
    const group = new EntryGroup(LIMIT);
    expect(group.add(frame(orphan, 0))).toEqual([]);
    expect(group.add(frame(single('one'), 1))).toEqual([]);
    expect(group.waitsFor).toContain('1 of 2 chunks of the message that begins at 3:0');
    expect(group.giveUpAll('because').map(shape)).toEqual(['0-0 [ab]', '1-1 one']);
    expect([group.isEmpty, group.waitsFor]).toEqual([true, undefined]);
  });
});

const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({
    producer: fc.constantFrom('a', 'b', 'c'),
    sequenceId: fc.integer({ min: 0, max: 3 }),
    at: fc.integer({ min: 0, max: 200 }),
    payload: fc.constantFrom('x', 'y'.repeat(300)),
  }),
  fc
    .tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 2 }))
    .map(([producer, sequenceId, id]) =>
      part(`${producer}${sequenceId}`, id, 'cc', 3, 6, { producer, sequenceId }),
    ),
);

it('whatever is published: every frame is in exactly one entry, and reading from any position gives the same entries', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 25 }), (frames) => {
      const all = read(frames, 1_500);
      let next = 0;
      for (const { firstPosition, position } of all) {
        expect(firstPosition.entry).toBe(next);
        next = position.entry + 1;
      }
      for (const { position } of all) {
        const group = new EntryGroup(1_500);
        const rest = frames
          .map((given, index) => frame(given, index))
          .filter((raw) => isAfter(raw.position, position))
          .flatMap((raw) => group.add(raw));
        expect(rest.map(shape)).toEqual(all.filter((entry) => isAfter(entry.position, position)).map(shape));
      }
    }),
    { numRuns: 500 },
  );
});
