import { isPulsehouseError } from '../pipeline/errors.ts';
import { partitionsOf, type ReplayRecord } from '../pipeline/replay.ts';
import { nextStepOf } from '../replay/replay/halts.ts';
import { compareRanges } from '../replay/replay/plan.ts';
import { planRedrive } from '../replay/replay/redrive.ts';
import { advanceReplay, type ReplayProgress } from '../replay/replay/replay.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { count, duration, plural } from './format.ts';
import { startProgress } from './progress.ts';
import type { Session } from './session.ts';
import type { Terminal } from './terminal.ts';

/** One turn's time: between turns the lease is given back and progress is told. */
const TURN = 30_000;
const LOOK_AGAIN = 500;
/** So many turns in a row may fail by what passes: a server restarting, a deadline met while settling. */
const MOST_FAILURES = 10;

interface RunTerms {
  readonly stop: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
}

/** Carries a replay on to its end, then compares the range once more: the result is what stands, not what was done. */
export async function runReplay(
  session: Session,
  record: ReplayRecord,
  terminal: Terminal,
  terms: RunTerms,
): Promise<ExitCode> {
  const { environment } = session;
  const begun = environment.now();
  const target = await session.openTarget(record.target);
  const progress = startProgress(terminal, 'messages', undefined);
  try {
    terminal.remark(`Replay ${record.id} (${record.mode}); cut off, it goes on with --continue ${record.id}`);
    const ended = await untilDone(session, record, target, terms, progress.add);
    progress.end();
    const halted = ended.partitions.flatMap(({ partition, halt }) =>
      halt ? [{ partition, ...halt, nextStep: nextStepOf(halt, record.id) }] : [],
    );
    if (halted.length > 0) {
      terminal.answer({ replay: record.id, status: 'halted', halted });
      for (const { partition, reason, nextStep } of halted) {
        terminal.complain(`Partition ${partition} of the replay halted: ${reason}\n  next  ${nextStep}`);
      }
      return EXIT.halted;
    }
    if (!ended.done) {
      terminal.answer({ replay: record.id, status: 'running' });
      terminal.say(`Stopped in order; pulsehouse replay --continue ${record.id} goes on`);
      return EXIT.interrupted;
    }
    return await conclude(session, ended.record, target, terminal, {
      deadline: terms.deadline,
      took: environment.now() - begun,
    });
  } finally {
    progress.end();
    await target.close();
  }
}

type Target = Awaited<ReturnType<Session['openTarget']>>;

async function untilDone(
  session: Session,
  record: ReplayRecord,
  target: Target,
  { stop, deadline }: RunTerms,
  onMessages: (messages: number) => void,
): Promise<ReplayProgress> {
  const { environment, owner, log } = session;
  let told = false;
  let failures = 0;
  for (;;) {
    const turn = {
      owner,
      deadline: Math.min(deadline, environment.now() + TURN),
      stop,
      onProgress: (_: number, result: { readonly messages: number }) => onMessages(result.messages),
    };
    const progress = await advanceReplay(session, record, target, turn).catch((error: unknown) => {
      failures += 1;
      const passes = isPulsehouseError(error) && error.kind !== 'terminal';
      if (!passes || failures >= MOST_FAILURES || stop.aborted) throw error;
      log.warn(`${error.message}; the replay goes on`, { code: error.code });
      return undefined;
    });
    if (!progress) {
      await environment.sleep(LOOK_AGAIN, stop);
      continue;
    }
    failures = 0;
    const outcomes = progress.partitions.map(({ outcome }) => outcome);
    const over = progress.done || stop.aborted || environment.now() >= deadline;
    if (over || outcomes.includes('halted')) return progress;
    if (!outcomes.includes('busy')) continue;
    if (!told) log.info('A partition is held by another run of this replay; waiting for its lease');
    told = true;
    await environment.sleep(LOOK_AGAIN, stop);
  }
}

async function conclude(
  session: Session,
  record: ReplayRecord,
  target: Target,
  terminal: Terminal,
  { deadline, took }: { readonly deadline: number; readonly took: number },
): Promise<ExitCode> {
  const { id, status, mode } = record;
  if (status === 'cancelled') {
    terminal.answer({ replay: id, status });
    terminal.complain(`Replay ${id} was cancelled: nothing goes on with it. Begin a new one.`);
    return EXIT.failed;
  }
  if (mode === 'redrive') {
    const deadLetters = await deadLettersLeft(session, record, deadline);
    terminal.answer({ replay: id, status, deadLetters });
    terminal.say(
      `Replay ${id} is complete after ${duration(took)}; ${plural(deadLetters, 'dead letter')} left`,
    );
    return EXIT.ok;
  }
  const { messages, missing, doubled, foreign } = await compareRanges(session, record, target, { deadline });
  const surplus = doubled + foreign;
  const exact = missing + surplus === 0;
  terminal.answer({
    replay: id,
    mode,
    status,
    exact,
    messages,
    missing,
    surplus,
  });
  const { green, red, bold } = terminal.colour;
  terminal.say(
    `${exact ? green(bold('exact')) : red(bold('not exact'))}: ${mode} of ${plural(partitionsOf(record).length, 'partition')}, ${count(messages)} messages, in ${duration(took)}; now missing ${count(missing)}, too many ${count(surplus)}`,
  );
  return exact ? EXIT.ok : EXIT.notExact;
}

/** In the partitions gone through: what no mapping took yet. */
async function deadLettersLeft(session: Session, record: ReplayRecord, deadline: number): Promise<number> {
  const { ranges } = await planRedrive(
    session,
    {
      mode: 'redrive',
      from: { kind: 'origin' },
      to: { kind: 'committed' },
      partitions: partitionsOf(record),
      target: record.target,
    },
    deadline,
  );
  return ranges.reduce((sum, { deadLetters }) => sum + deadLetters, 0);
}
