import type { Command } from 'commander';
import { binaryStatement, unitedStatement } from '../clickhouse/binary-insert.ts';
import { INSERT_SETTINGS } from '../clickhouse/insert-settings.ts';
import { type RowFormat, rowFormatOf } from '../clickhouse/row-format.ts';
import { inputStructure, insertStatement, mappingHash } from '../clickhouse/statement.ts';
import { loadPipelines } from '../configuration/load.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { LogFields } from '../ports/log.ts';
import { type CommonOptions, fileCommand } from './command.ts';
import { EXIT } from './exit-codes.ts';

export function registerExplain(program: Command): void {
  fileCommand<CommonOptions>(program, 'explain', {
    summary: 'the exact SQL and settings an insert uses',
    description: 'Prints what ClickHouse is sent for every batch. Asks no server, and needs none named.',
    examples: [['pulsehouse explain', 'for ./pipeline.yml']],
    run: async ({ options, terminal }) => {
      const { pipelines } = await loadPipelines(options.config);
      for (const pipeline of pipelines) {
        const statement = insertStatement(pipeline);
        const token = { insert_deduplication_token: '<batch identity>#<attempt>' };
        const settings = { ...INSERT_SETTINGS, additional_table_filters: '{}', ...token };
        const mapping = mappingHash(pipeline);
        const format = rowFormatOf(pipeline);
        terminal.answer({
          pipeline: pipeline.name,
          mapping,
          statement,
          settings,
          input: inputStructure(pipeline),
          ...answerOf(pipeline, format),
        });
        const { bold, dim } = terminal.colour;
        terminal.say(`${bold(pipeline.name)}  ${dim(`mapping ${mapping}`)}\n\n${broken(statement)}\n`);
        terminal.say(`${saidOf(pipeline, format)}\n`);
        for (const [name, value] of Object.entries(settings)) terminal.say(`  ${dim(name)} = ${value}`);
        terminal.say(
          `\n{partition} is the partition's number, {notAfter} the second after which the statement stores nothing.\nA batch is cut at ${pipeline.batch.maxRows} rows, ${pipeline.batch.maxBytes} bytes or ${pipeline.batch.maxWait} ms.`,
        );
      }
      return EXIT.ok;
    },
  });
}

function answerOf(pipeline: Pipeline, format: RowFormat): LogFields {
  if (format.name === 'JSONEachRow') return { format: format.name, reason: format.reason };
  const { name, structure } = format;
  return {
    format: name,
    binaryStatement: binaryStatement(pipeline, structure),
    unitedStatement: unitedStatement(pipeline, structure, ROWS),
  };
}

/** In place of what differs from batch to batch. */
const ROWS = "'<rows>'";

function saidOf(pipeline: Pipeline, format: RowFormat): string {
  if (format.name === 'JSONEachRow') return `All rows are sent so, and none as RowBinary: ${format.reason}.`;
  return `So are sent: batches again, trials, and all with CLICKHOUSE_ROW_FORMAT=JSONEachRow. A batch is first sent as RowBinary, by

${broken(binaryStatement(pipeline, format.structure))}

or, where some of its messages are not written as they usually are (up to a fifth), by

${broken(unitedStatement(pipeline, format.structure, ROWS))}`;
}

/** Clauses on lines of their own. */
function broken(statement: string): string {
  return statement.replaceAll(/ (SELECT|FROM input|FROM format|UNION ALL|WHERE|FORMAT) ?/g, '\n$1 ');
}
