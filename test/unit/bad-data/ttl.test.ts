import { describe, expect, test } from 'vitest';
import { rowTtl, ttlClause } from '../../../lib/clickhouse/ttl.ts';

const due = (time: string) => `toInt64(${time}) != 0 AND (${time}) <= now()`;

describe('a table’s TTL', () => {
  test.each([
    ['MergeTree ORDER BY id SETTINGS index_granularity = 8192', undefined],
    ["MergeTree ORDER BY tuple(' TTL ') COMMENT 'no TTL'", undefined],
    ['MergeTree ORDER BY v TTL d + toIntervalDay(1) SETTINGS x = 1', `(${due('d + toIntervalDay(1)')})`],
    [
      "MergeTree ORDER BY id TTL a + toIntervalDay(30), b + toIntervalDay(3) WHERE (id > 5) AND (x IN ('a, TTL ) SETTINGS', 'b')), b RECOMPRESS CODEC(ZSTD(3)) SETTINGS y = 8192",
      `(${due('a + toIntervalDay(30)')}) OR (${due('b + toIntervalDay(3)')} AND ((id > 5) AND (x IN ('a, TTL ) SETTINGS', 'b'))))`,
    ],
    ["MergeTree ORDER BY id TTL a TO VOLUME 'cold', b DELETE", `(${due('b')})`],
  ])('%s', (engineFull, expired) => {
    expect(rowTtl(engineFull)?.expired).toBe(expired);
  });

  test('that only moves or packs takes no row', () => {
    expect(rowTtl("MergeTree ORDER BY id TTL a TO DISK 'cold', b RECOMPRESS CODEC(ZSTD(3))")).toBeUndefined();
    expect(ttlClause("MergeTree ORDER BY id TTL a TO DISK 'cold'")).toBe("a TO DISK 'cold'");
  });

  test('that rolls up takes rows, and no row says which', () => {
    const rollup = 'MergeTree ORDER BY k TTL t + toIntervalDay(1) GROUP BY k SET v = sum(v), t = max(t)';
    expect(rowTtl(rollup)).toEqual({ expired: undefined });
  });
});
