import { describe, expect, test } from 'vitest';
import { insertToken, queryIdPrefix, tokensAreTrusted } from '../../../lib/pipeline/intent.ts';
import { intentOf } from './fixtures.ts';

describe('tokensAreTrusted', () => {
  const then = { table: 'a', window: 1_000, oldestBlock: 5, newestBlock: 100 };

  test.each([
    ['nothing happened since', {}, true],
    ['fewer blocks came than half the window', { newestBlock: 599 }, true],
    ['the rest of the window may be used up by what comes', { newestBlock: 600 }, false],
    ['the table is another one', { table: 'b' }, false],
    ['the window was switched off', { window: 0 }, false],
    ['the window was made shorter than what came', { window: 200, newestBlock: 250 }, false],
    ['block numbers went back', { newestBlock: 99 }, false],
    ['the table was truncated', { oldestBlock: -1, newestBlock: -1 }, false],
    ['the table was truncated and filled anew', { oldestBlock: 101, newestBlock: 150 }, false],
  ])('%s', (_, change, trusted) => {
    expect(tokensAreTrusted(then, { ...then, ...change })).toBe(trusted);
  });

  test('an empty table that got its first blocks', () => {
    const empty = { ...then, oldestBlock: -1, newestBlock: -1 };
    expect(tokensAreTrusted(empty, empty)).toBe(true);
    expect(tokensAreTrusted(empty, { ...empty, oldestBlock: 1, newestBlock: 20 })).toBe(true);
  });
});

test('a token names the batch and its attempt, and every send of the batch shares a query id prefix', () => {
  const intent = intentOf(2, '4:9', '5:1');
  expect(insertToken('iot', 3, intent)).toBe(`iot/3/${intent.generation}/4:9-5:1#1`);
  expect(insertToken('iot', 3, { ...intent, attempt: 2 })).not.toBe(insertToken('iot', 3, intent));
  expect(queryIdPrefix('iot', 3, { ...intent, attempt: 2 })).toBe(queryIdPrefix('iot', 3, intent));
});
