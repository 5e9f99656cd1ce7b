import { expect, it } from 'vitest';
import { isVolatile } from '../../../lib/clickhouse/volatile.ts';

it.each([
  'now()',
  'toDate(NOW ())',
  'now',
  'toDate(today)',
  'CURRENT_TIMESTAMP',
  'if(user = localtime, 1, 2)',
  'generateUUIDv7()',
  "dictGet('d', 'name', id)",
  'currentRoles()[1]',
  'arrayShuffle(tags)',
])('%s is another value each time', (expression) => {
  expect(isVolatile(expression, ['id', 'tags'])).toBe(true);
});

it.each([
  "if(state = 'now', 1, 2)",
  "'it''s now()'",
  'toDate(at)',
  'user',
  'toStartOfHour(localtime)',
  'd.now',
  'user.name',
  'nowhere + todays',
  'timezoneOf(at)',
  'knowledge(id)',
])('%s follows from the row', (expression) => {
  expect(isVolatile(expression, ['user', 'localtime'])).toBe(false);
});
