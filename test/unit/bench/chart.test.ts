import { describe, expect, it } from 'vitest';
import { chartOf } from '../../../bench/pipeline/chart.ts';

describe('the chart of rates', () => {
  it('has a bar for each, as long as its share of the fastest', () => {
    const chart = chartOf([
      { name: 'rawInsert', rowsPerSecond: 400_000 },
      { name: 'pipeline1', rowsPerSecond: 200_000 },
    ]);
    const lengths = [...chart.matchAll(/<rect [^>]*width="(\d+)"/g)].map(([, width]) => Number(width));
    expect(lengths).toHaveLength(2);
    expect(lengths[1]).toBe((lengths[0] ?? 0) / 2);
    expect(chart).toContain('>200,000</text>');
  });
});
