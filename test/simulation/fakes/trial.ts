import { badRowOf } from '../../../lib/clickhouse/error-table.ts';
import { failedQuestion } from '../../../lib/clickhouse/failures.ts';
import type { BatchBody } from '../../../lib/ports/sink.ts';
import type { Trial, TrialDepth, TrialFailure, UnreadableRow } from '../../../lib/ports/trial.ts';
import type { Invocation } from '../invocation.ts';
import { type ClickHouse, type Condition, isUnmet, type Trouble } from './clickhouse.ts';
import { rowsOf } from './incoming-rows.ts';

const MEETS: Readonly<Record<TrialDepth, readonly Trouble[]>> = {
  columns: ['reader', 'column'],
  table: ['reader', 'column', 'part'],
};

/** Rows of a block. */
const BLOCK = 4;

/** Tries rows as the fake server would take them, and stores nothing. */
export class SimulatedTrial implements Trial {
  private readonly invocation: Invocation;
  private readonly server: ClickHouse;
  private readonly table: string;
  private readonly condition: Condition | undefined;

  constructor(invocation: Invocation, server: ClickHouse, table: string, condition: Condition | undefined) {
    this.invocation = invocation;
    this.server = server;
    this.table = table;
    this.condition = condition;
  }

  probe(
    body: BatchBody,
    from: number,
    to: number,
    depth: TrialDepth,
    deadline: number,
  ): Promise<TrialFailure | undefined> {
    const rows = rowsOf(body, from, to);
    return this.call('probe', deadline, () => {
      // Those that do not meet the condition are read as well.
      const tried = rows.map((row) =>
        isUnmet(row, this.condition) && row.trouble !== 'reader' ? { ...row, trouble: undefined } : row,
      );
      const unfit = this.server.unfitIn(tried, MEETS[depth]);
      if (unfit === undefined) return undefined;
      const first = tried.findIndex(({ trouble }) => trouble !== undefined && MEETS[depth].includes(trouble));
      const named = badRowOf(unfit.message);
      return {
        row: named === undefined ? undefined : from + named,
        // Like the server's, a block of several rows where many are tried and of one where few are.
        among: depth === 'table' || first < 0 ? undefined : blockAround(from, to, first),
        error: failedQuestion(unfit, { table: this.table }),
      };
    });
  }

  sift(body: BatchBody, deadline: number): Promise<readonly UnreadableRow[]> {
    const rows = rowsOf(body);
    return this.call('sift', deadline, () =>
      rows.flatMap(({ trouble }, row) => (trouble === 'reader' ? [{ row, reason: 'cannot be read' }] : [])),
    );
  }

  alike(body: BatchBody, row: number, deadline: number): Promise<readonly number[]> {
    const rows = rowsOf(body);
    const isColumns = rows[row]?.trouble === 'column';
    return this.call('alike', deadline, () =>
      rows.flatMap((each, other) => {
        const isTried = isColumns && !isUnmet(each, this.condition);
        return isTried && each.trouble === 'column' && other !== row ? [other] : [];
      }),
    );
  }

  async close(): Promise<void> {}

  private async call<T>(question: string, deadline: number, serve: () => T): Promise<T> {
    try {
      return await this.invocation.call(this.server.link, question, deadline, serve);
    } catch (error) {
      throw failedQuestion(error, { table: this.table });
    }
  }
}

function blockAround(from: number, to: number, row: number): readonly [from: number, to: number] {
  const size = to - from > BLOCK ? BLOCK : 1;
  const begin = from + row - (row % size);
  return [begin, Math.min(begin + size, to)];
}
