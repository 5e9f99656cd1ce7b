import type { ClickHouseSettings } from '@clickhouse/client';
import { type ErrorWhere, PulsehouseError } from '../pipeline/errors.ts';
import { acceptedSettings } from './accepted-settings.ts';
import { failedQuestion } from './failures.ts';
import type { TableName } from './identifiers.ts';
import { PLAIN_SETTINGS, QUESTION_SETTINGS } from './insert-settings.ts';
import type { Request, Server } from './server.ts';
import { ForeignAnswer, ServerError } from './server-error.ts';

/** UNKNOWN_SETTING, READONLY and SETTING_CONSTRAINT_VIOLATION: raised before anything of a statement is done. */
const SETTING_REFUSED: ReadonlySet<number> = new Set([115, 164, 452]);

export type Parameters = Readonly<Record<string, unknown>>;

export type Command = Pick<Request, 'sql' | 'parameters' | 'settings' | 'body' | 'sessionId'>;

/** Statements that may be given again: questions, and commands that have the same end however often they are carried out. */
export class Questions {
  readonly now: () => number;
  readonly where: ErrorWhere;
  readonly #server: Server;
  /** Fewer than all, once it showed that the server or the user's constraints refuse some. */
  #settings: ClickHouseSettings = QUESTION_SETTINGS;

  constructor(server: Server, target: TableName, now: () => number) {
    this.#server = server;
    this.now = now;
    this.where = { table: `${target.database}.${target.table}`, server: server.url };
  }

  /**
   * The rows of one SELECT. 64-bit integers come as numbers: every one asked for here is below 2^53.
   * @throws PulsehouseError PH_CLICKHOUSE_*, PH_TABLE_MISMATCH.
   */
  async ask<Row>(sql: string, parameters: Parameters, deadline: number): Promise<readonly Row[]> {
    const statement = `${sql}\nFORMAT JSONEachRow`;
    try {
      return this.#rowsOf(await this.tell(statement, parameters, deadline, this.#settings));
    } catch (error) {
      if (this.#settings !== QUESTION_SETTINGS || !isSettingRefused(error)) throw error;
      this.#settings = await acceptedSettings(this, QUESTION_SETTINGS, deadline);
      return this.#rowsOf(await this.tell(statement, parameters, deadline, this.#settings));
    }
  }

  /** For questions that always have one row for an answer. */
  async askOne<Row>(sql: string, parameters: Parameters, deadline: number): Promise<Row> {
    return this.#only(await this.ask<Row>(sql, parameters, deadline));
  }

  /** The same with hardly a setting sent along: for asking which settings may be sent. */
  async askPlainly<Row>(sql: string, parameters: Parameters, deadline: number): Promise<Row> {
    const text = await this.tell(`${sql}\nFORMAT JSONEachRow`, parameters, deadline, PLAIN_SETTINGS);
    return this.#only(this.#rowsOf<Row>(text));
  }

  #only<Row>(rows: readonly Row[]): Row {
    const [row] = rows;
    if (row !== undefined) return row;
    throw new PulsehouseError('PH_CLICKHOUSE_FAILED', 'the server answered without a row', {
      where: this.where,
    });
  }

  #rowsOf<Row>(text: string): readonly Row[] {
    try {
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Row);
    } catch {
      throw failedQuestion(new ForeignAnswer(200, text), this.where);
    }
  }

  /** Runs a command and waits until it is carried out. */
  tell(
    sql: string,
    parameters: Parameters,
    deadline: number,
    settings: ClickHouseSettings = {},
  ): Promise<string> {
    return this.run({ sql, parameters, settings }, deadline);
  }

  /** The same with a body, or within a session. @throws PulsehouseError as `failedQuestion` has it */
  async run(command: Command, deadline: number): Promise<string> {
    const timeout = deadline - this.now();
    try {
      return await this.#server.run({
        ...command,
        settings: { ...command.settings, wait_end_of_query: 1, max_execution_time: wholeSeconds(timeout) },
        timeout,
      });
    } catch (error) {
      throw failedQuestion(error, this.where);
    }
  }
}

function isSettingRefused(error: unknown): boolean {
  const cause = error instanceof PulsehouseError ? error.cause : undefined;
  return cause instanceof ServerError && SETTING_REFUSED.has(cause.code);
}

/** For `max_execution_time`, to which zero would mean no limit. */
export function wholeSeconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}
