import { binaryStatement } from '../../../lib/clickhouse/binary-insert.ts';
import { FrameCheck } from '../../../lib/clickhouse/encode/frame-check.ts';
import { VERDICT } from '../../../lib/clickhouse/encode/row-encoder.ts';
import { ValueCheck } from '../../../lib/clickhouse/encode/value-check.ts';
import { INSERT_SETTINGS } from '../../../lib/clickhouse/insert-settings.ts';
import { type RowFormat, rowFormatOf } from '../../../lib/clickhouse/row-format.ts';
import type { Server } from '../../../lib/clickhouse/server.ts';
import type { Mapping } from '../../../lib/clickhouse/statement.ts';
import { entryOf } from '../../support/entry-of.ts';
import type { Difference } from './compare.ts';
import { type Message, messageKey } from './messages.ts';
import { Reference } from './reference.ts';

const TIMEOUT = 60_000;
const FRAME = new FrameCheck();

interface KernelCounts {
  /** Payloads that the kernel made rows of. */
  readonly vouched: number;
  readonly differences: readonly Difference[];
}

/**
 * Every payload of which the kernel makes a row, however its batch travels, is inserted twice: that row, and the payload as
 * JSON that ClickHouse reads itself. Fields are stored as they are, so that both tables hold what was read.
 */
export class KernelRows {
  readonly #server: Server;
  readonly #mapping: Mapping;
  readonly #format: RowFormat;
  readonly #reference: Reference;
  readonly #values: ValueCheck;

  constructor(server: Server, pipeline: Mapping) {
    const { target, source } = pipeline;
    const columns = Object.fromEntries(Object.keys(source.fields).map((name) => [name, `\`${name}\``]));
    this.#mapping = { target: { ...target, table: `${target.table}_kernel` }, source, columns };
    this.#server = server;
    this.#format = rowFormatOf(this.#mapping);
    this.#reference = new Reference(server, this.#mapping);
    this.#values = new ValueCheck(source.fields, source.emptyStrings ?? 'deadLetter');
  }

  get #table(): string {
    return `${this.#mapping.target.database}.${this.#mapping.target.table}`;
  }

  get #tables(): readonly string[] {
    return this.#format.name === 'RowBinary' ? [this.#table, this.#reference.table] : [];
  }

  async open(): Promise<void> {
    const fields = Object.entries(this.#mapping.source.fields).map(([name, type]) => `\`${name}\` ${type}`);
    const position = '_partition UInt32, _ledger Int64, _entry Int64, _index UInt32, _row UInt32';
    for (const table of this.#tables)
      await this.#run(`CREATE TABLE ${table} (${position}, ${fields.join(', ')}) ENGINE = Memory`);
  }

  async look(messages: Iterable<Message>): Promise<KernelCounts> {
    if (this.#format.name !== 'RowBinary') return { vouched: 0, differences: [] };
    for (const table of this.#tables) await this.#run(`TRUNCATE TABLE ${table}`);
    const differences: Difference[] = [];
    const { rows, chunks } = encoded(this.#format, messages);
    if (rows.length === 0) return { vouched: 0, differences };
    for (const message of rows) {
      const fault = this.#faultOf(message);
      if (fault !== undefined) differences.push(differenceOf(message, `and TypeScript refuses it: ${fault}`));
    }
    await this.#server.run({
      sql: binaryStatement(this.#mapping, this.#format.structure),
      parameters: { partition: 0, notAfter: 2 ** 32 - 1 },
      settings: { ...INSERT_SETTINGS, insert_deduplicate: 0 },
      body: chunks,
      timeout: TIMEOUT,
    });
    for (const [message, refusal] of await this.#reference.refusals(rows, true))
      differences.push(differenceOf(message, `and ClickHouse refuses it: ${refusal}`));
    return { vouched: rows.length, differences: [...differences, ...(await this.#compared(rows))] };
  }

  #faultOf({ payload }: Message): string | undefined {
    const fault = FRAME.fault(payload, 0, payload.length);
    if (fault !== undefined || !this.#values.concerns(FRAME.seen)) return fault;
    return this.#values.fault(payload, 0, payload.length);
  }

  /** By their hashes first. Nearly always that is all. */
  async #compared(rows: readonly Message[]): Promise<Difference[]> {
    const hash = (table: string): Promise<string> =>
      this.#run(`SELECT count(), groupBitXor(cityHash64(formatRow('RowBinary', *))) FROM ${table}`);
    if ((await hash(this.#table)) === (await hash(this.#reference.table))) return [];
    const [mine, its] = [await this.#rowsOf(this.#table), await this.#rowsOf(this.#reference.table)];
    return rows.flatMap((message) => {
      const key = messageKey(message.ledger, message.entry, message.index);
      if (!its.has(key) || mine.get(key) === its.get(key)) return [];
      return [differenceOf(message, `${mine.get(key) ?? 'nothing'} and ClickHouse reads ${its.get(key)}`)];
    });
  }

  async #rowsOf(table: string): Promise<ReadonlyMap<string, string>> {
    const text = await this.#run(
      `SELECT concat(toString(_ledger), ':', toString(_entry), ':', toString(_index)), hex(formatRow('RowBinary', *)), * FROM ${table} FORMAT TSV`,
    );
    return new Map(
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => [line.slice(0, line.indexOf('\t')), line]),
    );
  }

  #run(sql: string): Promise<string> {
    return this.#server.run({ sql, timeout: TIMEOUT, settings: { wait_end_of_query: 1 } });
  }
}

function differenceOf({ body, ledger, entry, index }: Message, what: string): Difference {
  return { body, at: messageKey(ledger, entry, index), what: `is a row of the kernel ${what}` };
}

/** Entry by entry. */
function encoded(
  { encoder }: RowFormat & { readonly name: 'RowBinary' },
  messages: Iterable<Message>,
): { readonly rows: readonly Message[]; readonly chunks: readonly Uint8Array[] } {
  const entries = new Map<string, Message[]>();
  for (const message of messages) {
    const key = `${message.ledger}:${message.entry}`;
    entries.set(key, [...(entries.get(key) ?? []), message]);
  }
  const rows: Message[] = [];
  const chunks: Uint8Array[] = [];
  for (const mine of entries.values()) {
    const [{ ledger, entry } = { ledger: 0, entry: 0 }] = mine;
    const payloads: (Buffer | undefined)[] = [];
    for (const { index, payload } of mine) payloads[index] = payload;
    const whole = entryOf({ ledger, entry }, Array.from(payloads), 1);
    const { bytes, verdicts } = encoder.encode(whole, undefined);
    chunks.push(bytes);
    rows.push(...mine.filter(({ index }) => verdicts[index] === VERDICT.row));
  }
  return { rows, chunks };
}
