import { type Command, Option } from 'commander';
import { PulsehouseError } from '../pipeline/errors.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { ReplayRecord } from '../pipeline/replay.ts';
import { parseBound } from '../replay/replay/bound.ts';
import { cancelReplay } from '../replay/replay/cancel.ts';
import { resumeReplay } from '../replay/replay/halts.ts';
import { planReplay, type ReplayRequest } from '../replay/replay/plan.ts';
import { findReplay, startReplay } from '../replay/replay/replay.ts';
import { atLeastOne, type CommonOptions, collectIntegers, pipelineCommand } from './command.ts';
import { EXIT, type ExitCode, worstOf } from './exit-codes.ts';
import { startProgress } from './progress.ts';
import { showPlan, verdictOf } from './replay-plan.ts';
import { runReplay } from './replay-run.ts';
import { requestedBy } from './requested-by.ts';
import type { Session } from './session.ts';
import type { Terminal } from './terminal.ts';

export interface ReplayOptions extends CommonOptions {
  readonly from: string;
  readonly to: string;
  readonly partition?: readonly number[];
  readonly mode?: 'verify' | 'repair' | 'replace';
  readonly into?: string;
  readonly yes?: boolean;
  readonly detach?: boolean;
  readonly continue?: string;
  readonly cancel?: string;
  readonly timeout: number;
}

export function registerReplay(program: Command): void {
  pipelineCommand<ReplayOptions>(program, 'replay', {
    summary: 'read a range again: verify, repair, replace, or into another table',
    description: `Reads a range of the topic again and compares it with the table. By default nothing is changed: the plan and the
comparison are printed. With --yes it acts, and goes on where it was cut off if it is.

  verify   say what is missing or doubled (the default)
  repair   insert what is missing, and only that
  replace  delete the rows of the range and write them again (the pipeline must be paused)
  --into   write the range into another table of the same columns

An end of the range is a checkpoint number (12), a position (34:567, with --partition), an ISO date or time, publish
time in milliseconds, "origin" or "committed". From a checkpoint means after it; times are rounded out to whole batches.`,
    examples: [
      ['pulsehouse replay --from 12 --to 15', 'compare what was committed between two checkpoints'],
      ['pulsehouse replay --mode repair', 'what a repair of everything would do'],
      ['pulsehouse replay --mode repair --yes', 'insert what is missing'],
      ['pulsehouse replay --from 2026-11-01 --into benchmark.copy --yes', 'into another table'],
      ['pulsehouse replay --mode repair --yes --detach', 'write it down and leave it to the schedule'],
      ['pulsehouse replay --continue 20261122T174512-1a2b3c4d', 'go on with one that was cut off'],
    ],
    run: async ({ options, sessions, terminal, stop }) => {
      const codes: ExitCode[] = [];
      for (const session of sessions) codes.push(await replayOne(session, options, terminal, stop));
      return worstOf(codes);
    },
  })
    .option('--from <end>', 'where the range begins', 'origin')
    .option('--to <end>', 'where the range ends', 'committed')
    .option('-p, --partition <n...>', 'only these partitions', collectIntegers)
    .addOption(new Option('--mode <mode>', 'what to do').choices(['verify', 'repair', 'replace']))
    .addOption(new Option('--into <database.table>', 'write into this table').conflicts('mode'))
    .option('--yes', 'act; without it only the plan is printed')
    .option('--detach', 'with --yes: leave the work to `pulsehouse run` or the deployed schedule')
    .option('--continue <id>', 'go on with a replay that was begun, or that halted')
    .option('--cancel <id>', 'give a replay up; what it inserted stays')
    .option('--timeout <seconds>', 'stop in order after so long', atLeastOne, 24 * 3600);
}

async function replayOne(
  session: Session,
  options: ReplayOptions,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<ExitCode> {
  const deadline = session.environment.now() + options.timeout * 1000;
  if (options.cancel !== undefined) return cancel(session, options.cancel, terminal, deadline);
  if (options.continue !== undefined) {
    const record = await findReplay(session, options.continue, deadline);
    for (const { partition, halted } of await resumeReplay(session, record, {
      by: requestedBy(),
      deadline,
    })) {
      terminal.remark(
        `Partition ${partition} of the replay was halted by ${halted?.code} and is tried again`,
      );
    }
    return runReplay(session, record, terminal, { stop, deadline });
  }
  const request = requestOf(session.pipeline, options);
  const target = await session.openTarget(request.target);
  let record: ReplayRecord | undefined;
  try {
    const progress = startProgress(terminal, 'rows compared', undefined);
    const watch = { deadline, stop, onProgress: (_: number, rows: number) => progress.add(rows) };
    const plan = await planReplay(session, request, target, watch).finally(() => progress.end());
    if (stop.aborted) return EXIT.interrupted;
    const nothingToDo = plan.ranges.every(({ leftOut }) => leftOut !== undefined);
    if (!options.yes || request.mode === 'verify' || nothingToDo) {
      showPlan(terminal, session.pipeline, plan, { willAct: false });
      return verdictOf(plan);
    }
    showPlan(terminal, session.pipeline, plan, { willAct: true });
    record = await startReplay(session, plan, requestedBy(), deadline);
  } finally {
    await target.close();
  }
  if (!options.detach) return runReplay(session, record, terminal, { stop, deadline });
  terminal.answer({ replay: record.id, status: record.status });
  terminal.say(`Replay ${record.id} is left to the schedule; pulsehouse status shows how far it is`);
  return EXIT.ok;
}

async function cancel(session: Session, id: string, terminal: Terminal, deadline: number): Promise<ExitCode> {
  const record = await findReplay(session, id, deadline);
  const target = await session.openTarget(record.target);
  try {
    const stands = await cancelReplay(session, record, target, { owner: session.owner, deadline });
    terminal.answer(stands);
    terminal.say(`Replay ${id} is ${stands.status}`);
    return EXIT.ok;
  } finally {
    await target.close();
  }
}

/** @throws PulsehouseError PH_RANGE_INVALID */
function requestOf(pipeline: Pipeline, options: ReplayOptions): ReplayRequest {
  return {
    mode: options.into === undefined ? (options.mode ?? 'verify') : 'into',
    from: parseBound(options.from),
    to: parseBound(options.to),
    partitions: options.partition,
    target: options.into === undefined ? pipeline.target : parseTable(options.into, pipeline),
  };
}

function parseTable(text: string, pipeline: Pipeline): Pipeline['target'] {
  const [, database = pipeline.target.database, table] = /^(?:([^.]+)\.)?([^.]+)$/.exec(text) ?? [];
  if (table !== undefined) return { database, table };
  throw new PulsehouseError('PH_RANGE_INVALID', `"${text}" is not a table`, {
    nextStep: 'Write --into database.table.',
  });
}
