import type { Command } from 'commander';
import { ddlRoots, findDdl } from '../initialise/ddl.ts';
import { initialise } from '../initialise/initialise.ts';
import type { InitStep } from '../initialise/step.ts';
import { listRecordedLetters } from '../replay/dead-letters/list-recorded.ts';
import { type CommonOptions, DEFAULT_CONFIG, pipelineCommand } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { packageRoot } from './package-root.ts';
import type { Terminal } from './terminal.ts';

interface InitOptions extends CommonOptions {
  readonly ddl?: string;
}

const INIT_TIME = 120_000;

export function registerInit(program: Command): void {
  pipelineCommand<InitOptions>(program, 'init', {
    summary: 'create what a pipeline needs and check what is there',
    description:
      'Creates the state table, the bucket, the ClickHouse table and the durable subscription where they are missing, and says what it found. Safe to run twice. Refuses a table that cannot hold the guarantees, and a topic that deletes unread messages, and says what to run.',
    examples: [
      ['pulsehouse init', 'for ./pipeline.yml'],
      ['pulsehouse init -c orders.yml --ddl orders.sql', 'the table from a DDL file of your own'],
    ],
    ending: { atOnce: 'What was created stays; init goes on where it was.' },
    run: async ({ options, sessions, terminal }) => {
      for (const session of sessions) {
        const { pipeline, settings, environment, log } = session;
        terminal.say(terminal.colour.bold(pipeline.name));
        await session.answers.all();
        const report = await initialise(
          pipeline,
          settings,
          { environment, log },
          {
            ddl: await findDdl(pipeline, ddlRoots(pipeline, process.cwd(), packageRoot()), options.ddl),
            deadline: environment.now() + INIT_TIME,
            tell: (step) => tell(terminal, step),
          },
        );
        const batches = await listRecordedLetters(session, environment.now() + INIT_TIME);
        if (batches > 0)
          terminal.say(`  listed   the dead letters of ${batches} batches of an earlier version`);
        terminal.answer(report);
      }
      const files = options.config.filter((file) => file !== DEFAULT_CONFIG);
      const run = ['pulsehouse run', ...files.map((file) => `--config ${file}`)].join(' ');
      terminal.say(
        `\n${terminal.colour.dim('next')}  ${run}   (or: pulsehouse consume, pulsehouse checkpoint)`,
      );
      return EXIT.ok;
    },
  }).option('--ddl <file>', 'SQL that makes the table where it is missing');
}

function tell(terminal: Terminal, { outcome, message, remedy }: InitStep): void {
  const { green, yellow, dim } = terminal.colour;
  const paint = { found: String, created: green, warning: yellow, note: dim }[outcome];
  terminal.say(`  ${paint(outcome.padEnd(8))} ${message}`);
  if (remedy !== undefined)
    terminal.say(`  ${''.padEnd(8)} ${dim(remedy.replaceAll('\n', `\n${' '.repeat(11)}`))}`);
}
