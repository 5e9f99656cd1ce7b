import { afterAll, inject } from 'vitest';
import { openSinkTable, type SinkTable } from '../../integration/clickhouse/sink-table.ts';
import { sinkContract } from './contract.ts';

const DATABASE = `sink_contract_${process.pid}`;
const opened: SinkTable[] = [];

sinkContract('ClickHouse', async (window) => {
  const table = await openSinkTable(inject('stack'), DATABASE, { window });
  opened.push(table);
  return table;
});

afterAll(async () => {
  await opened[0]?.query(`DROP DATABASE IF EXISTS ${DATABASE}`);
  await Promise.all(opened.map(({ sink }) => sink.close()));
});
