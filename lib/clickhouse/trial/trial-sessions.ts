import { randomUUID } from 'node:crypto';
import { isPulsehouseError } from '../../pipeline/errors.ts';
import type { Questions } from '../questions.ts';
import { ServerError } from '../server-error.ts';
import type { Mapping } from '../statement.ts';
import { createTrialTable, type TrialTable, trialTableName } from './trial-tables.ts';

interface Session {
  readonly id: string;
  readonly tables: Set<TrialTable>;
}

/**
 * Sessions with temporary tables. A session runs one statement at a time, so each statement takes one that is free or a
 * new one. The server drops the tables with the session, at the latest a minute after its last statement.
 */
export class TrialSessions {
  readonly #questions: Questions;
  readonly #mapping: Mapping;
  readonly #free: Session[] = [];

  constructor(questions: Questions, mapping: Mapping) {
    this.#questions = questions;
    this.#mapping = mapping;
  }

  /**
   * Runs `work` in a session that has the table, which may hold what an earlier one left there unless it `isNew`.
   * @throws what `work` or making the table throws
   */
  async with<T>(
    table: TrialTable,
    deadline: number,
    work: (sessionId: string, isNew: boolean) => Promise<T>,
  ): Promise<T> {
    const session = this.#free.pop() ?? { id: `pulsehouse-${randomUUID()}`, tables: new Set() };
    try {
      const isNew = !session.tables.has(table);
      if (isNew) {
        const { target, targetOptions: { settings = {} } = {} } = this.#mapping;
        const sql = await createTrialTable(this.#questions, target, table, deadline);
        await this.#questions.run({ sql, settings, sessionId: session.id }, deadline);
        session.tables.add(table);
      }
      const result = await work(session.id, isNew);
      this.#free.push(session);
      return result;
    } catch (error) {
      // Unanswered, the statement may still run, and would lock the session.
      const isAnswered = isPulsehouseError(error) && error.cause instanceof ServerError;
      if (isAnswered) this.#free.push(session);
      throw error;
    }
  }

  /** Drops the tables that hold rows now. What cannot be dropped goes with its session. */
  async close(deadline: number): Promise<void> {
    const sessions = this.#free.splice(0);
    await Promise.all(
      sessions.map(async ({ id, tables }) => {
        for (const table of tables) {
          if (table === 'columns') continue;
          const sql = `DROP TEMPORARY TABLE IF EXISTS ${trialTableName(table)}`;
          await this.#questions.run({ sql, sessionId: id }, deadline).catch(() => undefined);
        }
      }),
    );
  }
}
