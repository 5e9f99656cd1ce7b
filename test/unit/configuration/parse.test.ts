import { describe, expect, it } from 'vitest';
import { parsePipeline } from '../../../lib/configuration/parse.ts';
import { formatProblem } from '../../../lib/configuration/problem.ts';

const LEAST = `name: iot
topic: iot-sensor-data
target: { database: benchmark, table: sensors }
source: { fields: { a: String } }
columns: { a: a }
`;

/** The least file with lines put below it. */
function told(lines: string, base = LEAST): string[] {
  return parsePipeline(`${base}${lines}`, 'pipeline.yml').problems.map(formatProblem);
}

describe('a pipeline file', () => {
  it('needs only what nobody can guess; the rest has defaults', () => {
    const { pipeline, problems } = parsePipeline(LEAST, 'pipeline.yml');
    expect(problems).toEqual([]);
    expect(pipeline).toStrictEqual({
      name: 'iot',
      topic: 'persistent://public/default/iot-sensor-data',
      subscription: 'pulsehouse-iot',
      initialPosition: { at: 'earliest' },
      target: { database: 'benchmark', table: 'sensors' },
      targetOptions: { role: undefined, settings: undefined },
      source: {
        format: 'json',
        fields: { a: 'String' },
        nullValues: 'skip',
        emptyStrings: 'deadLetter',
        maxEntryBytes: 134_217_728,
      },
      columns: { a: 'a' },
      batch: { maxRows: 200_000, maxBytes: 96 * 2 ** 20, maxWait: 5_000, inFlight: 3, insertTimeout: 30_000 },
      checkpoint: {
        interval: 60_000,
        flushTimeout: 20_000,
        snapshotsKept: 48,
        acknowledgeBehind: { checkpoints: 0, age: 0 },
      },
      consume: { mode: 'drain', lease: 15_000 },
      deadLetters: { enabled: true, maxRatio: 0.01, minimum: 10 },
      audit: { interval: 86_400_000, exclusions: [] },
      allowWithoutDeduplication: false,
    });
  });

  it('takes every key', () => {
    const { pipeline, problems } = parsePipeline(
      `${LEAST}
subscription: mine
initialPosition: 2026-11-01T00:00:00+01:00
batch: { maxRows: 50000, maxBytes: 32 MiB, maxWait: 1500ms, inFlight: 3, insertTimeout: 1 min }
checkpoint:
  interval: 5 s
  flushTimeout: 2 s
  snapshotsKept: 10
  acknowledgeBehind: { checkpoints: 3, age: 30 s }
consume: { mode: follow, lease: 5 s }
deadLetters: { enabled: false, maxRatio: 1, minimum: 0 }
audit:
  horizon: 30 d
  interval: 12 h
  exclusions:
    - { reason: erasure request 4711, partition: 3, from: 34:0, to: 34:99 }
    - { reason: a test that ran in production, from: 2026-11-01, to: 2026-11-02T00:00:00+01:00 }
allowWithoutDeduplication: true
`,
      'pipeline.yml',
    );
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(pipeline).toMatchObject({
      subscription: 'mine',
      initialPosition: { at: 'time', publishTime: Date.UTC(2026, 9, 31, 23) },
      batch: { maxRows: 50_000, maxBytes: 2 ** 25, maxWait: 1_500, inFlight: 3, insertTimeout: 60_000 },
      checkpoint: { acknowledgeBehind: { checkpoints: 3, age: 30_000 } },
      consume: { mode: 'follow', lease: 5_000 },
      deadLetters: { enabled: false, maxRatio: 1, minimum: 0 },
      audit: {
        horizon: 30 * 86_400_000,
        interval: 43_200_000,
        exclusions: [
          {
            reason: 'erasure request 4711',
            partition: 3,
            positions: { after: { ledger: 34, entry: -1 }, to: { ledger: 34, entry: 99 } },
          },
          {
            reason: 'a test that ran in production',
            published: { from: Date.UTC(2026, 10, 1), to: Date.UTC(2026, 10, 1, 23) },
          },
        ],
      },
      allowWithoutDeduplication: true,
    });
  });

  it('tells all its problems at once, each with line, key, value and fix', () => {
    const problems = told(
      `btach: {}
batch:
  maxRows: 2000000
  maxWiat: 5 s
  maxBytes: 64
checkpoint: { interval: soon }
deadLetters: { maxRatio: 5 }
initialPosition: yesterday
`,
      LEAST.replace('name: iot', 'name: IoT').replace('topic: iot-sensor-data\n', ''),
    );
    expect(problems).toEqual([
      'pipeline.yml:1 name: "IoT" is not a name; write 1 to 63 lower case letters, digits and dashes, no dash at either end',
      'pipeline.yml topic: is missing; write for example topic: "persistent://public/default/iot-sensor-data"',
      'pipeline.yml:12 initialPosition: "yesterday" is not a place to start; write earliest, latest, or a time with its zone such as 2026-11-01T00:00:00Z',
      'pipeline.yml:7 batch.maxRows: 2000000 is too much; write a whole number from 1 to 1048449 (more than that is not one block, and only one block is stored whole or not at all)',
      'pipeline.yml:9 batch.maxBytes: 64 is not a size with its unit; write a size from 64 KiB to 200 MiB, such as "64 MiB"',
      'pipeline.yml:8 batch.maxWiat: is not a key; did you mean maxWait?',
      'pipeline.yml:10 checkpoint.interval: "soon" is not a duration; write a duration from 1 s to 1 d, such as "60 s"',
      'pipeline.yml:11 deadLetters.maxRatio: 5 is above 1; write a share from 0 to 1, such as 0.01 for 1 %',
      'pipeline.yml:5 btach: is not a key; did you mean batch?',
    ]);
  });

  it.each([
    ['', 'pipeline.yml name: is missing; write for example name: "iot"'],
    ['- a', 'pipeline.yml: ["a"] is not a group of keys; the keys here are name, topic'],
    ['name: [', 'pipeline.yml:1: is not YAML'],
    ['name: a\nname: b', 'pipeline.yml:2: is not YAML: Map keys must be unique'],
  ])('says of %j what it is', (file, start) => {
    expect(told('', file)[0]).toContain(start);
  });

  it.each([
    ['batch: 5', 'batch: 5 is not a group of keys; the keys here are maxRows, maxBytes'],
    ['batch: { maxRows: 1.5 }', 'maxRows: 1.5 is not a whole number'],
    ['batch: { maxBytes: 201 MiB }', 'maxBytes: "201 MiB" is too much (a larger body becomes several parts)'],
    ['batch: { inFlight: 0 }', 'inFlight: 0 is too little'],
    ['batch: { maxWait: 5 }', 'maxWait: 5 is not a duration with its unit'],
    ['consume: { mode: forever }', 'mode: "forever" is not a mode; write drain or follow'],
    ['consume: { lease: 1 s }', 'lease: "1 s" is too little'],
    ['allowWithoutDeduplication: yes please', 'is neither true nor false'],
    ['zzz: 1', 'zzz: is not a key; the keys here are name, topic'],
  ])('refuses %s', (line, start) => {
    expect(told(line)).toEqual([expect.stringContaining(start)]);
  });

  it.each([
    ['topic: non-persistent://public/default/x', 'keeps nothing'],
    ['topic: persistent://public/x', 'is not a topic'],
    ['topic: a b', 'is not a topic'],
    ['topic: 5', '5 is not a topic'],
  ])('refuses %s', (line, start) => {
    const problems = told('', LEAST.replace('topic: iot-sensor-data', line));
    expect(problems).toEqual([expect.stringContaining(start)]);
  });

  it.each([
    ['{ from: 3:0, to: 3:9, partition: 0 }', 'reason: is missing'],
    ['{ reason: r, from: 3:0, to: 3:9 }', 'from: "3:0" belongs to one partition; name it'],
    ['{ reason: r, partition: 0, from: 3:9, to: 3:0 }', 'to: "3:0" is before from'],
    ['{ reason: r, from: 2026-11-02, to: 2026-11-01 }', 'to: "2026-11-01" is before from'],
    [
      '{ reason: r, partition: 0, from: 3:0, to: 2026-11-01 }',
      'to: "2026-11-01" is not of the kind that from is',
    ],
    [
      '{ reason: r, from: 2026-11-01T00:00:00, to: 2026-11-02 }',
      'is not the end of a range; write ledger:entry',
    ],
    ['{ reason: r, from: yesterday, to: 2026-11-02 }', '"yesterday" is not the end of a range'],
  ])('refuses the exclusion %s', (exclusion, message) => {
    expect(told(`audit: { exclusions: [${exclusion}] }`)).toEqual([expect.stringContaining(message)]);
  });

  it('counts a date as the whole day', () => {
    const { pipeline } = parsePipeline(
      `${LEAST}audit: { exclusions: [{ reason: r, from: 2026-11-01, to: 2026-11-01 }] }`,
      'pipeline.yml',
    );
    const from = Date.UTC(2026, 10, 1);
    expect(pipeline?.audit.exclusions).toEqual([
      { reason: 'r', published: { from, to: from + 86_400_000 - 1 } },
    ]);
  });

  it('leaves the position columns to Pulsehouse', () => {
    const problems = told('', LEAST.replace('columns: { a: a }', 'columns: { _ledger: a }'));
    expect(problems).toEqual([
      'pipeline.yml:5 columns._ledger: is a column that Pulsehouse fills itself; leave it out',
    ]);
  });

  it('wants fields and columns', () => {
    const problems = told('', LEAST.replace('{ a: a }', '{}').replace('{ a: String }', '{}'));
    expect(problems).toEqual([
      expect.stringContaining('source.fields: {} is empty'),
      expect.stringContaining('columns: {} is empty'),
    ]);
  });
});
