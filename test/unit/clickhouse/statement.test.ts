import { describe, expect, it } from 'vitest';
import {
  conditionHash,
  insertStatement,
  type Mapping,
  mappingHash,
  needsPublishTime,
  probeStatement,
} from '../../../lib/clickhouse/statement.ts';

const mapping: Mapping = {
  target: { database: 'db', table: 'od`d' },
  source: { format: 'json', fields: { name: 'String', "it's": 'Nullable(Int64)' } },
  columns: { title: 'upper(name)', count: "`it's` + 1" },
};

describe('the insert statement', () => {
  it('fills the position columns and each mapped column from the body, and refuses itself when late', () => {
    expect(insertStatement(mapping)).toBe(
      'INSERT INTO `db`.`od\\`d` (`_partition`, `_ledger`, `_entry`, `_index`, `_row`, `title`, `count`) ' +
        "SELECT {partition:UInt32}, _ledger, _entry, _index, 0, (upper(name)), (`it's` + 1) " +
        "FROM input('`_ledger` Int64, `_entry` Int64, `_index` UInt32, `name` String, `it\\'s` Nullable(Int64)') " +
        'WHERE throwIf(nowInBlock() >= fromUnixTimestamp({notAfter:UInt32}), ' +
        "'pulsehouse: this insert arrived after its time') = 0 FORMAT JSONEachRow",
    );
  });

  it('takes rows that meet the condition, which is part of the hash; without one both are what they were', () => {
    const where = { ...mapping, where: 'length(name) > 1 OR name = upper(name)' };
    expect(insertStatement(where)).toMatch(
      / = 0 AND \(length\(name\) > 1 OR name = upper\(name\)\) FORMAT JSONEachRow$/,
    );
    expect(mappingHash(where)).not.toBe(mappingHash(mapping));
    expect(mappingHash({ ...mapping, where: undefined })).toBe(mappingHash(mapping));
    expect(conditionHash(mapping)).toBeUndefined();
    expect(conditionHash(where)).not.toBe(conditionHash({ where: 'length(name) > 2' }));
    expect(needsPublishTime({ ...mapping, where: '_publish_time > 0' })).toBe(true);
  });

  it('reads the publish time only where an expression asks for it', () => {
    expect(needsPublishTime(mapping)).toBe(false);
    const asking = { ...mapping, columns: { at: 'fromUnixTimestamp64Milli(_publish_time)' } };
    expect(needsPublishTime(asking)).toBe(true);
    expect(insertStatement(asking)).toContain('`_index` UInt32, `_publish_time` Int64, `name` String');
  });

  it('probes the same expressions into nowhere, converted to the types of the table', () => {
    const types = {
      _partition: 'UInt32',
      _ledger: 'Int64',
      _entry: 'Int64',
      _index: 'UInt32',
      _row: 'UInt32',
      title: "Enum8('A' = 1)",
      count: 'UInt8',
    };
    const probe = probeStatement(mapping, types);
    expect(probe).toContain("INSERT INTO FUNCTION null('`_partition` UInt32,");
    expect(probe).toContain("`title` Enum8(\\'A\\' = 1), `count` UInt8') SELECT");
    expect(probe.slice(probe.indexOf('SELECT'))).toBe(
      insertStatement(mapping).slice(insertStatement(mapping).indexOf('SELECT')),
    );
  });

  it('has another hash with any other expression, field type, table or way to read empty strings', () => {
    const others: Mapping[] = [
      mapping,
      { ...mapping, columns: { ...mapping.columns, count: '1' } },
      {
        ...mapping,
        source: { format: 'json', fields: { ...mapping.source.fields, name: 'Nullable(String)' } },
      },
      { ...mapping, target: { database: 'db', table: 'other' } },
      { ...mapping, source: { ...mapping.source, emptyStrings: 'null' } },
    ];
    expect(new Set(others.map(mappingHash)).size).toBe(others.length);
    expect(mappingHash(structuredClone(mapping))).toBe(mappingHash(mapping));
  });
});
