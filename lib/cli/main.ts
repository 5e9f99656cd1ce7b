import { Command, CommanderError } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { EXIT } from './exit-codes.ts';

type Register = (program: Command) => void;

/** In the order of the help. Only the named command's modules are loaded, so that a function process starts fast. */
const COMMANDS: readonly (readonly [name: string, load: () => Promise<Register>])[] = [
  ['init', async () => (await import('./init.ts')).registerInit],
  ['consume', async () => (await import('./consume.ts')).registerConsume],
  ['checkpoint', async () => (await import('./checkpoint.ts')).registerCheckpoint],
  ['run', async () => (await import('./run.ts')).registerRun],
  ['status', async () => (await import('./status.ts')).registerStatus],
  ['audit', async () => (await import('./audit.ts')).registerAudit],
  ['replay', async () => (await import('./replay.ts')).registerReplay],
  ['restore', async () => (await import('./restore.ts')).registerRestore],
  ['pause', async () => (await import('./pause.ts')).registerPause],
  ['resume', async () => (await import('./pause.ts')).registerResume],
  ['offsets', async () => (await import('./offsets.ts')).registerOffsets],
  ['dead-letters', async () => (await import('./dead-letters.ts')).registerDeadLetters],
  ['views', async () => (await import('./views.ts')).registerViews],
  ['redrive', async () => (await import('./redrive.ts')).registerRedrive],
  ['doctor', async () => (await import('./doctor.ts')).registerDoctor],
  ['check', async () => (await import('./check.ts')).registerCheck],
  ['explain', async () => (await import('./explain.ts')).registerExplain],
  ['stack', async () => (await import('./stack/stack.ts')).registerStack],
  ['completion', async () => (await import('./completion/completion.ts')).registerCompletion],
];

const EXIT_CODES = `
Exit codes:
  0    done; where something was compared: exact
  1    failed; the error says why and what to do
  2    a wrong option, or a pipeline.yml that cannot be accepted
  3    compared, and not exact
  4    a partition, of the pipeline or of a replay, is halted and waits for a person
  5    a partition makes no progress: try after try fails, and there is something to store
  130  stopped by a signal before the work was done; the next run goes on

Servers are named by the environment: PULSAR_SERVICE_URL, CLICKHOUSE_URL, PULSEHOUSE_STATE_TABLE, PULSEHOUSE_BUCKET and
others. \`eval "$(pulsehouse stack env)"\` sets them for the local stack.`;

// Node's version is package.json's business; the SDK's own warning would stand in every answer.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

const program = new Command('pulsehouse')
  .description('Apache Pulsar into ClickHouse, exactly once.')
  .version(packageJson.version)
  .addHelpText('after', EXIT_CODES)
  .showHelpAfterError('(--help shows the options and examples)')
  .exitOverride();

// Completion is of all of them.
const [, , first] = process.argv;
const wanted = first === 'completion' ? [] : COMMANDS.filter(([name]) => name === first);
for (const [, load] of wanted.length > 0 ? wanted : COMMANDS) (await load())(program);

// A reader that went away (`| head`) is no failure of ours, and no reason to leave work half done.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
}
