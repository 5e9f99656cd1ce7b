import { ServerError } from '../../../lib/clickhouse/server-error.ts';
import { LATE_BODY } from '../../../lib/clickhouse/statement.ts';
import type { TokenWindow } from '../../../lib/pipeline/intent.ts';
import { comparePositions, formatPosition, type Position } from '../../../lib/pipeline/position.ts';
import type { RowRange } from '../../../lib/ports/sink.ts';
import type { Link } from '../link.ts';
import type { Random } from '../random.ts';
import type { Scheduler } from '../scheduler.ts';

export interface StoredRow {
  readonly partition: number;
  readonly position: Position;
  readonly index: number;
}

/** A row of an insert's body, with what the server finds when it reads it. */
export interface IncomingRow extends StoredRow {
  /** Value of the table's partition key. */
  readonly tablePartition: string;
  /** What of the server cannot take it, if anything: its reader, a column's expression, or what writes its part. */
  readonly trouble: Trouble | undefined;
  /** Does not meet one of the two conditions that a statement may have. */
  readonly unmet: Condition | 'both' | undefined;
}

/** A deployment may change the one for the other. */
export type Condition = 'first' | 'second';

export type Trouble = 'reader' | 'column' | 'part';

export interface ServerInsert {
  readonly queryId: string;
  readonly token: string;
  /** Milliseconds since the epoch, by the server's clock. */
  readonly notAfter: number;
  readonly rows: readonly IncomingRow[];
  /** Only rows that meet its condition are stored, and only their expressions evaluated. */
  readonly condition: Condition | undefined;
}

/** How likely each of the server's own ways to fail is, and how long an insert runs. */
export interface ServerFaults {
  insertUpTo: number;
  /** An insert now and then runs this long: past its sender's patience. */
  slowInsert: number;
  slowInsertUpTo: number;
  /** Fails after some of its table partitions were stored. */
  failMidway: number;
  /** Too many queries, or too many parts: refused before anything is read. */
  busy: number;
  /** A view fails after the table's own rows were stored. */
  viewFails: number;
  /** The error names no row, or another one. */
  rowNotNamed: number;
  wrongRowNamed: number;
}

export interface TableSettings {
  /** `non_replicated_deduplication_window`: tokens the whole table remembers; 0 remembers none. */
  readonly window: number;
  /** Milliseconds the server's clock is ahead of the true one. */
  readonly skew: number;
}

interface Running {
  readonly insert: ServerInsert;
  /** Table partitions yet to be stored, each one block, in order. */
  readonly blocks: [tablePartition: string, rows: IncomingRow[]][];
  readonly respond: (error: Error | undefined) => void;
}

/** Functions and readers raise any code by value, those of a schema among them. */
const UNFIT_CODES = [6, 27, 32, 36, 43, 72, 130, 321, 395, 427] as const;

/** The table as it once was. */
export interface TableBackup {
  readonly rows: ReadonlySet<StoredRow>;
  readonly tokens: readonly string[];
  readonly lastBlock: number;
  readonly oldestPart: number;
  readonly newestPart: number;
  readonly newestForeign: number;
}

/** What becomes of a block that was being written when the server was killed. */
type Remains = 'nothing' | 'token only' | 'token and rows';

/**
 * One plain MergeTree table and the server it is on, as far as facts.md measured it: a block (one table partition of one
 * insert) is atomic; its token is logged before its part is committed, and only a crash comes between the two; the token log
 * counts blocks of the whole table; an insert that has started is bound by nothing but KILL.
 */
export class ClickHouse {
  readonly link: Link;
  readonly settings: TableSettings;
  faults: ServerFaults;
  rows: StoredRow[] = [];
  onRemoved: (rows: ReadonlySet<StoredRow>) => void = () => {};
  onStored: (rows: readonly StoredRow[]) => void = () => {};
  private readonly inView = new Set<string>();
  private readonly running = new Map<string, Running>();
  private tokens: string[] = [];
  /** Tables there were under the name before this one. */
  private remakes = 0;
  /** How often each batch's token was logged without its rows. */
  private readonly swallowed = new Map<string, number>();
  private lastBlock = 0;
  private oldestPart = -1;
  private newestPart = -1;
  /** Block each row came in. */
  private readonly blockOf = new Map<StoredRow, number>();
  /** Newest block of other writers: its part is never emptied. */
  private newestForeign = -1;
  private readonly scheduler: Scheduler;
  private readonly random: Random;

  constructor(
    scheduler: Scheduler,
    random: Random,
    link: Link,
    settings: TableSettings,
    faults: ServerFaults,
  ) {
    this.scheduler = scheduler;
    this.random = random;
    this.link = link;
    this.settings = settings;
    this.faults = faults;
  }

  get now(): number {
    return this.scheduler.now + this.settings.skew;
  }

