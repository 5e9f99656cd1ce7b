import { describe, expect, test } from 'vitest';
import {
  amendIntent,
  commit,
  flushedTo,
  halt,
  intend,
  intendedUpTo,
} from '../../../lib/pipeline/partition-transitions.ts';
import { parsePosition } from '../../../lib/pipeline/position.ts';
import { emptyPartition, intentOf } from './fixtures.ts';

const first = intentOf(1, '-1:-1', '4:9');
const second = intentOf(2, '4:9', '4:19');

describe('intend', () => {
  test('batches follow each other from the committed position', () => {
    const state = intend(intend(emptyPartition, first), second);
    expect(state.inFlight.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(intendedUpTo(state)).toEqual(parsePosition('4:19'));
  });

  test.each([
    ['leaves a gap', intentOf(2, '4:10', '4:19')],
    ['overlaps the one before', intentOf(2, '4:8', '4:19')],
    ['is empty', intentOf(2, '4:9', '4:9')],
    ['skips a number', intentOf(3, '4:9', '4:19')],
    ['is of another generation', intentOf(2, '4:9', '4:19', { generation: 'other' })],
    ['does not account for every message', intentOf(2, '4:9', '4:19', { rows: 9 })],
    ['accounts for more messages than it read', intentOf(2, '4:9', '4:19', { filtered: 1 })],
  ])('a batch that %s is refused', (_, intent) => {
    expect(() => intend(intend(emptyPartition, first), intent)).toThrow(
      expect.objectContaining({ code: 'PH_INVARIANT' }),
    );
  });
});

describe('amendIntent', () => {
  const state = intend(emptyPartition, first);

  test('attempt, notAfter and dead letters may change', () => {
    const amended = {
      ...first,
      attempt: 2,
      notAfter: 20_000,
      rows: 9,
      deadLetters: { count: 1, parts: [{ count: 1, key: 'iot/dead-letters/3/x' }] },
    };
    expect(amendIntent(state, amended).inFlight).toEqual([amended]);
  });

  test.each([
    ['is cut again', { to: parsePosition('4:8') }],
    ['begins elsewhere', { after: parsePosition('4:0') }],
    ['holds other entries', { digest: 'other' }],
    ['goes back to an earlier attempt', { attempt: 0 }],
    ['shortens what a successor must wait for', { notAfter: 9_999 }],
    ['loses a message', { rows: 9 }],
    ['was never intended', { seq: 7 }],
  ])('a batch that %s is refused', (_, change) => {
    expect(() => amendIntent(state, { ...first, ...change })).toThrow(
      expect.objectContaining({ code: 'PH_INVARIANT' }),
    );
  });
});

describe('commit', () => {
  const state = intend(intend(emptyPartition, first), second);

  test('moves the position to the batch and adds it to the totals', () => {
    const committed = commit(state, 1);
    expect(committed.committed).toEqual(first.to);
    expect(committed.inFlight).toEqual([second]);
    expect(committed.totals).toMatchObject({ batches: 1, messages: first.messages, rows: first.rows });
    expect(committed.committedPublishTime).toBe(1_001);
  });

  test('never overtakes an older batch', () => {
    expect(() => commit(state, 2)).toThrow(expect.objectContaining({ code: 'PH_INVARIANT' }));
  });

  test('the table is held against its first look, however late the commits are', () => {
    const later = { ...second, tokens: { ...second.tokens, newestBlock: second.tokens.newestBlock + 5 } };
    const both = commit(commit(intend(intend(emptyPartition, first), later), 1), 2);
    expect(both.lastTokens).toEqual(first.tokens);
  });

  test('happens once', () => {
    expect(() => commit(commit(state, 1), 1)).toThrow(expect.objectContaining({ code: 'PH_INVARIANT' }));
  });
});

test('flushed never goes back', () => {
  expect(flushedTo(flushedTo(emptyPartition, 5), 4).flushed).toBe(5);
});

test('the first reason to halt stays', () => {
  const reason = (code: string) => ({ code, reason: code, nextStep: '', position: undefined, at: 1 });
  expect(halt(halt(emptyPartition, reason('one')), reason('two')).halted?.code).toBe('one');
});
