import { JsonBody } from '../../../lib/clickhouse/encode/json-body.ts';
import { failedInsert, failedQuestion } from '../../../lib/clickhouse/failures.ts';
import { hashOfIndexes } from '../../../lib/pipeline/index-hash.ts';
import type { TokenWindow } from '../../../lib/pipeline/intent.ts';
import type { NullValues } from '../../../lib/pipeline/pipeline.ts';
import {
  comparePositions,
  formatPosition,
  isSamePosition,
  type Position,
} from '../../../lib/pipeline/position.ts';
import type {
  BatchBody,
  EntryIndexes,
  EntryRange,
  EntryRows,
  InsertOutcome,
  InsertSend,
  RowCount,
  RowRange,
  Sink,
} from '../../../lib/ports/sink.ts';
import type { Trial } from '../../../lib/ports/trial.ts';
import type { Invocation } from '../invocation.ts';
import type { Random } from '../random.ts';
import { type ClickHouse, type Condition, isUnmet, metOf, type StoredRow } from './clickhouse.ts';
import { rowsOf } from './incoming-rows.ts';
import { SimulatedTrial } from './trial.ts';

/** The sink as one invocation sees it: the real encoder and the real judgement of errors around the fake server. */
export class SimulatedSink implements Sink {
  readonly table = 'simulated.events';
  readonly mapping: string;
  readonly condition: Condition | undefined;
  private readonly invocation: Invocation;
  private readonly server: ClickHouse;
  private readonly nullValues: NullValues;
  private readonly answers: Random | undefined;

  /**
   * Each `mapping` puts its rows into table partitions of its own.
   * @param condition and what draws which answers say how many rows met it; undefined: there is none
   */
  constructor(
    invocation: Invocation,
    server: ClickHouse,
    nullValues: NullValues = 'skip',
    mapping = 'mapping-1',
    condition?: { readonly name: Condition; readonly random: Random },
  ) {
    this.mapping = mapping;
    this.invocation = invocation;
    this.server = server;
    this.nullValues = nullValues;
    this.condition = condition?.name;
    this.answers = condition?.random;
  }

  newBody(partition: number, again = false): BatchBody {
    return new JsonBody(partition, { nullValues: again ? 'skip' : this.nullValues });
  }

  async insert(send: InsertSend): Promise<InsertOutcome> {
    const rows = rowsOf(send.body).map((row) => ({
      ...row,
      tablePartition: `${this.mapping}/${row.tablePartition}`,
    }));
    const { queryId, token, notAfter } = send;
    const insert = { queryId, token, notAfter, rows, condition: this.condition };
    try {
      await this.invocation.callSlow<undefined>(
        this.server.link,
        `insert ${send.queryId}`,
        send.deadline,
        (respond) =>
          this.server.start(insert, (error) =>
            respond(error === undefined ? { value: undefined } : { error }),
          ),
      );
      // As where views read the table's inserts, whose rows are counted in.
      if (this.answers === undefined || this.answers.chance(0.3)) return { kind: 'stored' };
      return { kind: 'stored', met: metOf(insert).length };
    } catch (error) {
      return failedInsert(error, { table: this.table });
    }
  }

  openTrial(): Trial {
    return new SimulatedTrial(this.invocation, this.server, this.table, this.condition);
  }

  countRows(range: RowRange, deadline: number): Promise<RowCount> {
    return this.call('count', deadline, () => countOf(this.server.rowsIn(range)));
  }

  countRowsByEntry(range: RowRange, deadline: number): Promise<readonly EntryRows[]> {
    return this.call('count by entry', deadline, () =>
      byEntry(this.server.rowsIn(range)).map((rows) => ({
        position: rows[0].position,
        ...countOf(rows),
        indexHash: hashOfIndexes(rows.map(({ index }) => index)),
      })),
    );
  }

  indexesIn({ entries, ...range }: EntryRange, deadline: number): Promise<readonly EntryIndexes[]> {
    const isWanted = (position: Position) =>
      entries?.some((wanted) => isSamePosition(wanted, position)) ?? true;
    return this.call('indexes', deadline, () =>
      byEntry(this.server.rowsIn(range))
        .map((rows) => ({
          position: rows[0].position,
          indexes: rows.map(({ index }) => index).sort((a, b) => a - b),
        }))
        .filter(({ position }) => isWanted(position)),
    );
  }

  kill(queryIdPrefix: string, deadline: number): Promise<void> {
    return this.call('kill', deadline, () => this.server.kill(queryIdPrefix));
  }

  hasTtl(deadline: number): Promise<boolean> {
    return this.call('time to live', deadline, () => false);
  }

  expiredRows(_body: BatchBody, deadline: number): Promise<readonly EntryIndexes[]> {
    return this.call('expired rows', deadline, () => []);
  }

  unmet(body: BatchBody, deadline: number): Promise<readonly number[] | undefined> {
    const rows = rowsOf(body);
    return this.call('condition', deadline, () => {
      if (this.condition === undefined) return [];
      if (rows.some(({ trouble }) => trouble === 'reader')) return undefined;
      return rows.flatMap((each, row) => (isUnmet(each, this.condition) ? [row] : []));
    });
  }

  rowsHidden(deadline: number): Promise<string | undefined> {
    return this.call('row policy', deadline, () => undefined);
  }

  dependentViews(deadline: number): Promise<readonly string[]> {
    return this.call('views', deadline, () => ['simulated.v']);
  }

  tokenWindow(deadline: number): Promise<TokenWindow> {
    return this.call('token window', deadline, () => this.server.tokenWindow());
  }

  serverNow(deadline: number): Promise<number> {
    return this.call('server clock', deadline, () => this.server.now);
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

function countOf(rows: readonly StoredRow[]): RowCount {
  const distinct = new Set(rows.map((row) => `${formatPosition(row.position)}:${row.index}`));
  return { rows: rows.length, distinct: distinct.size };
}

/** In order of position. */
function byEntry(rows: readonly StoredRow[]): [StoredRow, ...StoredRow[]][] {
  const entries = new Map<string, [StoredRow, ...StoredRow[]]>();
  for (const row of rows) {
    const key = formatPosition(row.position);
    const known = entries.get(key);
    if (known === undefined) entries.set(key, [row]);
    else known.push(row);
  }
  return [...entries.values()].sort(([a], [b]) => comparePositions(a.position, b.position));
}
