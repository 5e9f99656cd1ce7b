import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../configuration/duration.ts';
import { endUnanswered } from './end-unanswered.ts';
import { reportError } from './error-report.ts';
import { type ExitCode, exitCodeOf } from './exit-codes.ts';
import { openSessions, type Session } from './session.ts';
import { type Ending, stopOnSignals } from './signals.ts';
import { createTerminal, type Terminal } from './terminal.ts';

/** What every command on a pipeline takes. */
export interface CommonOptions {
  readonly config: readonly string[];
  readonly json?: boolean;
  readonly logs: 'text' | 'json';
  readonly debug?: boolean;
  /** Milliseconds that a server may take for its first answer; not there for commands that ask none. */
  readonly answerWithin: number;
}

export interface CommandRun<Options extends CommonOptions> {
  readonly options: Options;
  readonly args: readonly string[];
  /** One for each `--config`, in order. */
  readonly sessions: readonly Session[];
  readonly terminal: Terminal;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly stop: AbortSignal;
}

/** What a command gets that asks no server. */
export type FileRun<Options extends CommonOptions> = Omit<CommandRun<Options>, 'sessions'>;

export interface CommandDefinition<Options extends CommonOptions, Run = CommandRun<Options>> {
  readonly summary: string;
  readonly description: string;
  readonly examples: readonly (readonly [command: string, meaning: string])[];
  /** How SIGINT and SIGTERM end it. @default in order */
  readonly ending?: Ending | ((options: Options) => Ending);
  readonly run: (run: Run) => Promise<ExitCode>;
}

export const DEFAULT_CONFIG = 'pipeline.yml';

/** A command that works on pipelines: the common options, the sessions, the errors and the exit code. */
export function pipelineCommand<Options extends CommonOptions>(
  program: Command,
  name: string,
  definition: CommandDefinition<Options>,
): Command {
  return fileCommand<Options>(program, name, {
    ...definition,
    async run(given) {
      const sessions = await openSessions(given.options, given.terminal, given.stop);
      const watch = endUnanswered(sessions, given.terminal, given.stop);
      try {
        return await definition.run({ ...given, sessions });
      } finally {
        await Promise.all(sessions.map((session) => session.close()));
        watch.dispose();
      }
    },
  }).addOption(ANSWER_WITHIN);
}

const ANSWER_WITHIN = new Option('--answer-within <time>', 'how long a server may take for its first answer')
  .argParser(someTime)
  .default(10_000, '10s');

/** A command that needs the pipeline files alone, and none of the variables that name servers. */
export function fileCommand<Options extends CommonOptions>(
  program: Command,
  name: string,
  definition: CommandDefinition<Options, FileRun<Options>>,
): Command {
  const command = program
    .command(name)
    .summary(definition.summary)
    .description(paragraphs(definition.description))
    .addOption(
      new Option('-c, --config <file...>', 'pipeline files')
        .env('PULSEHOUSE_CONFIG')
        .default([DEFAULT_CONFIG]),
    )
    .option('--json', 'answer in JSON on stdout, one line a pipeline')
    .addOption(new Option('--logs <format>', 'log lines on stderr').choices(['text', 'json']).default('text'))
    .option('--debug', 'more log lines, and stack traces')
    .addHelpText('after', examplesOf(definition));
  return command.action(async () => {
    const options = command.opts<Options>();
    process.exitCode = await runCommand(options, command.args, definition);
  });
}

async function runCommand<Options extends CommonOptions>(
  options: Options,
  args: readonly string[],
  definition: CommandDefinition<Options, FileRun<Options>>,
): Promise<ExitCode> {
  const terminal = createTerminal(options.json === true);
  const { ending = 'in order' } = definition;
  const stop = stopOnSignals(terminal, typeof ending === 'function' ? ending(options) : ending);
  try {
    return await definition.run({ options, args, terminal, stop: stop.signal });
  } catch (error) {
    reportError(terminal, error, options.debug === true);
    return exitCodeOf(error);
  } finally {
    stop.dispose();
  }
}

/** Lines end where the terminal ends, and not also where they do in the source; but those of a list, which are indented. */
function paragraphs(text: string): string {
  return text.replaceAll(/(?<!\n)\n(?![\n ])/g, ' ');
}

function examplesOf({
  examples,
}: {
  readonly examples: CommandDefinition<CommonOptions>['examples'];
}): string {
  const width = Math.max(0, ...examples.map(([command]) => command.length));
  const lines = examples.map(([command, meaning]) => `  ${command.padEnd(width)}  ${meaning}`);
  return `\nExamples:\n${lines.join('\n')}`;
}

function someTime(text: string): number {
  const milliseconds = parseDuration(text);
  if (!milliseconds) throw new InvalidArgumentError('a time is needed, for example 30s or 2m.');
  return milliseconds;
}

export function integer(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a whole number is needed.');
  return Number(text);
}

export function atLeastOne(text: string): number {
  const number = integer(text);
  if (number === 0) throw new InvalidArgumentError('a whole number from 1 up is needed.');
  return number;
}

export function collectIntegers(text: string, earlier: readonly number[] = []): readonly number[] {
  return [...earlier, integer(text)];
}
