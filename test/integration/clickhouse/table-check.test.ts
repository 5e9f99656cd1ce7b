import { describe, expect } from 'vitest';
import { missingGrants } from '../../../lib/clickhouse/grants.ts';
import { INSERT_SETTINGS } from '../../../lib/clickhouse/insert-settings.ts';
import { checkMapping } from '../../../lib/clickhouse/mapping-check.ts';
import { Questions } from '../../../lib/clickhouse/questions.ts';
import { checkTable } from '../../../lib/clickhouse/table-check.ts';
import { prepareTableSql } from '../../../lib/clickhouse/table-ddl.ts';
import { describeTable } from '../../../lib/clickhouse/table-description.ts';
import { isVolatile } from '../../../lib/clickhouse/volatile.ts';
import type { Pipeline } from '../../../lib/pipeline/pipeline.ts';
import { PROJECTION, type SinkTable, test } from './sink-table.ts';

const POSITIONS = '_partition UInt32, _ledger Int64, _entry Int64, _index UInt32, _row UInt32';
const WINDOW = 'SETTINGS non_replicated_deduplication_window = 1000';
const SOUND = `(v Int64, ${POSITIONS}, ${PROJECTION}) ENGINE = MergeTree ORDER BY v ${WINDOW}`;

type Mapped = Partial<Pick<Pipeline, 'columns' | 'where' | 'allowWithoutDeduplication' | 'audit'>>;

const audit = { interval: 0, exclusions: [] };

/** Creates a table of this definition beside the given one and says what is wrong with it. */
async function check(
  { deadline, mapping, query, server }: SinkTable,
  definition: string,
  mapped: Mapped = {},
) {
  const target = { database: mapping.target.database, table: `t_${Math.random().toString(36).slice(2)}` };
  await query(`CREATE TABLE ${target.database}.${target.table} ${definition}`);
  const { source } = mapping;
  const pipeline = {
    ...{ target, source, columns: { v: '1' }, allowWithoutDeduplication: false, audit },
    ...mapped,
  };
  const questions = new Questions(server, target, () => Date.now());
  const again = async () => {
    const table = await describeTable(questions, target, deadline());
    return table ? checkTable(table, pipeline) : [];
  };
  return { findings: await again(), again, target };
}

interface Unfit {
  readonly definition: string;
  readonly mapped?: Mapped;
  readonly says: RegExp;
}

const UNFIT: readonly Unfit[] = [
  ...['ReplacingMergeTree', 'SummingMergeTree', 'AggregatingMergeTree', 'CoalescingMergeTree'].map(
    (engine) => ({
      definition: `(v Int64, ${POSITIONS}) ENGINE = ${engine} ORDER BY v`,
      says: new RegExp(`${engine} folds rows`),
    }),
  ),
  {
    definition: `(v Int64, s Int8, ${POSITIONS}) ENGINE = CollapsingMergeTree(s) ORDER BY v`,
    says: /CollapsingMergeTree folds rows/,
  },
  ...['Null', 'Memory', 'Log', 'StripeLog', "Buffer('', '', 1, 1, 1, 1, 1, 1, 1)"].map((engine) => ({
    definition: `(v Int64, ${POSITIONS}) ENGINE = ${engine}`,
    says: /does not keep the rows of an insert/,
  })),
  { definition: `(v Int64, ${POSITIONS}) ENGINE = MergeTree ORDER BY v`, says: /deduplication_window is 0/ },
  {
    definition: `(v Int64, _ledger Int64, _entry Int64, _index UInt32, _row UInt32) ENGINE = MergeTree ORDER BY v ${WINDOW}`,
    says: /position column _partition is missing/,
  },
  {
    definition: `(v Int64, ${POSITIONS.replace('_entry Int64', '_entry Int32')}) ENGINE = MergeTree ORDER BY v ${WINDOW}`,
    says: /_entry is Int32 and should be Int64/,
  },
  {
    definition: `(v Int64, ${POSITIONS.replace('_row UInt32', '_row UInt32 MATERIALIZED 0')}) ENGINE = MergeTree ORDER BY v ${WINDOW}`,
    says: /_row is MATERIALIZED/,
  },
  {
    definition: SOUND,
    mapped: { columns: { nosuch: '1' } },
    says: /columns.nosuch is mapped and the table has no/,
  },
  {
    definition: `(v Int64, w Int64 MATERIALIZED v, ${POSITIONS}) ENGINE = MergeTree ORDER BY v ${WINDOW}`,
    mapped: { columns: { w: '1' } },
    says: /columns.w is mapped and the table computes it itself/,
  },
  {
    definition: `(v Int64, at DateTime DEFAULT now(), ${POSITIONS}) ENGINE = MergeTree PARTITION BY toDate(at) ORDER BY v ${WINDOW}`,
    says: /partitioned by at, and "now\(\)"/,
  },
  {
    definition: `(v Int64, at DateTime DEFAULT now(), hour DateTime MATERIALIZED toStartOfHour(at), day Date DEFAULT toDate(hour), ${POSITIONS}) ENGINE = MergeTree PARTITION BY day ORDER BY v ${WINDOW}`,
    says: /partitioned by day, and "now\(\)"/,
  },
  {
    definition: `(v Int64, at DateTime, ${POSITIONS}) ENGINE = MergeTree PARTITION BY toDate(at) ORDER BY v ${WINDOW}`,
    mapped: { columns: { at: 'toStartOfHour(now())' } },
    says: /partitioned by at, and "toStartOfHour\(now\(\)\)"/,
  },
  {
    definition: `(v Int64, at DateTime DEFAULT CURRENT_TIMESTAMP, day Date DEFAULT toDate(at), ${POSITIONS}) ENGINE = MergeTree PARTITION BY day ORDER BY v ${WINDOW}`,
    says: /partitioned by day, and "CURRENT_TIMESTAMP"/i,
  },
  { definition: SOUND, mapped: { columns: { v: 'arrayJoin([1, 2])' } }, says: /arrayJoin/ },
  { definition: SOUND, mapped: { where: 'arrayJoin([v]) = 1' }, says: /where uses arrayJoin/ },
  {
    definition: SOUND,
    mapped: { where: 'v < toUnixTimestamp(now())' },
    says: /changes from one time to the next/,
  },
  { definition: SOUND, mapped: { where: 'v = 1) OR (v = 2' }, says: /closes a parenthesis/ },
];

