import type { TokenWindow } from '../pipeline/intent.ts';
import type { Environment } from '../ports/environment.ts';
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
} from '../ports/sink.ts';
import { JsonBody } from './encode/json-body.ts';
import { badRowOf, meaningOf } from './error-table.ts';
import { failedInsert, failedQuestion } from './failures.ts';
import { INSERT_SETTINGS, JSON_SETTINGS } from './insert-settings.ts';
import { killQueries } from './kill.ts';
import { Questions, wholeSeconds } from './questions.ts';
import { countRows, countRowsByEntry, indexesIn } from './row-counts.ts';
import type { Server } from './server.ts';
import { ServerError } from './server-error.ts';
import { insertStatement, type Mapping, mappingHash, needsPublishTime, probeStatement } from './statement.ts';
import { targetTypes } from './target-types.ts';
import { tokenWindow } from './token-window.ts';

/** The target table of one pipeline on one ClickHouse server. */
export class ClickHouseSink implements Sink {
  readonly table: string;
  readonly mapping: string;
  readonly #pipeline: Mapping;
  readonly #server: Server;
  readonly #environment: Pick<Environment, 'now'>;
  readonly #questions: Questions;
  readonly #statement: string;
  readonly #withPublishTime: boolean;

  constructor(pipeline: Mapping, server: Server, environment: Pick<Environment, 'now'>) {
    this.table = `${pipeline.target.database}.${pipeline.target.table}`;
    this.mapping = mappingHash(pipeline);
    this.#pipeline = pipeline;
    this.#server = server;
    this.#environment = environment;
    this.#questions = new Questions(server, pipeline.target, () => environment.now());
    this.#statement = insertStatement(pipeline);
    this.#withPublishTime = needsPublishTime(pipeline);
  }

  newBody(partition: number): BatchBody {
    return new JsonBody(partition, this.#withPublishTime);
  }

  async insert(send: InsertSend): Promise<InsertOutcome> {
    const timeout = send.deadline - this.#environment.now();
    try {
      await this.#server.run({
        sql: this.#statement,
        parameters: { partition: send.body.partition, notAfter: Math.floor(send.notAfter / 1000) },
        settings: {
          ...INSERT_SETTINGS,
          insert_deduplication_token: send.token,
          max_execution_time: wholeSeconds(timeout),
        },
        queryId: send.queryId,
        body: send.body.chunks(),
        timeout,
      });
      return { kind: 'stored' };
    } catch (error) {
      return failedInsert(error, this.#questions.where);
    }
  }

  async probe(body: BatchBody, from: number, to: number, deadline: number): Promise<ProbeResult> {
    const error = await this.#tryRows(body, from, to, deadline);
    if (error === undefined) return { ok: true };
    const named = badRowOf(error.message);
    const row = named === undefined ? undefined : from + named;
    const result = { ok: false, error: failedQuestion(error, this.#questions.where) } as const;
    if (row === undefined || row >= to) return { ...result, badRow: undefined };
    // The message quotes payloads, and a payload may say "(at row 3)" itself: only a row that fails alone is blamed.
    const alone = to - from === 1 ? error : await this.#tryRows(body, row, row + 1, deadline);
    return { ...result, badRow: alone === undefined ? undefined : row };
  }

  /** The data error of the rows `[from, to)`, if they have one. */
  async #tryRows(
    body: BatchBody,
    from: number,
    to: number,
    deadline: number,
  ): Promise<ServerError | undefined> {
    const types = await targetTypes(this.#questions, this.#pipeline.target, deadline);
    const timeout = deadline - this.#environment.now();
    try {
      await this.#server.run({
        sql: probeStatement(this.#pipeline, types),
        parameters: { partition: body.partition, notAfter: NEVER },
        settings: {
          ...JSON_SETTINGS,
          async_insert: 0,
          wait_end_of_query: 1,
          max_execution_time: wholeSeconds(timeout),
        },
        body: body.chunks(from, to),
        timeout,
      });
      return undefined;
    } catch (error) {
      if (error instanceof ServerError && meaningOf(error.code, error.message) === 'data') return error;
      throw failedQuestion(error, this.#questions.where);
    }
  }

  countRows(range: RowRange, deadline: number): Promise<RowCount> {
    return countRows(this.#questions, this.#pipeline.target, range, deadline);
  }

  countRowsByEntry(range: RowRange, deadline: number): Promise<readonly EntryRows[]> {
    return countRowsByEntry(this.#questions, this.#pipeline.target, range, deadline);
  }

  indexesIn(range: RowRange, deadline: number): Promise<readonly EntryIndexes[]> {
    return indexesIn(this.#questions, this.#pipeline.target, range, deadline);
  }

  kill(queryIdPrefix: string, deadline: number): Promise<void> {
    return killQueries(this.#questions, queryIdPrefix, deadline);
  }

  tokenWindow(deadline: number): Promise<TokenWindow> {
    return tokenWindow(this.#questions, this.#pipeline.target, deadline);
  }

  async serverNow(deadline: number): Promise<number> {
    const { now } = await this.#questions.askOne<{ now: number }>(
      'SELECT toUnixTimestamp64Milli(now64(3)) AS now',
      {},
      deadline,
    );
    return now;
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}

/** The last second that fits the statement's parameter: a probe stores nothing, however late it comes. */
const NEVER = 2 ** 32 - 1;
