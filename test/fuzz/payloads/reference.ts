import { isPassing, meaningOf } from '../../../lib/clickhouse/error-table.ts';
import { INSERT_SETTINGS } from '../../../lib/clickhouse/insert-settings.ts';
import type { Server } from '../../../lib/clickhouse/server.ts';
import { ServerError } from '../../../lib/clickhouse/server-error.ts';
import { insertStatement, type Mapping } from '../../../lib/clickhouse/statement.ts';
import type { Message } from './messages.ts';

const TIMEOUT = 60_000;
const TRIES = 5;

/** A table of the same kind, into which payloads are inserted as anybody would: what ClickHouse itself makes of each. */
export class Reference {
  readonly table: string;
  readonly #server: Server;
  readonly #statement: string;
  readonly #emptyAsNull: 0 | 1;

  constructor(server: Server, mapping: Mapping) {
    const target = { ...mapping.target, table: `${mapping.target.table}_reference` };
    this.table = `${target.database}.${target.table}`;
    this.#server = server;
    this.#statement = insertStatement({ ...mapping, target });
    this.#emptyAsNull = mapping.source.emptyStrings === 'null' ? 1 : 0;
  }

  /** Undefined when the payload, alone, became a row; otherwise the server's words. */
  refusal(message: Message): Promise<string | undefined> {
    return this.#insert([rowOf(message)]);
  }

  /** In one statement, or each alone: also where they are not taken together. Answers those that are refused, with the server's words. */
  async refusals(messages: readonly Message[], together: boolean): Promise<ReadonlyMap<Message, string>> {
    const refused = new Map<Message, string>();
    if (messages.length === 0) return refused;
    if (together && (await this.#insert(messages.map(rowOf))) === undefined) return refused;
    for (const message of messages) {
      const refusal = await this.refusal(message);
      if (refusal !== undefined) refused.set(message, refusal);
    }
    return refused;
  }

  /** Into one block, so that all of the rows are stored or none. */
  async #insert(rows: readonly Buffer[]): Promise<string | undefined> {
    for (let tried = 1; ; tried++) {
      try {
        await this.#server.run({
          sql: this.#statement,
          parameters: { partition: 0, notAfter: 2 ** 32 - 1 },
          settings: {
            ...INSERT_SETTINGS,
            input_format_json_empty_as_default: this.#emptyAsNull,
            insert_deduplicate: 0,
            input_format_parallel_parsing: 0,
            max_threads: 1,
          },
          body: rows,
          timeout: TIMEOUT,
        });
        return undefined;
      } catch (error) {
        if (!(error instanceof ServerError)) throw error;
        const passes = isPassing(error.code) || meaningOf(error.code, error.message) === 'busy';
        if (!passes) return error.summary;
        if (tried === TRIES) throw error;
      }
    }
  }
}

/** The position stands before what the message itself holds. */
function rowOf({ ledger, entry, index, payload }: Message): Buffer {
  const brace = payload.indexOf('{');
  const rest = payload.subarray(brace + 1);
  const isEmpty = /^\s*\}/.test(rest.subarray(0, 64).toString('latin1'));
  return Buffer.concat([
    Buffer.from(`{"_ledger":${ledger},"_entry":${entry},"_index":${index}${isEmpty ? '' : ','}`),
    rest,
    Buffer.from('\n'),
  ]);
}