describe('a table that cannot hold the guarantees', () => {
  test.for(UNFIT)('$says', async ({ definition, mapped, says }, { openTable }) => {
    const table = await openTable({ window: 100 });
    const { findings } = await check(table, definition, mapped);
    const errors = findings.filter(({ severity }) => severity === 'error').map(({ message }) => message);
    expect(errors.some((message) => says.test(message))).toBe(true);
  });

  test('becomes sound by the SQL that stands with each finding', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const { again, findings } = await check(table, '(v Int64) ENGINE = MergeTree ORDER BY v');
    expect(findings.filter(({ severity }) => severity === 'error')).toHaveLength(6);
    for (const { sql } of findings) {
      for (const statement of sql?.split(';').filter((part) => part.trim() !== '') ?? [])
        await table.query(statement);
    }
    expect(await again()).toEqual([]);
  });

  test('becomes sound by the SQL for a table of one’s own, which is one piece', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const { again, target } = await check(table, '(v Int64) ENGINE = MergeTree ORDER BY v');
    for (const statement of prepareTableSql(target)
      .split(';')
      .filter((part) => part.trim() !== '')) {
      await table.query(statement);
    }
    expect(await again()).toEqual([]);
  });

  test('is accepted without deduplication only when the pipeline says so', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const definition = `(v Int64, ${POSITIONS}, ${PROJECTION}) ENGINE = MergeTree ORDER BY v`;
    const { findings } = await check(table, definition, { allowWithoutDeduplication: true });
    expect(findings.map(({ severity }) => severity)).toEqual(['warning']);
  });

  test('is refused to a user whose profile switches deduplication off', async ({ openTable }) => {
    const { deadline, mapping, serverFor } = await openTable({ window: 100 });
    const server = serverFor({ deduplicate_insert_select: 'disable' });
    const table = await describeTable(
      new Questions(server, mapping.target, () => Date.now()),
      mapping.target,
      deadline(),
    );
    const pipeline = { ...mapping, allowWithoutDeduplication: false, audit };
    expect(table && checkTable(table, pipeline)).toMatchObject([
      {
        severity: 'error',
        sql: expect.stringMatching(
          /^ALTER USER .* SETTINGS deduplicate_insert_select = 'enable_when_possible';$/,
        ),
      },
    ]);
    await server.close();
  });
});

/** Not by the moment or the place of an insert. */
const OF_THE_ROW =
  /^(arrayJoin|unnest|isConstant|toColumnTypeName|dumpColumnStructure|lowCardinality\w+|obfuscateQuery|naiveBayes\w+|timeSeries\w+|financialNetPresentValueExtended|chdb|__applyFilter)$/;

