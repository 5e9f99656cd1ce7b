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
import { binaryInsert, type InsertRequest } from './binary-insert.ts';
import { BinaryRefusals } from './binary-refusals.ts';
import { dependentViews } from './dependent-views.ts';
import { BinaryBody, type BinaryRows } from './encode/binary-body.ts';
import { JsonBody } from './encode/json-body.ts';
import { ValueCheck } from './encode/value-check.ts';
import { expiredRows } from './expired-rows.ts';
import { failedInsert, miscounted } from './failures.ts';
import { TRIAL_SETTINGS } from './insert-settings.ts';
import { killQueries } from './kill.ts';
import { renumbered } from './named-row.ts';
import { Questions, wholeSeconds } from './questions.ts';
import { ReadRows } from './read-rows.ts';
import { countRows, countRowsByEntry, indexesIn } from './row-counts.ts';
import { rowFilter } from './row-filter.ts';
import { type RowFormat, rowFormatOf } from './row-format.ts';
import type { Server } from './server.ts';
import { ServerError } from './server-error.ts';
import { conditionHash, insertStatement, type Mapping, mappingHash, needsPublishTime } from './statement.ts';
import { tokenWindow } from './token-window.ts';
import { ClickHouseTrial } from './trial/trial.ts';
import { readRowTtl } from './ttl.ts';
import { unmetRows } from './unmet-rows.ts';

/** NULL where a field is Nullable; everywhere else the value check keeps such values away from the server. */
const EMPTY_AS_NULL = { input_format_json_empty_as_default: 1 } as const satisfies ClickHouseSettings;

export interface SinkOptions {
  readonly format: RowFormat;
  /** Is called once, when RowBinary turns out to be refused and JSON is sent from then on. */
  readonly onFallback?: () => void;
}

/** The target table of one pipeline on one ClickHouse server. */
export class ClickHouseSink implements Sink {
  readonly table: string;
  readonly mapping: string;
  readonly condition: string | undefined;
  readonly #mapping: Mapping;
  readonly #server: Server;
  readonly #environment: Pick<Environment, 'now'>;
  readonly #questions: Questions;
  readonly #readRows: ReadRows;
  readonly #statement: string;
  readonly #withPublishTime: boolean;
  readonly #values: ValueCheck;
  readonly #options: SinkOptions;
  readonly #refusals = new BinaryRefusals();
  /** Asked once, before the first body is sent, for all that are sent at the same time. */
  #accepted: Promise<ClickHouseSettings> | undefined;

  constructor(
    mapping: Mapping,
    server: Server,
    environment: Pick<Environment, 'now'>,
    options: SinkOptions = { format: rowFormatOf(mapping) },
  ) {
    this.table = `${mapping.target.database}.${mapping.target.table}`;
    this.mapping = mappingHash(mapping);
    this.condition = conditionHash(mapping);
    this.#mapping = mapping;
    this.#server = server;
    this.#environment = environment;
    this.#questions = new Questions(server, mapping.target, () => environment.now());
    this.#readRows = new ReadRows(this.#questions, mapping.target);
    this.#statement = insertStatement(mapping);
    this.#withPublishTime = needsPublishTime(mapping);
    this.#values = new ValueCheck(mapping.source.fields, mapping.source.emptyStrings ?? 'deadLetter');
    this.#options = options;
  }

  newBody(partition: number, again = false): BatchBody {
    const withPublishTime = this.#withPublishTime;
    // What is sent again is mostly a part of a batch, or is looked at row by row.
    if (again) return new JsonBody(partition, { withPublishTime });
    const { nullValues = 'skip' } = this.#mapping.source;
    const options = { withPublishTime, nullValues, values: this.#values };
    const { format } = this.#options;
    return format.name === 'RowBinary'
      ? new BinaryBody(partition, format.encoder, options)
      : new JsonBody(partition, options);
  }

  async insert(send: InsertSend): Promise<InsertOutcome> {
    const { body } = send;
    const binary = send.asTried ? undefined : this.#binaryOf(body);
    const outcome = await this.#send(send, binary);
    const isLast = this.#refusals.note(body, outcome, binary !== undefined);
    if (isLast) this.#options.onFallback?.();
    return outcome;
  }

  #binaryOf(body: BatchBody): BinaryRows | undefined {
    return body instanceof BinaryBody && this.#refusals.allow(body) ? body.binary() : undefined;
  }

  async #send(send: InsertSend, binary: BinaryRows | undefined): Promise<InsertOutcome> {
    try {
      const settings = await this.#settings(send.deadline);
      await this.#readRows.prepare(send.deadline);
      const timeout = send.deadline - this.#environment.now();
      const request = this.#requestOf(send.body, binary);
      const { readRows, writtenRows } = await this.#server.answer({
        sql: request.sql,
        parameters: { partition: send.body.partition, notAfter: Math.floor(send.notAfter / 1000) },
        settings: {
          ...settings,
          ...request.settings,
          ...(send.asTried && TRIAL_SETTINGS),
          insert_deduplication_token: send.token,
          max_execution_time: wholeSeconds(timeout),
        },
        queryId: send.queryId,
        body: request.body,
        timeout,
      });
      if (readRows === undefined) return { kind: 'stored', isUncounted: true };
      if (this.condition !== undefined)
        return await this.#storedUnderCondition({ read: readRows, written: writtenRows }, send);
      if (!(await this.#readRows.areThose(send.body.rows, readRows, send.deadline)))
        return miscounted(send.body.rows, readRows, this.#questions.where);
      return { kind: 'stored' };
    } catch (error) {
      if (isPulsehouseError(error) && error.code === 'PH_CLICKHOUSE_TOO_OLD') throw error;
      // The question before the first insert fails as the insert itself would have.
      const failure = isPulsehouseError(error) ? error.cause : error;
      const named = binary && failure instanceof ServerError ? renumbered(failure, binary) : failure;
      return failedInsert(named, this.#questions.where);
    }
  }

  #requestOf(body: BatchBody, binary: BinaryRows | undefined): InsertRequest {
    const { format } = this.#options;
    return binary && format.name === 'RowBinary'
      ? binaryInsert(this.#mapping, format.structure, binary)
      : { sql: this.#statement, body: body.chunks(), settings: {} };
  }

  async #storedUnderCondition(
    { read, written }: { readonly read: number; readonly written: number | undefined },
    { body, deadline }: InsertSend,
  ): Promise<InsertOutcome> {
    const met = await this.#readRows.met({ sent: body.rows, read, written }, deadline);
    if (met === 'other') return miscounted(body.rows, read, this.#questions.where);
    return met === undefined ? { kind: 'stored' } : { kind: 'stored', met };
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

  async unmet(body: BatchBody, deadline: number): Promise<readonly number[] | undefined> {
    const settings = await this.#settings(deadline);
    return unmetRows(this.#questions, this.#mapping, { body, settings }, deadline);
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
