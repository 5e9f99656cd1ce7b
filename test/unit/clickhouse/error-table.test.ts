import { describe, expect, it } from 'vitest';
import { badRowOf, columnOf, refusalOf } from '../../../lib/clickhouse/error-table.ts';
import { failedInsert } from '../../../lib/clickhouse/failures.ts';
import { ServerError } from '../../../lib/clickhouse/server-error.ts';
import { LATE_BODY } from '../../../lib/clickhouse/statement.ts';
import { windowOf } from '../../../lib/clickhouse/token-window.ts';

const where = { table: 'db.t', server: 'http://ch:8123' };

describe('what an error says of an insert', () => {
  it('is a refusal only when the server also says that no row was written', () => {
    expect(refusalOf(27, 'Cannot parse input', 0)).toBe('data');
    expect(refusalOf(27, 'Cannot parse input', 1)).toBeUndefined();
    expect(refusalOf(27, 'Cannot parse input', Number.NaN)).toBeUndefined();
  });

  it('is in doubt for a view, whatever its code', () => {
    for (const code of [6, 60, 252, 469]) {
      expect(refusalOf(code, 'it failed: while pushing to view db.v. (X)', 0)).toBeUndefined();
    }
  });

  it('is in doubt for every code that is not on the list', () => {
    for (const code of [0, 3, 159, 160, 236, 241, 242, 285, 286, 319, 394, 999, 1000, 1001]) {
      expect(refusalOf(code, 'anything', 0)).toBeUndefined();
    }
  });

  it('is late only by our own words, since a view may throw 395 too', () => {
    const outcomes = [LATE_BODY, 'Value passed to throwIf is non-zero'].map((text) =>
      failedInsert(new ServerError(395, `Code: 395. DB::Exception: ${text}`, 0), where),
    );
    expect(outcomes).toMatchObject([
      { kind: 'in-doubt', error: { code: 'PH_INSERT_LATE' } },
      { kind: 'in-doubt', error: { code: 'PH_INSERT_FAILED' } },
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
    const { summary } = new ServerError(27, parsing(`"${'secret '.repeat(20)}"`), 0);
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
