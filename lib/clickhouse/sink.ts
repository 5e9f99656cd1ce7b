import type { ClickHouseSettings } from '@clickhouse/client';
import { isPulsehouseError } from '../pipeline/errors.ts';
import type { TokenWindow } from '../pipeline/intent.ts';
import type { Environment } from '../ports/environment.ts';
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
} from '../ports/sink.ts';
import type { Trial } from '../ports/trial.ts';
import { insertSettings } from './accepted-settings.ts';
import { dependentViews } from './dependent-views.ts';
import { JsonBody } from './encode/json-body.ts';
import { ValueCheck } from './encode/value-check.ts';
import { expiredRows } from './expired-rows.ts';
import { failedInsert, miscounted } from './failures.ts';
import { TRIAL_SETTINGS } from './insert-settings.ts';
import { killQueries } from './kill.ts';
import { Questions, wholeSeconds } from './questions.ts';
import { ReadRows } from './read-rows.ts';
import { countRows, countRowsByEntry, indexesIn } from './row-counts.ts';
import { rowFilter } from './row-filter.ts';
import type { Server } from './server.ts';
import { insertStatement, type Mapping, mappingHash, needsPublishTime } from './statement.ts';
import { tokenWindow } from './token-window.ts';
import { ClickHouseTrial } from './trial/trial.ts';
import { readRowTtl } from './ttl.ts';

/** NULL where a field is Nullable; everywhere else the value check keeps such values away from the server. */
const EMPTY_AS_NULL = { input_format_json_empty_as_default: 1 } as const satisfies ClickHouseSettings;

/** The target table of one pipeline on one ClickHouse server. */
export class ClickHouseSink implements Sink {
  readonly table: string;
  readonly mapping: string;
  readonly #mapping: Mapping;
  readonly #server: Server;
  readonly #environment: Pick<Environment, 'now'>;
  readonly #questions: Questions;
  readonly #readRows: ReadRows;
  readonly #statement: string;
  readonly #withPublishTime: boolean;
  readonly #values: ValueCheck;
  /** Asked once, before the first body is sent, for all that are sent at the same time. */
  #accepted: Promise<ClickHouseSettings> | undefined;

  constructor(mapping: Mapping, server: Server, environment: Pick<Environment, 'now'>) {
    this.table = `${mapping.target.database}.${mapping.target.table}`;
    this.mapping = mappingHash(mapping);
    this.#mapping = mapping;
    this.#server = server;
    this.#environment = environment;
    this.#questions = new Questions(server, mapping.target, () => environment.now());
    this.#readRows = new ReadRows(this.#questions, mapping.target);
    this.#statement = insertStatement(mapping);
    this.#withPublishTime = needsPublishTime(mapping);
    this.#values = new ValueCheck(mapping.source.fields, mapping.source.emptyStrings ?? 'deadLetter');
  }

  newBody(partition: number, again = false): BatchBody {
    const { nullValues = 'skip' } = this.#mapping.source;
    return new JsonBody(partition, {
      withPublishTime: this.#withPublishTime,
      nullValues: again ? 'skip' : nullValues,
      values: again ? undefined : this.#values,
    });
  }

  async insert(send: InsertSend): Promise<InsertOutcome> {
    try {
      const settings = await this.#settings(send.deadline);
      await this.#readRows.prepare(send.deadline);
      const timeout = send.deadline - this.#environment.now();
      const { readRows } = await this.#server.answer({
        sql: this.#statement,
        parameters: { partition: send.body.partition, notAfter: Math.floor(send.notAfter / 1000) },
        settings: {
          ...settings,
          ...(send.asTried && TRIAL_SETTINGS),
          insert_deduplication_token: send.token,
          max_execution_time: wholeSeconds(timeout),
        },
        queryId: send.queryId,
        body: send.body.chunks(),
        timeout,
      });
      if (readRows === undefined) return { kind: 'stored', isUncounted: true };
      if (!(await this.#readRows.areThose(send.body.rows, readRows, send.deadline)))
        return miscounted(send.body.rows, readRows, this.#questions.where);
      return { kind: 'stored' };
    } catch (error) {
      if (isPulsehouseError(error) && error.code === 'PH_CLICKHOUSE_TOO_OLD') throw error;
      // The question before the first insert fails as the insert itself would have.
      const failure = isPulsehouseError(error) ? error.cause : error;
      return failedInsert(failure, this.#questions.where);
    }
  }

  openTrial(): Trial {
    return new ClickHouseTrial(this.#questions, this.#mapping, (deadline) => this.#settings(deadline));
  }

  countRows(range: RowRange, deadline: number): Promise<RowCount> {
    return countRows(this.#questions, this.#mapping.target, range, deadline);
  }

  countRowsByEntry(range: RowRange, deadline: number): Promise<readonly EntryRows[]> {
    return countRowsByEntry(this.#questions, this.#mapping.target, range, deadline);
  }

  indexesIn(range: EntryRange, deadline: number): Promise<readonly EntryIndexes[]> {
    return indexesIn(this.#questions, this.#mapping.target, range, deadline);
  }

  kill(queryIdPrefix: string, deadline: number): Promise<void> {
    return killQueries(this.#questions, queryIdPrefix, deadline);
  }

  tokenWindow(deadline: number): Promise<TokenWindow> {
    return tokenWindow(this.#questions, this.#mapping.target, deadline);
  }

  async hasTtl(deadline: number): Promise<boolean> {
    return (await readRowTtl(this.#questions, this.#mapping.target, deadline)) !== undefined;
  }

  async expiredRows(body: BatchBody, deadline: number): Promise<readonly EntryIndexes[]> {
    const settings = await this.#settings(deadline);
    return expiredRows(this.#questions, this.#mapping, { body, settings }, deadline);
  }

  rowsHidden(deadline: number): Promise<string | undefined> {
    return rowFilter(this.#questions, this.#mapping.target, deadline);
  }

  async dependentViews(deadline: number): Promise<readonly string[]> {
    const views = await dependentViews(this.#questions, this.#mapping.target, deadline);
    return views.map(({ name }) => `${name.database}.${name.table}`);
  }

  async serverNow(deadline: number): Promise<number> {
    const { now } = await this.#questions.askOne<{ now: number }>(
      'SELECT toUnixTimestamp64Milli(now64(3)) AS now',
      {},
      deadline,
    );
    return now;
  }

  async #settings(deadline: number): Promise<ClickHouseSettings> {
    const asked = this.#accepted ?? insertSettings(this.#questions, this.#mapping, deadline);
    this.#accepted = asked;
    try {
      const accepted = await asked;
      return this.#mapping.source.emptyStrings === 'null' ? { ...accepted, ...EMPTY_AS_NULL } : accepted;
    } catch (error) {
      if (this.#accepted === asked) this.#accepted = undefined;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}
