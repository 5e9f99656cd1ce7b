import type { ClickHouseSettings } from '@clickhouse/client';
import { isPulsehouseError, PulsehouseError } from '../../pipeline/errors.ts';
import type { BatchBody } from '../../ports/sink.ts';
import type { Trial, TrialDepth, TrialFailure, UnreadableRow } from '../../ports/trial.ts';
import { badRowOf } from '../error-table.ts';
import { blocksOf, TRIAL_SETTINGS } from '../insert-settings.ts';
import type { Command, Questions } from '../questions.ts';
import { ServerError } from '../server-error.ts';
import { insertInto, type Mapping, probeStatement, sourceFields } from '../statement.ts';
import { targetTypes } from '../target-types.ts';
import { failingColumn } from './failing-column.ts';
import { fieldExcerpt } from './field-excerpt.ts';
import { isolatedRows } from './isolated-rows.ts';
import { rowsOfSameValues } from './same-values.ts';
import { type Fields, unreadable } from './sift.ts';
import { TrialSessions } from './trial-sessions.ts';
import { trialTableName } from './trial-tables.ts';
import { MOST_WORDED, wordUnreadable } from './word-unreadable.ts';

/** The last second that fits the statement's parameter: a trial stores nothing, however late it comes. */
const NEVER_LATE = 2 ** 32 - 1;

/** A block costs the server some 30 us: so many rows of a block cost less than reading them. */
const BLOCK = 64;

/** What is dropped at the end is not waited for longer (ms). */
const CLOSING = 2_000;

/** A trial in temporary tables of the user's own session: like the target in all but its name, its rows and its views. */
export class ClickHouseTrial implements Trial {
  readonly #questions: Questions;
  readonly #mapping: Mapping;
  readonly #sessions: TrialSessions;
  /** Those of the insert. */
  readonly #settings: (deadline: number) => Promise<ClickHouseSettings>;
  /** The next bad row most likely fails in the same one. */
  #lastColumn: string | undefined;

  constructor(
    questions: Questions,
    mapping: Mapping,
    settings: (deadline: number) => Promise<ClickHouseSettings>,
  ) {
    this.#questions = questions;
    this.#mapping = mapping;
    this.#sessions = new TrialSessions(questions, mapping);
    this.#settings = settings;
  }

