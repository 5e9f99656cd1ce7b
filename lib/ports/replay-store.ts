import type { ReplayRecord, ReplayStatus } from '../pipeline/replay.ts';

/**
 * What replays were asked for. Every call ends by `deadline` (ms since the epoch).
 * @throws PulsehouseError PH_STATE_UNREACHABLE (in-doubt), PH_STATE_REFUSED (terminal).
 */
export interface ReplayStore {
  /** Create-only; the same record again is no error. */
  createReplay(record: ReplayRecord, deadline: number): Promise<void>;
  readReplay(pipeline: string, id: string, deadline: number): Promise<ReplayRecord | undefined>;
  /** Newest first. */
  readReplays(pipeline: string, limit: number, deadline: number): Promise<readonly ReplayRecord[]>;
  /** Only a running one ends; of two that end it the first counts. Answers what stands afterwards. */
  endReplay(
    pipeline: string,
    id: string,
    status: Exclude<ReplayStatus, 'running'>,
    at: number,
    deadline: number,
  ): Promise<ReplayRecord | undefined>;
}