test('every function of the server whose value is not of its arguments alone is known as such', async ({
  openTable,
}) => {
  const { query } = await openTable({ window: 100 });
  const names = await query(
    'SELECT name FROM system.functions WHERE NOT is_aggregate AND deterministic = 0 FORMAT TSV',
  );
  const functions = names.split('\n').filter((name) => name !== '');
  expect(functions.length).toBeGreaterThan(50);
  expect(functions.filter((name) => !isVolatile(`${name}()`, []) && !OF_THE_ROW.test(name))).toEqual([]);
});

describe('a table that can', () => {
  test('has no findings when there is nothing to say', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    expect((await check(table, SOUND)).findings).toEqual([]);
  });

  test('is warned of what makes it slow, and noted for what is to be known', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const definition = `(v Int64, other String, at DateTime, ${POSITIONS}) ENGINE = MergeTree ORDER BY v TTL at + INTERVAL 1 DAY SETTINGS non_replicated_deduplication_window = 5`;
    const { findings } = await check(table, definition, { columns: { v: '1', at: 'now()' } });
    expect(findings.map(({ message, severity }) => `${severity}: ${message}`)).toEqual([
      expect.stringMatching(/^warning: the deduplication window of 5 inserts is short/),
      expect.stringMatching(/^warning: no projection orders the rows by position/),
      expect.stringMatching(/^note: columns.at is "now\(\)"/),
      expect.stringMatching(/^note: not mapped, so filled with their type's default: other/),
      expect.stringMatching(/^note: the table has a TTL.* as audit.horizon/),
    ]);
  });

  test('has a TTL: the horizon is to be no longer than rows are kept', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const definition = `(v Int64, at DateTime, ${POSITIONS}, ${PROJECTION}) ENGINE = MergeTree ORDER BY v TTL at + INTERVAL 1 DAY, at + INTERVAL 1 MONTH DELETE WHERE v > 1 ${WINDOW}`;
    const noted = async (horizon: number) => {
      const mapped = { columns: { v: '1', at: 'at' }, audit: { ...audit, horizon } };
      return (await check(table, definition, mapped)).findings.map(({ message }) => message);
    };
    expect(await noted(24 * 3_600_000)).toEqual([]);
    expect(await noted(25 * 3_600_000)).toEqual([expect.stringContaining('longer than the table')]);
  });

  test('is missing: no description', async ({ openTable }) => {
    const { deadline, mapping, questions } = await openTable({ window: 100 });
    const target = { ...mapping.target, table: 'nosuch' };
    expect(await describeTable(questions, target, deadline())).toBeUndefined();
  });
});

describe('a mapping', () => {
  test.for([
    { columns: { day: 'day', value: 'value' }, says: undefined },
    { columns: { day: 'day', value: 'nothing' }, says: /Code: 47/ },
    { columns: { day: 'day', value: "'a' + 1" }, says: /Code: 43/ },
    { columns: { day: 'day', value: 'value +' }, says: /Code: 62/ },
  ])('$columns.value is checked on the server with no row sent', async ({ columns, says }, { openTable }) => {
    const { deadline, mapping, questions } = await openTable({ window: 100 });
    const findings = await checkMapping(questions, { ...mapping, columns }, deadline());
    expect(findings.map(({ message }) => says?.test(message))).toEqual(says ? [true] : []);
  });

  test('relies on settings that the server knows, every one', async ({ openTable }) => {
    const { query } = await openTable({ window: 100 });
    // The interface's own, which system.settings does not list on every version.
    const names = Object.keys(INSERT_SETTINGS).filter((name) => name !== 'wait_end_of_query');
    const list = names.map((name) => `'${name}'`).join(', ');
    expect(Number(await query(`SELECT count() FROM system.settings WHERE name IN (${list})`))).toBe(
      names.length,
    );
  });
});

describe('the rights of a user', () => {
  test('are all there for the stack’s own', async ({ openTable }) => {
    const { deadline, mapping, questions } = await openTable({ window: 100 });
    expect(await missingGrants(questions, mapping, deadline())).toEqual([]);
  });

  test('lack writing where the profile allows only reading', async ({ openTable }) => {
    const { deadline, mapping, serverFor } = await openTable({ window: 100 });
    const server = serverFor({ readonly: '1' });
    const questions = new Questions(server, mapping.target, () => Date.now());
    const missing = await missingGrants(questions, mapping, deadline());
    expect(missing.map(({ severity, sql }) => `${severity} ${sql?.split(' ON ')[0]}`)).toEqual([
      'error GRANT INSERT',
      'error GRANT CREATE TEMPORARY TABLE',
      'error GRANT CREATE ARBITRARY TEMPORARY TABLE',
      'warning GRANT ALTER DELETE',
    ]);
    await server.close();
  });
});
