import type { Command } from 'commander';
import { openServer } from '../assembly/servers.ts';
import { listViewLacks, type RefillRequest, refillViews, type ViewLack } from '../replay/refill-views.ts';
import { atLeastOne, type CommonOptions, pipelineCommand } from './command.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { count, plural } from './format.ts';
import { onlySession, type Session } from './session.ts';
import { type Terminal, table } from './terminal.ts';

interface ViewsOptions extends CommonOptions {
  readonly view?: string;
  readonly unchecked?: boolean;
  readonly yes?: boolean;
  readonly timeout: number;
}

export function registerViews(program: Command): void {
  const views = program.command('views').summary('what materialized views of the table lack');
  pipelineCommand<ViewsOptions>(views, 'list', {
    summary: 'ranges of the table that views lack, or may lack',
    description: `A materialized view that fails lacks the whole block, and so may every other view of the table; the table itself has its
rows. What views lack is kept with each partition until it is refilled. After an insert that nobody saw end it is not
known: then views may be whole. Reads only. Exit code 3 when a view lacks something, or may.`,
    examples: [['pulsehouse views list', 'before a view is mended, and after']],
    run: ({ options, sessions, terminal }) =>
      withViews(onlySession(sessions), (dependencies) => list(dependencies, options, terminal)),
  })
    .option('--view <database.view>', 'this view alone')
    .option('--timeout <seconds>', 'give up after so long', atLeastOne, 600);
  pipelineCommand<ViewsOptions>(views, 'refill', {
    summary: 'give views the rows they lack',
    description: `Runs a view's own query over the ranges of the table that it lacks, and inserts the result into it. Where the view has the
position columns (_partition, _ledger, _entry, _index, _row), only rows that it does not have are inserted; any other is
left alone without --unchecked. The user needs SELECT and INSERT on the view and what it fills. A partition stores nothing
while its ranges are refilled; pause the pipeline first where its consumers follow. Without --yes only the plan is printed.`,
    examples: [
      ['pulsehouse views refill', 'what it would insert'],
      ['pulsehouse views refill --view iot.hourly --unchecked --yes', 'a view that keeps no positions'],
    ],
    run: ({ options, sessions, terminal }) =>
      withViews(onlySession(sessions), (dependencies) =>
        options.yes ? refill(dependencies, options, terminal) : list(dependencies, options, terminal),
      ),
  })
    .option('--view <database.view>', 'this view alone')
    .option('--unchecked', 'views without position columns too: of a range, all rows are inserted')
    .option('--yes', 'act; without it only the plan is printed')
    .option('--timeout <seconds>', 'give up after so long', atLeastOne, 600);
}

type Dependencies = Session & Parameters<typeof listViewLacks>[0];

async function withViews<T>(session: Session, work: (dependencies: Dependencies) => Promise<T>): Promise<T> {
  const { settings, pipeline, environment, answers } = session;
  await answers.of('ClickHouse');
  const server = await openServer(settings, pipeline);
  try {
    const { Questions } = await import('../clickhouse/questions.ts');
    const { viewTables } = await import('../clickhouse/view-tables.ts');
    const questions = new Questions(server, pipeline.target, () => environment.now());
    return await work({ ...session, views: viewTables(questions, pipeline) });
  } finally {
    await server.close();
  }
}

async function list(
  dependencies: Dependencies,
  options: ViewsOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const deadline = dependencies.environment.now() + options.timeout * 1000;
  const lacks = await listViewLacks(dependencies, requestOf(options), deadline);
  terminal.answer({ pipeline: dependencies.pipeline.name, dryRun: true, lacks });
  show(terminal, lacks);
  if (lacks.length === 0) terminal.say('No view is known to lack anything');
  else
    terminal.say(
      `\n${terminal.colour.dim('next')}  pulsehouse views refill --yes, once the views are mended`,
    );
  return lacks.length === 0 ? EXIT.ok : EXIT.notExact;
}

async function refill(
  dependencies: Dependencies,
  options: ViewsOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const { environment, owner, pipeline } = dependencies;
  const deadline = environment.now() + options.timeout * 1000;
  const filled = await refillViews(dependencies, requestOf(options), { owner, deadline });
  const left = await listViewLacks(dependencies, requestOf(options), deadline);
  terminal.answer({ pipeline: pipeline.name, dryRun: false, filled, lacks: left });
  const rows = filled.reduce((sum, lack) => sum + (lack.missing ?? lack.rows ?? 0), 0);
  terminal.say(`${plural(filled.length, 'range')} filled, ${plural(rows, 'row')} inserted`);
  show(terminal, left);
  return left.length === 0 ? EXIT.ok : EXIT.notExact;
}

function requestOf({ view, unchecked = false }: ViewsOptions): RefillRequest {
  return { view, unchecked };
}

function show(terminal: Terminal, lacks: readonly ViewLack[]): void {
  if (lacks.length === 0) return;
  const known = (value: number | undefined) => (value === undefined ? 'unknown' : count(value));
  terminal.say(
    table(
      terminal.colour,
      ['view', 'partition', 'range', 'how', 'rows', 'missing', ''],
      lacks.map(({ view, partition, after, to, answered, rows, missing, leftAlone }) => [
        view,
        String(partition),
        `(${after}, ${to}]`,
        answered ? 'failed' : 'unknown',
        known(rows),
        known(missing),
        leftAlone ?? '',
      ]),
    ),
  );
}
