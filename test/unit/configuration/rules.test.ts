import { describe, expect, it } from 'vitest';
import { parsePipeline } from '../../../lib/configuration/parse.ts';
import { checkTogether } from '../../../lib/configuration/rules.ts';
import type { Pipeline } from '../../../lib/pipeline/pipeline.ts';

const LEAST = `name: iot
topic: iot-sensor-data
target: { database: benchmark, table: sensors }
source: { fields: { a: String } }
columns: { a: a }
`;

function found(lines: string, base = LEAST) {
  return parsePipeline(`${base}${lines}`, 'p.yml').problems.map(({ severity, key }) => `${severity} ${key}`);
}

describe('keys beside each other', () => {
  it.each([
    ['checkpoint: { interval: 20 s, flushTimeout: 20 s }', ['error checkpoint.flushTimeout']],
    ['checkpoint: { interval: 20 s, flushTimeout: 19 s }', []],
    [
      'checkpoint: { snapshotsKept: 10, acknowledgeBehind: { checkpoints: 10 } }',
      ['warning checkpoint.snapshotsKept'],
    ],
    ['checkpoint: { snapshotsKept: 10, acknowledgeBehind: { checkpoints: 9 } }', []],
    ['checkpoint: { acknowledgeBehind: { age: 1 h } }', ['warning checkpoint.snapshotsKept']],
    ['checkpoint: { snapshotsKept: 61, acknowledgeBehind: { age: 1 h } }', []],
    ['consume: { lease: 61 s }', ['warning consume.lease']],
    ['batch: { maxRows: 100 }', ['warning batch.maxRows']],
    ['batch: { maxWait: 100 ms }', ['warning batch.maxWait']],
    ['batch: { inFlight: 8, maxBytes: 200 MiB }', ['warning batch.inFlight']],
    ['batch: { insertTimeout: 5 min }\nallowWithoutDeduplication: true', ['warning batch.insertTimeout']],
    ['batch: { insertTimeout: 5 min }', []],
  ])('%s', (lines, expected) => {
    expect(found(lines)).toEqual(expected);
  });

  it('tells of fields that no column reads', () => {
    expect(found('', LEAST.replace('{ a: String }', '{ a: String, b: String }'))).toEqual([
      'warning source.fields.b',
    ]);
  });

  it('tells of a topic that is one partition', () => {
    expect(found('', LEAST.replace('iot-sensor-data', 'x-partition-3'))).toEqual(['warning topic']);
  });
});

describe('pipelines beside each other', () => {
  const { pipeline } = parsePipeline(LEAST, 'p.yml');
  if (!pipeline) throw new Error('the least pipeline is valid');
  const other = { ...pipeline, name: 'other', topic: 'persistent://a/b/c' };
  const elsewhere = { database: 'benchmark', table: 'elsewhere' };

  it.each<[string, Pipeline, string[]]>([
    ['share nothing', { ...other, target: elsewhere }, []],
    ['share a name', { ...other, target: elsewhere, name: 'iot' }, ['name']],
    ['share a table', other, ['target.table']],
    ['share a subscription', { ...pipeline, name: 'other', target: elsewhere }, ['subscription']],
    ['read one topic apart', { ...pipeline, name: 'o', target: elsewhere, subscription: 's' }, []],
  ])('%s', (_, second, keys) => {
    expect(checkTogether(second, [pipeline]).map(({ path }) => path.join('.'))).toEqual(keys);
  });
});