  probe(
    body: BatchBody,
    from: number,
    to: number,
    depth: TrialDepth,
    deadline: number,
  ): Promise<TrialFailure | undefined> {
    const sql = insertInto(trialTableName(depth), this.#mapping);
    // Writing a part for each block would cost more than it saves.
    const block = depth === 'columns' ? blockRows(to - from) : undefined;
    return this.#try({ body, from, to, block }, deadline, (command) =>
      this.#sessions.with(depth, deadline, (sessionId) =>
        this.#questions.run({ ...command, sql, sessionId }, deadline),
      ),
    );
  }

  async sift(body: BatchBody, deadline: number): Promise<readonly UnreadableRow[]> {
    const reading = {
      questions: this.#questions,
      sessions: this.#sessions,
      settings: await this.#settings(deadline),
    };
    const fields = sourceFields(this.#mapping);
    const all = Array.from({ length: body.rows }, (_, row) => row);
    const suspects = await unreadable(reading, fields, body, { bytes: body.chunks(), rows: all }, deadline);
    if (suspects.length === 0) return [];
    const readAs = (part: Fields, rows: readonly number[]): Promise<number[]> =>
      unreadable(reading, part, body, { bytes: [isolatedRows(body, rows)], rows }, deadline);
    // Few are worded one by one, which tries each by itself as well.
    const alone = suspects.length <= MOST_WORDED ? suspects : await readAs(fields, suspects);
    return wordUnreadable(alone, {
      fields,
      readAs,
      wordsOf: (row) => this.probe(body, row, row + 1, 'columns', deadline),
      fieldReason: (row, field) => this.#fieldReason(body, row, field),
    });
  }

  async alike(body: BatchBody, row: number, deadline: number): Promise<readonly number[]> {
    const { columns, target } = this.#mapping;
    const types = await targetTypes(this.#questions, target, deadline);
    const failsIn = async (names: readonly string[]): Promise<boolean> => {
      const some = Object.fromEntries(names.map((name) => [name, columns[name] ?? '']));
      // Not in a table: its constraints and defaults may join columns of which some are left out here.
      const sql = probeStatement({ ...this.#mapping, columns: some }, types);
      const part = { body, from: row, to: row + 1, block: undefined };
      const failure = await this.#try(part, deadline, (command) =>
        this.#questions.run({ ...command, sql }, deadline),
      );
      return failure !== undefined;
    };
    const column =
      this.#lastColumn !== undefined && (await failsIn([this.#lastColumn]))
        ? this.#lastColumn
        : await failingColumn(Object.keys(columns), failsIn);
    if (column === undefined) return [];
    this.#lastColumn = column;
    // A row of the same values that does not meet the condition does not fail: its fields have to be the same ones, too.
    const expression = `${columns[column] ?? ''} ${this.#mapping.where ?? ''}`;
    const fields = fieldsOf(expression, sourceFields(this.#mapping));
    return Object.keys(fields).length === 0 ? [] : (rowsOfSameValues(body, row, fields) ?? []);
  }

  close(): Promise<void> {
    return this.#sessions.close(this.#questions.now() + CLOSING);
  }

  /** In one thread: a trial is as large as a window of rows, and many of them are made. */
  async #try(
    { body, from, to, block }: TriedRows,
    deadline: number,
    run: (command: Omit<Command, 'sql' | 'sessionId'>) => Promise<unknown>,
  ): Promise<TrialFailure | undefined> {
    const settings = await this.#settings(deadline);
    try {
      await run({
        parameters: { partition: body.partition, notAfter: NEVER_LATE },
        settings: { ...settings, ...TRIAL_SETTINGS, ...(block === undefined ? {} : blocksOf(block)) },
        body: body.chunks(from, to),
      });
      return undefined;
    } catch (error) {
      if (!isPulsehouseError(error) || !(error.cause instanceof ServerError)) throw error;
      if (error.code === 'PH_CLICKHOUSE_ACCESS') throw error;
      const named = badRowOf(error.cause.message);
      const row = named === undefined || from + named >= to ? undefined : from + named;
      return { row, among: failedBlock(error.cause, { from, to, block }), error: this.#worded(error) };
    }
  }

  #fieldReason(body: BatchBody, row: number, field: string): string {
    const value = fieldExcerpt(body.payloadAt(row), field);
    const type = this.#mapping.source.fields[field];
    const what = value === undefined ? 'what the message holds' : value;
    return `${this.#questions.where.table}: field ${field} (${type}) cannot be read from ${what}`;
  }

  /** Without the row's number, which counts rows that nobody else sees, and with the target's name for the trial's. */
  #worded(error: PulsehouseError): PulsehouseError {
    const message = error.message
      .replaceAll(/:? ?\(at row \d+\)/g, '')
      .replaceAll(/ at row \d+/g, '')
      .replaceAll(
        /_temporary_and_external_tables\.`?_tmp_[\w-]+`?( \([\w-]+\))?/g,
        this.#questions.where.table ?? '',
      );
    return new PulsehouseError(error.code, message, { where: error.where, cause: error.cause });
  }
}

interface TriedRows {
  readonly body: BatchBody;
  readonly from: number;
  readonly to: number;
  /** Rows of a block; undefined for all in one. */
  readonly block: number | undefined;
}

/** Many rows are narrowed down to a block, those of a block to a row. */
function blockRows(rows: number): number {
  return rows > BLOCK ? BLOCK : 1;
}

function failedBlock(
  { writtenRows }: ServerError,
  { from, to, block }: Omit<TriedRows, 'body'>,
): TrialFailure['among'] {
  if (writtenRows === undefined || block === undefined || from + writtenRows >= to) return undefined;
  return [from + writtenRows, Math.min(from + writtenRows + block, to)];
}

/** The source fields whose names stand in an expression: those it depends on, and perhaps more. */
function fieldsOf(expression: string, fields: Fields): Fields {
  const words = new Set(expression.match(/\w+/g));
  return Object.fromEntries(Object.entries(fields).filter(([name]) => words.has(name)));
}
