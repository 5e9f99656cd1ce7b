import { describe, expect, it } from 'vitest';
import { badRowOf, columnOf } from '../../../lib/clickhouse/error-table.ts';
import { failedInsert } from '../../../lib/clickhouse/failures.ts';
import { ServerError } from '../../../lib/clickhouse/server-error.ts';
import { LATE_BODY } from '../../../lib/clickhouse/statement.ts';
import { windowOf } from '../../../lib/clickhouse/token-window.ts';

const where = { table: 'db.t', server: 'http://ch:8123' };

describe('what an error says of an insert', () => {
  it('is an answer whatever its code', () => {
    for (const code of [0, 27, 32, 130, 321, 395, 36, 427]) {
      expect(failedInsert(new ServerError(code, `Code: ${code}. anything`), where).kind).toBe('answered');
    }
  });

  it('is a view’s, whatever its code', () => {
    for (const code of [6, 60, 252, 469]) {
      const error = new ServerError(code, 'it failed: while pushing to view db.v. (X)');
      expect(failedInsert(error, where)).toMatchObject({
        meaning: 'view',
        error: { code: 'PH_INSERT_FAILED' },
      });
    }
  });

  it('is retryable for a limit or a fault that passes by itself', () => {
    for (const code of [159, 202, 241, 242, 394, 999]) {
      expect(failedInsert(new ServerError(code, 'anything'), where)).toMatchObject({
        kind: 'answered',
        error: { kind: 'retryable' },
      });
    }
  });

  it('is late only by our own words, since a view may throw 395 too', () => {
    const outcomes = [LATE_BODY, 'Value passed to throwIf is non-zero'].map((text) =>
      failedInsert(new ServerError(395, `Code: 395. DB::Exception: ${text}`), where),
    );
    expect(outcomes).toMatchObject([
      { kind: 'in-doubt', error: { code: 'PH_INSERT_LATE' } },
      { kind: 'answered', error: { code: 'PH_INSERT_FAILED' } },
    ]);
  });

  it('is unanswered for anything that is no answer of the server', () => {
    expect(failedInsert(new Error('socket hang up'), where)).toMatchObject({
      kind: 'in-doubt',
      error: { code: 'PH_INSERT_UNANSWERED', message: 'db.t: no answer: socket hang up', where },
    });
  });
});

describe('the place that an error names', () => {
  const parsing = (excerpt: string): string =>
    `Code: 27. DB::Exception: Cannot parse input: expected ',' before: '${excerpt}': (while reading the value of key v): (at row 500)\n: While executing ParallelParsingBlockInputFormat. (CANNOT_PARSE_INPUT_ASSERTION_FAILED)`;

  it('is the row counted from 0, and the column', () => {
    expect(badRowOf(parsing('x'))).toBe(499);
    expect(columnOf(parsing('x'))).toBe('v');
    expect(badRowOf('Constraint `c` for table t is violated at row 7. Expression: (v < 1)')).toBe(6);
  });

  it('is not what the quoted payload says', () => {
    expect(badRowOf(parsing(': (at row 3)\\n: While executing'))).toBe(499);
    expect(badRowOf("Code: 6. DB::Exception: Cannot parse string 'is (at row 3)' as Int32")).toBeUndefined();
  });

  it('comes with an excerpt of the body too short to carry a payload', () => {
    const { summary } = new ServerError(27, parsing(`"${'secret '.repeat(20)}"`));
    expect(summary.match(/secret/g)).toHaveLength(5);
    expect(summary).toContain('(at row 500)');
  });
});

describe('the deduplication window', () => {
  it('is the table’s own setting, else the server’s', () => {
    const own =
      'MergeTree ORDER BY v SETTINGS non_replicated_deduplication_window = 77, index_granularity = 8192';
    expect(windowOf(own, '5')).toBe(77);
    expect(windowOf('MergeTree ORDER BY v SETTINGS index_granularity = 8192', '5')).toBe(5);
  });
});