  /** Here the statement is read and `now()` is taken: from now on KILL sees it and `notAfter` no longer binds it. */
  start(insert: ServerInsert, respond: (error: Error | undefined) => void): void {
    const refusal = this.refusalOf(insert);
    if (refusal !== undefined) {
      respond(refusal);
      return;
    }
    const running: Running = { insert, blocks: blocksOf(metOf(insert)), respond };
    this.running.set(insert.queryId, running);
    const failsMidway = this.random.chance(this.faults.failMidway);
    const slow = this.random.chance(this.faults.slowInsert);
    const longest = slow ? this.faults.slowInsertUpTo : this.faults.insertUpTo;
    this.writeNextBlock(
      running,
      longest,
      failsMidway ? this.random.between(0, running.blocks.length - 1) : -1,
    );
  }

  private refusalOf(insert: ServerInsert): Error | undefined {
    if (this.running.has(insert.queryId)) return new ServerError(216, 'already running');
    if (this.random.chance(this.faults.busy)) return new ServerError(202, 'too many queries');
    if (this.isPast(insert.notAfter)) return new ServerError(395, LATE_BODY);
    return this.unfitIn(insert.rows, ['reader']) ?? this.unfitIn(metOf(insert), ['column']);
  }

  /** In whole seconds, as statements compare them. */
  private isPast(notAfter: number): boolean {
    return Math.floor(this.now / 1_000) >= Math.floor(notAfter / 1_000);
  }

  /** What the first of the rows with such trouble meets, in the server's words, which name it or do not. */
  unfitIn(rows: readonly IncomingRow[], trouble: readonly Trouble[]): ServerError | undefined {
    const row = rows.findIndex((each) => each.trouble !== undefined && trouble.includes(each.trouble));
    if (row < 0) return undefined;
    // What looks like the row's number may be a payload's own words.
    const shown = this.random.chance(this.faults.wrongRowNamed)
      ? this.random.between(0, rows.length - 1)
      : row;
    const named = this.random.chance(this.faults.rowNotNamed)
      ? ''
      : `: (at row ${shown + 1})\n: While executing`;
    return new ServerError(this.random.pick(UNFIT_CODES), `Cannot take it${named}`);
  }

  /** `failAfter` blocks more the insert fails; below zero it does not. */
  private writeNextBlock(running: Running, longest: number, failAfter: number): void {
    this.scheduler.after(this.random.between(1, longest), `${running.insert.queryId} runs`, () => {
      if (this.running.get(running.insert.queryId) !== running) return;
      if (failAfter === 0) {
        this.end(running, new ServerError(241, 'memory limit exceeded'));
        return;
      }
      const block = running.blocks.shift();
      const unfit = block && this.unfitIn(block[1], ['part']);
      if (unfit) {
        // The table partitions before it are stored.
        this.end(running, unfit);
        return;
      }
      if (block !== undefined) this.commitBlock(running.insert.token, ...block, 'token and rows');
      if (running.blocks.length > 0) this.writeNextBlock(running, this.faults.insertUpTo, failAfter - 1);
      else this.end(running, this.viewError());
    });
  }

  private viewError(): Error | undefined {
    if (!this.random.chance(this.faults.viewFails)) return undefined;
    return new ServerError(395, 'it failed: while pushing to view v');
  }

  private end(running: Running, error: Error | undefined): void {
    this.running.delete(running.insert.queryId);
    // A view is filled by an insert that ends well, the blocks of it that its table knew already included.
    if (error === undefined) for (const row of metOf(running.insert)) this.inView.add(keyOf(row));
    running.respond(error);
  }

  private commitBlock(token: string, tablePartition: string, rows: IncomingRow[], remains: Remains): void {
    if (remains === 'nothing') return;
    this.lastBlock += 1;
    if (this.isRemembered(`${tablePartition}/${token}`)) {
      this.scheduler.note(`table: ${tablePartition}/${token} is a duplicate`);
      return;
    }
    this.remember(`${tablePartition}/${token}`);
    if (remains === 'token only') {
      this.scheduler.note(`table: ${tablePartition}/${token} is swallowed`);
      return;
    }
    this.newestPart = this.lastBlock;
    if (this.oldestPart === -1) this.oldestPart = this.lastBlock;
    this.rows.push(...rows);
    for (const row of rows) this.blockOf.set(row, this.lastBlock);
    this.scheduler.note(`table: ${tablePartition}/${token} stores ${rows.length}`);
    this.onStored(rows);
  }

  private isRemembered(token: string): boolean {
    return this.tokens.includes(token);
  }

  private remember(token: string): void {
    if (this.settings.window === 0) return;
    this.tokens.push(token);
    if (this.tokens.length > this.settings.window) this.tokens = this.tokens.slice(-this.settings.window);
  }

  /** Other writers of the same table use its token log up. */
  foreignBlocks(count: number): void {
    this.lastBlock += count;
    this.newestPart = this.lastBlock;
    this.newestForeign = this.lastBlock;
    if (this.oldestPart === -1) this.oldestPart = this.lastBlock - count + 1;
    for (let block = 0; block < count; block += 1) this.remember(`foreign/${this.lastBlock - block}`);
  }

