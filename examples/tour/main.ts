import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { externalServers } from '../../infra/local/external-servers.ts';
import { barProgress, plainProgress } from '../../infra/local/progress.ts';
import { DEFAULT_SERVERS, startStack } from '../../infra/local/stack.ts';
import { reportError } from '../../lib/cli/error-report.ts';
import { EXIT } from '../../lib/cli/exit-codes.ts';
import { createTerminal } from '../../lib/cli/terminal.ts';
import { runTour } from './tour.ts';

const MESSAGES = 100_000;

process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
const terminal = createTerminal(process.argv.includes('--json'));
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupt.abort(signal));

try {
  await tour();
} catch (error) {
  reportError(terminal, error, false);
  process.exitCode = interrupt.signal.aborted ? EXIT.interrupted : EXIT.failed;
}

async function tour(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pulsehouse-tour-'));
  const external = externalServers(process.env, {});
  const stack = await startStack({
    directory: join(folder, 'stack'),
    servers: DEFAULT_SERVERS.filter((name) => !external.names.includes(name)),
    progress: terminal.interactive ? barProgress(process.stderr) : plainProgress(terminal.remark),
    ephemeral: true,
    signal: interrupt.signal,
  });
  try {
    // A state table of its own: the tour drops it.
    const environment = {
      ...stack.environment,
      ...external.environment,
      PULSEHOUSE_STATE_TABLE: `pulsehouse-tour-${process.pid}`,
    };
    Object.assign(process.env, environment);
    const result = await runTour({
      environment,
      folder,
      terminal,
      signal: interrupt.signal,
      messages: MESSAGES,
    });
    terminal.answer(result);
    terminal.say(
      '\nEvery step ended as it must. docs/replay.md explains them; pulsehouse --help lists the commands.',
    );
  } finally {
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
