import { largeReading } from './large-reading.ts';

/** What a backlog is made of, and how many partitions it lies on. */
export interface Shape {
  readonly partitions: number;
  /** Messages of an entry; undefined: each is published by itself, which is no batch. */
  readonly perEntry: number | undefined;
  /** The n-th message, sent at `now` (ms since the epoch). Undefined: the reference reading of 262 bytes. */
  readonly message?: (index: number, now: number) => Uint8Array;
  /** Of the messages asked for. */
  readonly share: number;
}

const BATCHED = { perEntry: 1_000, share: 1 };
/** 1.5 kB a message. */
const LARGE = { perEntry: 1_000, share: 0.2, message: largeReading };
const UNBATCHED = { perEntry: undefined, share: 0.2 };
const LARGE_UNBATCHED = { perEntry: undefined, share: 0.1, message: largeReading };

export const SHAPES = {
  pipeline1: { ...BATCHED, partitions: 1 },
  pipeline4: { ...BATCHED, partitions: 4 },
  large1: { ...LARGE, partitions: 1 },
  large4: { ...LARGE, partitions: 4 },
  unbatched1: { ...UNBATCHED, partitions: 1 },
  unbatched4: { ...UNBATCHED, partitions: 4 },
  largeUnbatched1: { ...LARGE_UNBATCHED, partitions: 1 },
  largeUnbatched4: { ...LARGE_UNBATCHED, partitions: 4 },
} as const satisfies Record<string, Shape>;

export type ShapeName = keyof typeof SHAPES;

export const SHAPE_NAMES = Object.keys(SHAPES) as readonly ShapeName[];

/** Measured where none is named: the others take the run beyond five minutes. */
export const USUAL_SHAPES: readonly ShapeName[] = ['pipeline1', 'pipeline4', 'large1', 'unbatched1'];
