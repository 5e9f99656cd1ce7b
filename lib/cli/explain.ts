import type { Command } from 'commander';
import { INSERT_SETTINGS } from '../clickhouse/insert-settings.ts';
import { inputStructure, insertStatement, mappingHash } from '../clickhouse/statement.ts';
import { loadPipelines } from '../configuration/load.ts';
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
        terminal.answer({
          pipeline: pipeline.name,
          mapping,
          statement,
          settings,
          input: inputStructure(pipeline),
        });
        const { bold, dim } = terminal.colour;
        terminal.say(`${bold(pipeline.name)}  ${dim(`mapping ${mapping}`)}\n\n${broken(statement)}\n`);
        for (const [name, value] of Object.entries(settings)) terminal.say(`  ${dim(name)} = ${value}`);
        terminal.say(
          `\n{partition} is the partition's number, {notAfter} the second after which the statement stores nothing.\nA batch is cut at ${pipeline.batch.maxRows} rows, ${pipeline.batch.maxBytes} bytes or ${pipeline.batch.maxWait} ms.`,
        );
      }
      return EXIT.ok;
    },
  });
}

/** Clauses on lines of their own. */
function broken(statement: string): string {
  return statement.replaceAll(/ (SELECT|FROM input|WHERE|FORMAT) ?/g, '\n$1 ');
}
