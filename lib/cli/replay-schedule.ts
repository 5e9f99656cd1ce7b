import { isPulsehouseError, messageOf } from '../pipeline/errors.ts';
import { findReplayWork } from '../replay/replay/carry-on.ts';
import { advanceReplay } from '../replay/replay/replay.ts';
import type { Session } from './session.ts';

/** After a turn it is looked again which partitions nobody works on. It ends in order, within the closing time. */
const TURN = 60_000;
const CLOSING_TIME = 60_000;

/** Carries on, beside the cycles, replays that were begun and left by whomever, until stopped. */
export async function replaysOnSchedule(session: Session, stop: AbortSignal): Promise<void> {
  const { environment, pipeline, log } = session;
  while (!stop.aborted) {
    let worked = false;
    try {
      worked = await takeTurn(session, stop);
    } catch (error) {
      if (!isPulsehouseError(error)) throw error;
      log.warn(`A replay could not be carried on: ${messageOf(error)}`, { code: error.code });
    }
    if (!worked) await environment.sleep(pipeline.checkpoint.interval, stop);
  }
}

/** Whether there was anything to do. */
async function takeTurn(session: Session, stop: AbortSignal): Promise<boolean> {
  const { log, owner, environment } = session;
  const deadline = environment.now() + TURN + CLOSING_TIME;
  const work = await findReplayWork(session, deadline);
  if (!work) return false;
  const { record, partitions } = work;
  const target = await session.openTarget(record.target);
  try {
    const run = { owner, deadline, partitions, stop: AbortSignal.any([stop, AbortSignal.timeout(TURN)]) };
    const ended = await advanceReplay(session, record, target, run);
    if (ended.done) log.info(`Replay ${record.id} is ${ended.record.status}`, { replay: record.id });
    return true;
  } finally {
    await target.close();
  }
}
