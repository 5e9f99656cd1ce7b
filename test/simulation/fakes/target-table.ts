import { failedQuestion } from '../../../lib/clickhouse/failures.ts';
import { BEFORE_ALL, laterOf } from '../../../lib/pipeline/position.ts';
import type { RowRange } from '../../../lib/ports/sink.ts';
import type { PartitionRows, TargetTable } from '../../../lib/ports/target-table.ts';
import type { Invocation } from '../invocation.ts';
import type { ClickHouse } from './clickhouse.ts';

/** What audits, replays and resets ask of the table, as one invocation sees it. */
export class SimulatedTargetTable implements TargetTable {
  private readonly invocation: Invocation;
  private readonly server: ClickHouse;

  constructor(invocation: Invocation, server: ClickHouse) {
    this.invocation = invocation;
    this.server = server;
  }

  countByPartition(deadline: number): Promise<readonly PartitionRows[]> {
    return this.call('counts by partition', deadline, () => {
      const found = new Map<number, PartitionRows>();
      for (const { partition, position } of this.server.rows) {
        const known = found.get(partition) ?? { partition, rows: 0, last: BEFORE_ALL };
        found.set(partition, { partition, rows: known.rows + 1, last: laterOf(known.last, position) });
      }
      return [...found.values()].sort((a, b) => a.partition - b.partition);
    });
  }

  deleteRows(ranges: readonly RowRange[], notAfter: number, deadline: number): Promise<void> {
    const partitions = ranges.map(({ partition }) => partition).join(', ');
    return this.call(`deletes rows of ${partitions}`, deadline, () => {
      for (const range of ranges) this.server.deleteRows(range, notAfter);
    });
  }

  private async call<T>(question: string, deadline: number, serve: () => T): Promise<T> {
    try {
      return await this.invocation.call(this.server.link, question, deadline, serve);
    } catch (error) {
      throw failedQuestion(error, { table: 'simulated.events' });
    }
  }
}
