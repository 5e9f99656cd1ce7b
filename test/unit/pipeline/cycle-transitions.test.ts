import { expect, test } from 'vitest';
import {
  acknowledged,
  acknowledging,
  completeCheckpoint,
  newCycleState,
  openCheckpoint,
} from '../../../lib/pipeline/cycle-transitions.ts';

const fresh = newCycleState({ pipeline: 'iot', generation: 'g', partitions: 4, writeId: 'first' });
const illegal = expect.objectContaining({ code: 'PH_INVARIANT' });

test('a checkpoint is opened, completed, announced and acknowledged in that order', () => {
  const open = openCheckpoint(fresh);
  expect(open).toMatchObject({ opened: 1, flushRequested: 1, latest: 0 });
  const complete = completeCheckpoint(open, 1);
  const told = acknowledged(acknowledging(complete, 1), 1);
  expect(told).toMatchObject({ latest: 1, acknowledging: 1, acknowledged: 1 });
});

test('a checkpoint left open is gone on with, and its number is not used for another', () => {
  const open = openCheckpoint(openCheckpoint(fresh));
  expect(open.opened).toBe(1);
  expect(openCheckpoint(completeCheckpoint(open, 1)).opened).toBe(2);
});

test('nothing is announced before its checkpoint is complete', () => {
  expect(() => acknowledging(openCheckpoint(fresh), 1)).toThrow(illegal);
});

test('what is announced never goes back', () => {
  const two = completeCheckpoint(openCheckpoint(completeCheckpoint(openCheckpoint(fresh), 1)), 2);
  expect(() => acknowledging(acknowledging(two, 2), 1)).toThrow(illegal);
});

test('only what was announced is acknowledged', () => {
  expect(() => acknowledged(completeCheckpoint(openCheckpoint(fresh), 1), 1)).toThrow(illegal);
});

test('a checkpoint is completed once', () => {
  const complete = completeCheckpoint(openCheckpoint(fresh), 1);
  expect(() => completeCheckpoint(complete, 1)).toThrow(illegal);
});
