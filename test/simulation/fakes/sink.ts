import { JsonBody } from '../../../lib/clickhouse/encode/json-body.ts';
import { PulsehouseError } from '../../../lib/pipeline/errors.ts';
import type { TokenWindow } from '../../../lib/pipeline/intent.ts';
import { comparePositions, formatPosition } from '../../../lib/pipeline/position.ts';
import type {
  BatchBody,
  EntryIndexes,
  EntryRows,
  InsertOutcome,
  InsertSend,
  ProbeResult,
  RowCount,
  RowRange,
  Sink,
} from '../../../lib/ports/sink.ts';
import type { Invocation } from '../invocation.ts';
import type { ClickHouse, IncomingRow, ServerAnswer, StoredRow } from './clickhouse.ts';

/** The row as the mapping makes it: which table partition it belongs to, and whether its value fits its column. */
interface Payload {
  readonly _ledger: number;
  readonly _entry: number;
  readonly _index: number;
  readonly day: string;
  readonly value: unknown;
}

/** The sink as one invocation sees it: the real encoder in front of the fake server. */
export class SimulatedSink implements Sink {
  readonly table = 'simulated.events';
  readonly mapping = 'mapping-1';
  private readonly invocation: Invocation;
  private readonly server: ClickHouse;

  constructor(invocation: Invocation, server: ClickHouse) {
    this.invocation = invocation;
    this.server = server;
  }

  newBody(partition: number): BatchBody {
    return new JsonBody(partition, false);
  }

  async insert(send: InsertSend): Promise<InsertOutcome> {
    const rows = rowsOf(send.body);
    const insert = { queryId: send.queryId, token: send.token, notAfter: send.notAfter, rows };
    try {
      const answer = await this.invocation.callSlow<ServerAnswer>(
        this.server.link,
        `insert ${send.queryId}`,
        send.deadline,
        (respond) => this.server.start(insert, (value) => respond({ value })),
      );
      return outcomeOf(answer);
    } catch (error) {
      if (error instanceof PulsehouseError) return { kind: 'in-doubt', error };
      throw error;
    }
  }

  probe(body: BatchBody, from: number, to: number, deadline: number): Promise<ProbeResult> {
    const rows = rowsOf(body, from, to);
    return this.invocation.call<ProbeResult>(this.server.link, 'probe', deadline, () => {
      const badRow = rows.findIndex((row) => row.bad);
      if (badRow < 0) return { ok: true };
      const named = !this.server.namesNoRow();
      return { ok: false, badRow: named ? from + badRow : undefined, error: badValue() };
    });
  }

  countRows(range: RowRange, deadline: number): Promise<RowCount> {
    return this.invocation.call(this.server.link, 'count', deadline, () =>
      countOf(this.server.rowsIn(range)),
    );
  }

  countRowsByEntry(range: RowRange, deadline: number): Promise<readonly EntryRows[]> {
    return this.invocation.call(this.server.link, 'count by entry', deadline, () =>
      byEntry(this.server.rowsIn(range)).map((rows) => ({ position: rows[0].position, ...countOf(rows) })),
    );
  }

  indexesIn(range: RowRange, deadline: number): Promise<readonly EntryIndexes[]> {
    return this.invocation.call(this.server.link, 'indexes', deadline, () =>
      byEntry(this.server.rowsIn(range)).map((rows) => ({
        position: rows[0].position,
        indexes: rows.map(({ index }) => index).sort((a, b) => a - b),
      })),
    );
  }

  kill(queryIdPrefix: string, deadline: number): Promise<void> {
    return this.invocation.call(this.server.link, 'kill', deadline, () => this.server.kill(queryIdPrefix));
  }

  tokenWindow(deadline: number): Promise<TokenWindow> {
    return this.invocation.call(this.server.link, 'token window', deadline, () => this.server.tokenWindow());
  }

  serverNow(deadline: number): Promise<number> {
    return this.invocation.call(this.server.link, 'server clock', deadline, () => this.server.now);
  }

  async close(): Promise<void> {}
}

/** As the real sink judges: only a 200, and the codes that are raised before anything is written, are no doubt. */
function outcomeOf(answer: ServerAnswer): InsertOutcome {
  switch (answer.code) {
    case 200:
      return { kind: 'stored' };
    case 27:
      return {
        kind: 'refused',
        data: true,
        badRow: 'row' in answer ? answer.row : undefined,
        error: badValue(),
      };
    case 202:
      return {
        kind: 'refused',
        data: false,
        badRow: undefined,
        error: new PulsehouseError('PH_PULSAR_NO_ANSWER', 'too many simultaneous queries'),
      };
    default:
      return {
        kind: 'in-doubt',
        error: new PulsehouseError('PH_INSERT_UNANSWERED', `answered with code ${answer.code}`),
      };
  }
}

function badValue(): PulsehouseError {
  return new PulsehouseError('PH_HALT_REFUSED', 'cannot parse value');
}

function rowsOf(body: BatchBody, from?: number, to?: number): IncomingRow[] {
  const rows: IncomingRow[] = [];
  for (const chunk of body.chunks(from, to)) {
    for (const line of Buffer.from(chunk).toString('utf8').split('\n')) {
      if (line === '') continue;
      const payload = JSON.parse(line) as Payload;
      rows.push({
        partition: body.partition,
        position: { ledger: payload._ledger, entry: payload._entry },
        index: payload._index,
        tablePartition: payload.day,
        bad: typeof payload.value !== 'number',
      });
    }
  }
  return rows;
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
