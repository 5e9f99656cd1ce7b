import { askedServers } from '../assembly/answers/asked-servers.ts';
import { type AnswerTerms, FirstAnswers } from '../assembly/answers/first-answers.ts';
import { gated } from '../assembly/answers/gate.ts';
import { withCallDeadlines } from '../assembly/call-deadlines.ts';
import { type Connections, connect } from '../assembly/connections.ts';
import { systemEnvironment } from '../assembly/environment.ts';
import { createLog } from '../assembly/log.ts';
import { processName } from '../assembly/process-identity.ts';
import { openTransport } from '../assembly/servers.ts';
import { readSettings, type Settings } from '../assembly/settings.ts';
import { loadPipelines } from '../configuration/load.ts';
import { formatProblem } from '../configuration/problem.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Environment } from '../ports/environment.ts';
import type { Log } from '../ports/log.ts';
import type { Transport } from '../ports/transport.ts';
import { createConsoleLog, logLevel } from './console-log.ts';
import { SharedSink } from './shared-sink.ts';
import { Starts } from './starts.ts';
import type { Terminal } from './terminal.ts';

/** One pipeline and its ports for the time of one command. */
export interface Session extends Connections {
  readonly pipeline: Pipeline;
  readonly settings: Settings;
  readonly environment: Environment;
  readonly log: Log;
  /** Unique for this process. */
  readonly owner: string;
  /** Every port waits for it; what asks a server by itself has to. */
  readonly answers: FirstAnswers;
  /** Of the whole process. */
  readonly starts: Starts;
  /** A transport of its own, with its own connections; whoever asks closes it. */
  newTransport(): Promise<Transport>;
  /** The sink for work of a process that goes on after a failure. */
  readonly sinks: SharedSink;
  /** The same mapping into another table; whoever asks closes it. */
  openTarget(target: Pipeline['target']): Promise<Connections<'sink' | 'table'>>;
  /** Numbers of the partitions that have a state. @throws PulsehouseError PH_STATE_MISSING */
  knownPartitions(): Promise<readonly number[]>;
}

export interface SessionOptions {
  readonly config: readonly string[];
  readonly logs: 'text' | 'json';
  readonly debug?: boolean;
  /** Milliseconds that a server may take for its first answer. */
  readonly answerWithin: number;
}

const QUESTION_TIME = 15_000;

/** Nothing is sent before a command asks. @throws PulsehouseError PH_CONFIG_INVALID, PH_SETTINGS_INVALID */
export async function openSessions(
  options: SessionOptions,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<readonly Session[]> {
  const { pipelines, warnings } = await loadPipelines(options.config);
  for (const warning of warnings) terminal.remark(terminal.remarkColour.yellow(formatProblem(warning)));
  const settings = readSettings(process.env);
  const level = options.debug ? 'debug' : logLevel(process.env['LOG_LEVEL'] || 'info');
  const log =
    options.logs === 'json'
      ? createLog(options.debug ? 'DEBUG' : undefined)
      : createConsoleLog(terminal, level);
  const shared = { limit: options.answerWithin, stop, starts: new Starts(systemEnvironment) };
  return Promise.all(
    pipelines.map((pipeline) => {
      const own = pipelines.length > 1 ? log.with({ pipeline: pipeline.name }) : log;
      return openSession(pipeline, settings, own, shared);
    }),
  );
}

async function openSession(
  pipeline: Pipeline,
  settings: Settings,
  log: Log,
  { starts, ...patience }: Pick<AnswerTerms, 'limit' | 'stop'> & Pick<Session, 'starts'>,
): Promise<Session> {
  const environment = systemEnvironment;
  const around = { environment, log };
  const ports = await connect(pipeline, settings, around);
  const servers = askedServers(pipeline, settings, ports, around);
  const answers = new FirstAnswers(servers, { ...patience, environment });
  const connections = gated(withCallDeadlines(ports, environment), answers);
  const sinks = new SharedSink(async () => {
    const opened = await connect(pipeline, settings, around, ['sink']);
    return gated(withCallDeadlines(opened, environment), answers).sink;
  });
  return {
    ...connections,
    ...around,
    async close() {
      await Promise.all([connections.close(), sinks.close()]);
    },
    pipeline,
    settings,
    answers,
    starts,
    owner: `${processName()}/${environment.uniqueId()}`,
    async newTransport() {
      const transport = await openTransport(settings, around, pipeline);
      return gated({ transport }, answers).transport;
    },
    sinks,
    async openTarget(target) {
      const opened = await connect({ ...pipeline, target }, settings, around, ['sink', 'table']);
      return gated(withCallDeadlines(opened, environment), answers);
    },
    async knownPartitions() {
      const deadline = environment.now() + QUESTION_TIME;
      const cycle = await connections.state.readCycle(pipeline.name, deadline);
      if (cycle) return Array.from({ length: cycle.partitions }, (_, partition) => partition);
      throw new PulsehouseError('PH_STATE_MISSING', `pipeline ${pipeline.name} was never initialised`, {
        where: { pipeline: pipeline.name },
      });
    },
  };
}

/** @throws PulsehouseError PH_RANGE_INVALID: a command for one pipeline was given several. */
export function onlySession(sessions: readonly Session[]): Session {
  const [session, ...others] = sessions;
  if (session && others.length === 0) return session;
  throw new PulsehouseError('PH_RANGE_INVALID', 'this command is for one pipeline at a time', {
    nextStep: 'Give one --config.',
  });
}