  /** Killed and started again after `downFor` ms: what was running leaves whatever the disk has of it. */
  restart(downFor: number): void {
    for (const running of this.running.values()) {
      for (const [tablePartition, rows] of running.blocks) {
        if (rows.some(({ trouble }) => trouble === 'part')) break;
        const remains = this.remainsOf(running.insert.token);
        this.commitBlock(running.insert.token, tablePartition, rows, remains);
        if (remains !== 'token and rows') break;
      }
      running.respond(new Error('connection reset'));
    }
    this.running.clear();
    // Block numbers are counted from the parts that are there.
    this.lastBlock = Math.max(0, this.newestPart);
    this.link.up = false;
    this.scheduler.after(downFor, 'clickhouse is back', () => {
      this.link.up = true;
    });
  }

  /** A server that swallows one batch three times is rightly taken for broken; ours does so twice at most. */
  private remainsOf(token: string): Remains {
    const remains = this.random.pick<Remains>(['nothing', 'nothing', 'token only', 'token and rows']);
    if (remains !== 'token only') return remains;
    const batch = token.slice(0, token.lastIndexOf('#'));
    const swallowed = (this.swallowed.get(batch) ?? 0) + 1;
    if (swallowed > 2) return 'nothing';
    this.swallowed.set(batch, swallowed);
    return remains;
  }

  /** `KILL QUERY … SYNC`: ends what has started, and answers when it has ended. */
  kill(queryIdPrefix: string): void {
    for (const [queryId, running] of this.running) {
      if (!queryId.startsWith(queryIdPrefix)) continue;
      this.scheduler.note(`table: ${queryId} killed`);
      this.end(running, new ServerError(394, 'Query was cancelled'));
    }
  }

  backup(): TableBackup {
    const { rows, tokens, lastBlock, oldestPart, newestPart, newestForeign } = this;
    return { rows: new Set(rows), tokens: [...tokens], lastBlock, oldestPart, newestPart, newestForeign };
  }

  /** As another table of the same name. */
  putBack(backup: TableBackup): void {
    this.remakes += 1;
    // What still runs writes to the table that is no longer there.
    for (const { respond } of this.running.values()) respond(new ServerError(218, 'table is dropped'));
    this.running.clear();
    this.tokens = [...backup.tokens];
    this.lastBlock = backup.lastBlock;
    this.oldestPart = backup.oldestPart;
    this.newestPart = backup.newestPart;
    this.newestForeign = backup.newestForeign;
    this.removeRows(new Set(this.rows.filter((row) => !backup.rows.has(row))));
  }

  /** Block numbers go on; the token log is emptied with the parts. */
  truncate(): void {
    this.tokens = [];
    this.oldestPart = -1;
    this.newestPart = -1;
    this.newestForeign = -1;
    this.removeRows(new Set(this.rows));
  }

  deleteRows(range: RowRange, notAfter: number): void {
    if (!this.isPast(notAfter)) this.removeRows(new Set(this.rowsIn(range)));
  }

  /** As the server does in the background: then the newest block is an older one than it was. */
  private removeEmptyParts(): void {
    const blocks = [...this.blockOf.values(), ...(this.newestForeign === -1 ? [] : [this.newestForeign])];
    this.newestPart = Math.max(-1, ...blocks);
    this.oldestPart = blocks.length === 0 ? -1 : Math.min(...blocks);
  }

  removeRows(rows: ReadonlySet<StoredRow>): void {
    this.rows = this.rows.filter((row) => !rows.has(row));
    for (const row of rows) this.blockOf.delete(row);
    if (rows.size > 0) this.removeEmptyParts();
    this.scheduler.note(`table: ${rows.size} rows removed`);
    this.onRemoved(rows);
  }

  /** Rows that the table has and its view does not. */
  get notInView(): readonly StoredRow[] {
    return this.rows.filter((row) => !this.inView.has(keyOf(row)));
  }

  rowsIn(range: RowRange): readonly StoredRow[] {
    return this.rows.filter(
      (row) =>
        row.partition === range.partition &&
        comparePositions(row.position, range.after) > 0 &&
        comparePositions(row.position, range.to) <= 0,
    );
  }

  tokenWindow(): TokenWindow {
    return {
      table: `uuid${this.remakes}`,
      window: this.settings.window,
      oldestBlock: this.oldestPart,
      newestBlock: this.newestPart,
    };
  }
}

function keyOf({ partition, position, index }: StoredRow): string {
  return `${partition}/${formatPosition(position)}/${index}`;
}

/** A statement without a condition takes all of them. */
export function metOf({ rows, condition }: Pick<ServerInsert, 'rows' | 'condition'>): readonly IncomingRow[] {
  return rows.filter((row) => !isUnmet(row, condition));
}

export function isUnmet({ unmet }: IncomingRow, condition: Condition | undefined): boolean {
  return condition !== undefined && (unmet === 'both' || unmet === condition);
}

/** One block for each table partition the rows touch. */
function blocksOf(rows: readonly IncomingRow[]): [string, IncomingRow[]][] {
  const blocks = new Map<string, IncomingRow[]>();
  for (const row of rows) {
    const block = blocks.get(row.tablePartition);
    if (block === undefined) blocks.set(row.tablePartition, [row]);
    else block.push(row);
  }
  return [...blocks];
}
