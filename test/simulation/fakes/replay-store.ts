import type { ReplayRecord, ReplayStatus } from '../../../lib/pipeline/replay.ts';
import type { ReplayStore } from '../../../lib/ports/replay-store.ts';
import type { Invocation } from '../invocation.ts';
import { assertFits } from './state-item.ts';
import type { StateTable } from './state-table.ts';

/** The state table's records of replays, as one invocation sees them. */
export class SimulatedReplayStore implements ReplayStore {
  private readonly invocation: Invocation;
  private readonly table: StateTable;

  constructor(invocation: Invocation, table: StateTable) {
    this.invocation = invocation;
    this.table = table;
  }

  createReplay(record: ReplayRecord, deadline: number): Promise<void> {
    return this.call(`creates replay ${record.id}`, deadline, () => {
      const replays = this.table.replays(record.pipeline);
      assertFits(record);
      if (!replays.has(record.id)) replays.set(record.id, record);
    });
  }

  readReplay(pipeline: string, id: string, deadline: number): Promise<ReplayRecord | undefined> {
    return this.call(`reads replay ${id}`, deadline, () => this.table.replays(pipeline).get(id));
  }

  readReplays(pipeline: string, limit: number, deadline: number): Promise<readonly ReplayRecord[]> {
    return this.call('reads replays', deadline, () =>
      [...this.table.replays(pipeline).values()].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, limit),
    );
  }

  endReplay(
    pipeline: string,
    id: string,
    status: Exclude<ReplayStatus, 'running'>,
    at: number,
    deadline: number,
  ): Promise<ReplayRecord | undefined> {
    return this.call(`ends replay ${id}`, deadline, () => {
      const replays = this.table.replays(pipeline);
      const found = replays.get(id);
      if (found?.status !== 'running') return found;
      const ended = { ...found, status, finishedAt: at };
      replays.set(id, ended);
      return ended;
    });
  }

  private call<T>(operation: string, deadline: number, serve: () => T): Promise<T> {
    return this.invocation.call(this.table.link, operation, deadline, serve);
  }
}
