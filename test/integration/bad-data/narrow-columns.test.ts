import { describe, expect } from 'vitest';
import { checkNarrowing } from '../../../lib/clickhouse/narrowing.ts';
import { describeTable } from '../../../lib/clickhouse/table-description.ts';
import { PROJECTION, test } from '../clickhouse/sink-table.ts';

interface Column {
  readonly field: string;
  readonly expression?: string;
  readonly type: string;
  readonly says: RegExp | undefined;
}

const COLUMNS: readonly Column[] = [
  { field: 'DateTime64(3)', type: 'DateTime', says: /write toDateTime\(x\)/ },
  { field: 'DateTime64(3)', type: 'Nullable(Date)', says: /write toDate\(x\)/ },
  { field: 'Date32', type: 'Date', says: /write toDate\(x\)/ },
  { field: 'Int64', expression: 'fromUnixTimestamp64Milli(x)', type: 'DateTime', says: /is DateTime64\(3\)/ },
  { field: 'DateTime64(3)', expression: 'toDateTime(x)', type: 'DateTime', says: undefined },
  { field: 'DateTime64(3)', type: 'DateTime64(3)', says: undefined },
  { field: 'DateTime', type: 'DateTime64(3)', says: undefined },
  { field: 'Int64', type: 'UInt8', says: /write accurateCast\(x, 'UInt8'\)/ },
  { field: 'Int32', type: 'UInt64', says: /accurateCast/ },
  { field: 'UInt64', type: 'Int64', says: /accurateCast/ },
  { field: 'UInt32', type: 'Int64', says: undefined },
  { field: 'Nullable(Int32)', type: 'Nullable(Int64)', says: undefined },
  { field: 'String', expression: 'length(x)', type: 'UInt32', says: undefined },
];

describe('a column that is narrower than what is put into it', () => {
  test.for(COLUMNS)(
    '$field $expression into $type',
    async ({ expression = 'x', field, says, type }, { openTable }) => {
      const { deadline, mapping, questions } = await openTable({
        window: 100,
        fields: { x: field },
        columns: { x: expression },
        also: [`x ${type}`, PROJECTION],
      });
      const table = await describeTable(questions, mapping.target, deadline());
      const found = table ? await checkNarrowing(questions, mapping, table, deadline()) : [];
      expect(found.map(({ message }) => says?.test(message) ?? message)).toEqual(says ? [true] : []);
    },
  );
});
