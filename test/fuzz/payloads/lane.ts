import { randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import type { Server } from '../../../lib/clickhouse/server.ts';
import { consume } from '../../../lib/consume/consume.ts';
import { parseDeadLetters } from '../../../lib/consume/dead-letter-lines.ts';
import { ensureBeginnings } from '../../../lib/initialise/beginnings.ts';
import { ensureTarget } from '../../../lib/initialise/target.ts';
import { messageOf } from '../../../lib/pipeline/errors.ts';
import type { Pipeline } from '../../../lib/pipeline/pipeline.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import type { Body } from './bodies.ts';
import { compare, compareRows, type Difference, type FoundLetter, keyOfRow } from './compare.ts';
import { CountingSink, type RoadCounts } from './counting-sink.ts';
import { type InProcess, inProcess } from './in-process.ts';
import { KernelRows } from './kernel-rows.ts';
import { type Message, messageKey, messagesOf } from './messages.ts';
import { Reference } from './reference.ts';
import { ddlOf, jsonColumnsOf, pipelineFor, referenceDdl, type TableKind } from './table.ts';

/** One round must end well within it. */
const ROUND = 10 * 60_000;
const ALONE_AT_ONCE = 2;
/** They stand before a row's own columns. */
const KEY_COLUMNS = ['_ledger', '_entry', '_index'] as const;
/** Rows that a statement lists. */
const MOST_LISTED = 5_000;

export interface LaneOptions {
  readonly database: string;
  readonly table: string;
  readonly kind: TableKind;
  /** One row in so many is compared with what ClickHouse makes of it by itself. */
  readonly sample: number;
}

export interface RoundCounts extends RoadCounts {
  readonly bodies: number;
  readonly payloads: number;
  readonly rows: number;
  readonly deadLetters: number;
  readonly filtered: number;
  /** Dead letters that only the server refused, and the bodies in which they were. */
  readonly refused: number;
  readonly bodiesWithRefused: number;
  /** Payloads that were also inserted past Pulsehouse. */
  readonly alone: number;
  /** Payloads whose row of the kernel's was compared with what ClickHouse reads. */
  readonly vouched: number;
}

export interface Round {
  readonly counts: RoundCounts;
  readonly differences: readonly Difference[];
  /** Why the partition did not come to its end. */
  readonly stuck: string | undefined;
}

/** One table with a consumer of its own. Each round begins with an empty table, a new topic and a new state. */
export class Lane {
  readonly #pipeline: Pipeline;
  readonly #server: Server;
  readonly #sink: CountingSink;
  readonly #reference: Reference;
  readonly #kernelRows: KernelRows;
  /** One row in so many is compared with what it is alone. */
  readonly #sample: number;
  /** Columns that a star leaves out. */
  readonly #computed: string;
  readonly #json: readonly number[];

  private constructor(pipeline: Pipeline, server: Server, { kind, sample }: LaneOptions) {
    this.#pipeline = pipeline;
    this.#server = server;
    this.#sink = new CountingSink(pipeline, server, environment);
    this.#reference = new Reference(server, pipeline);
    this.#kernelRows = new KernelRows(server, pipeline);
    this.#sample = sample;
    this.#computed = kind.computed === undefined ? '' : `, ${kind.computed}`;
    this.#json = jsonColumnsOf(kind).map((at) => KEY_COLUMNS.length + at);
  }

  static async open(server: Server, options: LaneOptions): Promise<Lane> {
    const { database, table, kind } = options;
    const pipeline = pipelineFor(database, table, kind);
    const lane = new Lane(pipeline, server, options);
    const deadline = environment.now() + ROUND;
    await ensureTarget(pipeline, server, ddlOf(kind), environment, deadline, () => undefined);
    await lane.#run(referenceDdl(kind, lane.#reference.table));
    await lane.#kernelRows.open();
    // Parts are gone before it would be worth merging them.
    await lane.#run(`SYSTEM STOP MERGES ${lane.#table}`);
    return lane;
  }

  get #table(): string {
    return `${this.#pipeline.target.database}.${this.#pipeline.target.table}`;
  }

  async round(bodies: readonly Body[]): Promise<Round> {
    await this.#run(`TRUNCATE TABLE ${this.#table}`);
    await this.#run(`TRUNCATE TABLE ${this.#reference.table}`);
    const ports = inProcess(bodies);
    const { messages, empty } = messagesOf(bodies);
    const ended = await this.#consume(ports);
    const rows = await this.#rows();
    const letters = await lettersOf(ports, this.#pipeline);
    const refused = letters.filter(({ reason }) => !reason.startsWith('payload '));
    const counts: RoundCounts = {
      bodies: bodies.length,
      payloads: messages.size + empty,
      rows: [...rows.values()].reduce((sum, count) => sum + count, 0),
      deadLetters: letters.length,
      filtered: empty,
      refused: refused.length,
      bodiesWithRefused: new Set(refused.map(({ key }) => key.slice(0, key.indexOf(':')))).size,
      alone: 0,
      vouched: 0,
      ...this.#sink.takeRoads(),
    };
    if (typeof ended === 'string') return { counts, differences: [], stuck: ended };
    const alone = await this.#alone(messages, rows, letters);
    const { vouched, differences } = await this.#kernelRows.look(messages.values());
    return {
      counts: { ...counts, alone: alone.looked, vouched },
      differences: [
        ...compare(messages, { rows, letters }),
        ...alone.differences,
        ...differences,
        ...conserved(ended.totals, counts),
      ],
      stuck: undefined,
    };
  }

  /** The partition's totals when it ends as it should; otherwise why it did not. */
  async #consume(ports: InProcess): Promise<string | { readonly totals: Totals }> {
    const deadline = environment.now() + ROUND;
    const dependencies = {
      ...ports,
      pipeline: this.#pipeline,
      sink: this.#sink,
      environment,
      log: silentLog,
    };
    try {
      const topics = await ports.transport.partitions(this.#pipeline.topic, deadline);
      await ensureBeginnings(dependencies, topics, deadline, () => undefined);
      const result = await consume(dependencies, {
        partition: 0,
        owner: randomUUID(),
        deadline,
        until: 'drained',
      });
      const state = await ports.state.readPartition(this.#pipeline.name, 0, deadline);
      if (result.outcome !== 'drained') return `${result.outcome}: ${result.halt?.reason ?? ''}`;
      if (!state || state.inFlight.length > 0 || state.failedTries) return 'batches are left in flight';
      return { totals: state.totals };
    } catch (error) {
      return messageOf(error);
    }
  }

  async #rows(): Promise<ReadonlyMap<string, number>> {
    const text = await this.#run(
      `SELECT _ledger, _entry, groupArray(_index), max(_row), max(_partition) FROM ${this.#table}
GROUP BY _ledger, _entry FORMAT JSONCompactEachRow SETTINGS output_format_json_quote_64bit_integers = 0`,
    );
    const rows = new Map<string, number>();
    for (const line of text.split('\n').filter((one) => one !== '')) {
      const [ledger, entry, indexes, row, partition] = JSON.parse(line) as [
        number,
        number,
        number[],
        number,
        number,
      ];
      for (const index of indexes) {
        const key =
          row + partition === 0 ? `${ledger}:${entry}:${index}` : `row ${row} of partition ${partition}`;
        rows.set(key, (rows.get(key) ?? 0) + 1);
      }
    }
    return rows;
  }

  /**
   * Some of the rows, and every dead letter of the server's, are inserted into a table of the same kind: what is known to
   * be good in one statement, with other neighbours than it had unless all are looked at, and each dead letter by itself.
   */
  async #alone(
    messages: ReadonlyMap<string, Message>,
    rows: ReadonlyMap<string, number>,
    letters: readonly FoundLetter[],
  ): Promise<{ readonly differences: Difference[]; readonly looked: number }> {
    const differences: Difference[] = [];
    const sampled = [...messages].filter(([key, message]) => rows.has(key) && this.#isSampled(message));
    const mine = sampled.map(([, message]) => message);
    const refusals = await this.#reference.refusals(mine, this.#sample > 1);
    for (const [{ body, ledger, entry, index }, refusal] of refusals) {
      const at = messageKey(ledger, entry, index);
      differences.push({ body, at, what: `is a row, and alone is refused: ${refusal}` });
    }
    const expected = await this.#whole(this.#reference.table, mine);
    const stored = await this.#whole(this.#table, mine);
    const refused = letters.filter(({ reason }) => !reason.startsWith('payload '));
    await pLimit(ALONE_AT_ONCE).map(refused, async ({ key, reason }) => {
      const message = messages.get(key);
      if (!message || (await this.#reference.refusal(message)) !== undefined) return;
      differences.push({
        body: message.body,
        at: key,
        what: `alone becomes a row, and is a dead letter: ${reason}`,
      });
    });
    return {
      differences: [...differences, ...compareRows({ expected, stored, messages, json: this.#json })],
      looked: refused.length + sampled.length,
    };
  }

  #isSampled({ ledger, entry, index, payload }: Message): boolean {
    return this.#sample === 1 || (ledger * 7 + entry * 31 + index + payload.length) % this.#sample === 0;
  }

  /** The rows of these messages as text by their keys. */
  async #whole(table: string, of: readonly Message[]): Promise<ReadonlyMap<string, string>> {
    if (of.length === 0) return new Map();
    // Of very many the list would be a statement too long to be read; then the others are looked at for nothing.
    const these = of
      .slice(0, MOST_LISTED + 1)
      .map(({ ledger, entry, index }) => `(${ledger},${entry},${index})`);
    const where =
      these.length > MOST_LISTED ? '' : ` WHERE (_ledger, _entry, _index) IN (${these.join(',')})`;
    const text = await this.#run(
      `SELECT ${KEY_COLUMNS.join(', ')}, *${this.#computed} FROM ${table}${where} FORMAT TSV`,
    );
    return new Map(
      text.split('\n').flatMap((line) => {
        if (line === '') return [];
        const [ledger = '', entry = '', index = ''] = line.split('\t', 3);
        return [[keyOfRow(ledger, entry, index), line] as const];
      }),
    );
  }

  #run(sql: string): Promise<string> {
    return this.#server.run({ sql, timeout: ROUND, settings: { wait_end_of_query: 1 } });
  }
}

interface Totals {
  readonly messages: number;
  readonly rows: number;
  readonly filtered: number;
  readonly deadLetters: number;
}

function conserved(totals: Totals, counts: RoundCounts): Difference[] {
  const pairs = [
    ['messages', totals.messages, counts.payloads],
    ['rows', totals.rows, counts.rows],
    ['filtered', totals.filtered, counts.filtered],
    ['dead letters', totals.deadLetters, counts.deadLetters],
  ] as const;
  return pairs
    .filter(([, said, there]) => said !== there)
    .map(([name, said, there]) => ({
      body: undefined,
      at: undefined,
      what: `the state counts ${said} ${name} and there are ${there}`,
    }));
}

/** Those that the batches' records name. */
async function lettersOf({ state, objects }: InProcess, { name }: Pipeline): Promise<FoundLetter[]> {
  const deadline = environment.now() + ROUND;
  const partition = await state.readPartition(name, 0, deadline);
  if (!partition) return [];
  const batches = await state.readBatches(name, 0, partition.generation, deadline);
  const letters: FoundLetter[] = [];
  for (const { key } of batches.flatMap(({ deadLetters }) => deadLetters?.parts ?? [])) {
    for (const letter of parseDeadLetters((await objects.read(key, deadline)) ?? Buffer.alloc(0))) {
      letters.push({
        key: `${letter.position}:${letter.index}`,
        reason: letter.reason,
        payload: Buffer.from(letter.payload, 'base64'),
      });
    }
  }
  return letters;
}
