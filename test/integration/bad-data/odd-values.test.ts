import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { ServerError } from '../../../lib/clickhouse/server-error.ts';
import { ClickHouseSink } from '../../../lib/clickhouse/sink.ts';
import type { EmptyStrings } from '../../../lib/pipeline/pipeline.ts';
import type { BatchBody } from '../../../lib/ports/sink.ts';
import { entryOf } from '../../contract/sink/messages.ts';
import { PROJECTION, type SinkTable, type SinkTableOptions, test } from '../clickhouse/sink-table.ts';
import { EMPTY_STRING_TYPES, NUMBERS, type OddTable, type OddValue, OTHERS, TIMES } from './odd-values.ts';

/*
 * The tables of docs/configuration.md, "What odd values become", are what the server makes of each value. Written anew by
 *     ODD_VALUES=write npx vitest run --project integration odd-values
 */

const DOCUMENTATION = join(import.meta.dirname, '../../../docs/configuration.md');
const isWriting = process.env['ODD_VALUES'] === 'write';

type OpenTable = (options: SinkTableOptions) => Promise<SinkTable>;

/** What is stored of each value in a field of the type that is mapped to a column of the same type. */
async function storedOf(
  openTable: OpenTable,
  type: string,
  values: readonly OddValue[],
  emptyStrings: EmptyStrings = 'deadLetter',
): Promise<readonly string[]> {
  const table = await openTable({
    window: 1_000,
    also: [PROJECTION, `x ${type}`],
    fields: { x: type },
    columns: { x: 'x' },
  });
  const { source } = table.mapping;
  const mapping = { ...table.mapping, source: { ...source, emptyStrings } };
  const sink = new ClickHouseSink(mapping, table.server, { now: () => Date.now() });
  const cells: string[] = [];
  for (const [entry, { json }] of values.entries()) {
    const body = sink.newBody(0);
    body.add(entryOf(1, entry, [json === undefined ? '{"y":1}' : `{"x":${json}}`]));
    cells.push(body.bad.length > 0 ? 'dead letter' : await sent(table, sink, body, entry));
  }
  return cells;
}

async function sent(
  { name, query, uniqueId, deadline }: SinkTable,
  sink: ClickHouseSink,
  body: BatchBody,
  entry: number,
): Promise<string> {
  const notAfter = Date.now() + 30_000;
  const send = { body, token: uniqueId(), queryId: uniqueId(), notAfter, deadline: deadline() };
  const outcome = await sink.insert(send);
  if (outcome.kind === 'stored') {
    const found = await query(
      `SELECT if(isNull(x), 'NULL', toString(x)) FROM ${name} WHERE _entry = ${entry} FORMAT JSONCompactEachRow`,
    );
    const [text] = JSON.parse(found) as [string];
    return code(text);
  }
  // Nothing else may have kept it from being stored.
  expect(outcome.error.cause).toBeInstanceOf(ServerError);
  return 'dead letter';
}

function code(text: string): string {
  if (text === '') return 'empty';
  const shown = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll('\ufffd', '\\ufffd');
  return `\`${shown}\``;
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

async function tableOf(openTable: OpenTable, { types, values }: OddTable): Promise<string> {
  const columns: (readonly string[])[] = [];
  for (const type of types) columns.push(await storedOf(openTable, type, values));
  const rows = values.map(({ json, called }, row) => [
    called ?? `\`${json}\``,
    ...columns.map((cells) => cells[row] ?? ''),
  ]);
  return markdown(['value', ...types.map((type) => `\`${type}\``)], rows);
}

/** Compares the part of the documentation between two marks with what was found, or writes it there. */
async function expectDocumented(mark: string, found: string): Promise<void> {
  const text = await readFile(DOCUMENTATION, 'utf8');
  const [begin, end] = [`<!-- ${mark}: begin -->\n`, `\n<!-- ${mark}: end -->`];
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  expect([text.includes(begin), text.includes(end)]).toEqual([true, true]);
  if (isWriting) await writeFile(DOCUMENTATION, text.slice(0, from) + found + text.slice(to));
  else expect(text.slice(from, to)).toBe(found);
}

describe('what odd values become is as docs/configuration.md says', () => {
  test.for([
    ['numbers', NUMBERS],
    ['times', TIMES],
    ['others', OTHERS],
  ] as const)('%s', async ([mark, values], { openTable }) => {
    await expectDocumented(mark, await tableOf(openTable, values));
  });

  test('empty strings, by source.emptyStrings', async ({ openTable }) => {
    const modes = ['deadLetter', 'null', 'default'] as const;
    const rows: (readonly string[])[] = [];
    for (const type of EMPTY_STRING_TYPES) {
      const json = type.startsWith('Array') ? '[""]' : '""';
      const cells: string[] = [];
      for (const mode of modes) cells.push(...(await storedOf(openTable, type, [{ json }], mode)));
      rows.push([`\`${json}\` in \`${type}\``, ...cells]);
    }
    await expectDocumented('empty strings', markdown(['value', ...modes.map((mode) => `\`${mode}\``)], rows));
  });
});
