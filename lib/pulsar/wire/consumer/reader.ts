import { isPulsehouseError, isRetryable, messageOf, PulsehouseError } from '../../../pipeline/errors.ts';
import { formatPosition, isAfter, type Position } from '../../../pipeline/position.ts';
import { retry } from '../../../ports/retry.ts';
import type { Entry, EntryReader, ReaderOptions } from '../../../ports/transport.ts';
import { openEntry, permitsOf, type RawEntry, readRawEntry } from '../entry.ts';
import type { Connection } from '../net/connection.ts';
import type { ReadingConnection } from '../net/pool.ts';
import { MAX_ENTRY_BYTES, type WireOptions } from '../options.ts';
import { isPassing } from '../passing.ts';
import { Alarm } from './alarm.ts';
import { type Arrival, Arrivals } from './arrivals.ts';
import { Continuity } from './continuity.ts';
import { EntryGroup, EXPIRES_AFTER } from './entry-group.ts';
import { checkLedgerEnd } from './ledger-end.ts';
import { Permits } from './permits.ts';
import { readerSession, Session } from './session.ts';

/** How long one next() may stay without a broker before it is an error; a broker restarts faster. */
const OUT_OF_REACH = 30_000;

/** Nothing more is expected of a message's chunks when none came for so long, milliseconds. */
const QUIET = 20_000;

/** How long closing waits for the broker to confirm it. */
const CLOSING = 5_000;

export type ConnectToOwner = (topic: string, deadline: number) => Promise<Connection>;
/** The same for reading from it, which nobody else then does. */
export type ReadFromOwner = (topic: string, deadline: number) => Promise<ReadingConnection>;

/**
 * Reads one partition through a subscription that is not durable and has a name of its own, so that nothing in the
 * broker moves and no two readers meet. Decoding happens when an entry is taken, not when it arrives: what waits in
 * memory is what came over the wire.
 */
export class WireReader implements EntryReader {
  readonly topic: string;
  readonly #options: WireOptions;
  readonly #maxBufferedBytes: number;
  readonly #connect: ReadFromOwner;
  readonly #onClose: (reader: WireReader) => void;
  readonly #permits: Permits;
  readonly #continuity: Continuity;
  #arrivals = new Arrivals(() => {});
  #session: Session | undefined;
  #reading: ReadingConnection | undefined;
  #opening: Promise<void> | undefined;
  #group: EntryGroup;
  /** To be given out, in order. */
  #ready: Entry[] = [];
  #arrivedAt = 0;
  #askedForEndAt = 0;
  /** The first arrival of a new ledger, once the end of the one before it was found in order. */
  #inOrder: Arrival | undefined;
  #checking: Promise<void> | undefined;
  #failure: unknown;
  #lostAt: number | undefined;
  #wake: () => void = () => {};
  readonly #alarm: Alarm;
  readonly #stopped = new AbortController();

  constructor(
    topic: string,
    reader: ReaderOptions,
    options: WireOptions,
    connect: ReadFromOwner,
    onClose: (reader: WireReader) => void,
  ) {
    this.topic = topic;
    this.#options = options;
    this.#maxBufferedBytes = reader.maxBufferedBytes;
    this.#connect = connect;
    this.#onClose = onClose;
    this.#permits = new Permits(reader.maxBufferedBytes);
    this.#continuity = new Continuity(reader.after);
    this.#alarm = new Alarm(options.environment, () => this.#wake());
    this.#group = this.#newGroup();
  }

  get waitsFor(): string | undefined {
    return this.#group.waitsFor;
  }

  /** The live consumer, for questions about the partition that cost no further one. */
  get session(): Session | undefined {
    return this.#session?.gone === undefined ? this.#session : undefined;
  }

  /** @throws PulsehouseError when the topic cannot be read by the deadline. */
  async open(deadline: number): Promise<void> {
    await retry(this.#options.environment, { deadline, retryIf: isPassing }, () => this.#open(deadline));
  }

  poll(): Entry | undefined {
    for (;;) {
      const ready = this.#ready.shift();
      if (ready !== undefined) {
        this.#continuity.given(ready.position);
        return ready;
      }
      if (this.#failure !== undefined) this.#fail(this.#failure);
      // Where a ledger ends, `next` looks back first.
      else if (this.#ledgerEnd() !== undefined) return undefined;
      else {
        const arrival = this.#arrivals.take();
        if (arrival === undefined) return undefined;
        this.#accept(arrival);
        if (this.#arrivals.bytes * 2 <= this.#maxBufferedBytes) this.#session?.connection.release(this);
      }
    }
  }

  /** Throws, unless something came before the entry that cannot be read: nothing can be whole across that. */
  #fail(failure: unknown): void {
    const position = isPulsehouseError(failure) ? failure.where.position : undefined;
    if (position === undefined || this.#group.isEmpty) throw failure;
    this.#ready.push(...this.#group.giveUpAll(`the entry at ${position} among its chunks cannot be read`));
  }

  async next(milliseconds: number): Promise<Entry | undefined> {
    const { environment } = this.#options;
    const deadline = environment.now() + milliseconds;
    for (;;) {
      const entry = this.poll();
      if (entry !== undefined) return entry;
      if (this.#stopped.signal.aborted) return undefined;
      const left = deadline - environment.now();
      if (left <= 0) return undefined;
      const ended = this.#ledgerEnd();
      if (ended !== undefined) await this.#check(ended, left);
      else if (this.#arrivals.gone !== undefined) await this.#reopen(left);
      else {
        if (!this.#group.isEmpty) this.#askForEnd();
        await this.#waitForArrival(left);
      }
    }
  }

  async close(): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    this.#stopped.abort();
    this.#alarm.stop();
    this.#wake();
    this.#onClose(this);
    const session = this.#session;
    session?.connection.release(this);
    try {
      await session?.close(this.#options.environment.now() + CLOSING);
    } catch (error) {
      // The consumer dies with its connection, which the transport closes.
      this.#options.log.debug('closing a reader was not confirmed', {
        topic: this.topic,
        error: messageOf(error),
      });
    } finally {
      this.#reading?.giveBack();
    }
  }

  /**
   * A message that the topic ends within, and that nobody has gone on with for a long time, is given up. What the broker says is
   * the end must have been seen, and nothing may have come for a while.
   */
  #askForEnd(): void {
    const { environment, log } = this.#options;
    const { session } = this;
    const now = environment.now();
    const isQuiet = now - Math.max(this.#arrivedAt, this.#askedForEndAt) >= QUIET;
    if (!isQuiet || now - this.#group.newest < EXPIRES_AFTER || session === undefined) return;
    this.#askedForEndAt = now;
    const group = this.#group;
    session.lastMessageId(now + QUIET).then(
      ({ last }) => {
        const { seen } = this.#continuity;
        const isEnd = seen !== undefined && !isAfter(last, seen);
        if (!isEnd || this.#group !== group || this.#arrivals.first !== undefined) return;
        this.#ready.push(...group.giveUpAll('nothing follows its chunks'));
        this.#wake();
      },
      (error: unknown) => log.debug('the end of a topic is not known', { error: messageOf(error) }),
    );
  }

  #newGroup(): EntryGroup {
    return new EntryGroup(this.#options.maxEntryBytes ?? MAX_ENTRY_BYTES);
  }

  /** May end early. */
  async #waitForArrival(milliseconds: number): Promise<void> {
    this.#alarm.setWithin(milliseconds);
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = () => {};
  }

  #ledgerEnd(): { readonly seen: Position; readonly next: Arrival } | undefined {
    const next = this.#arrivals.first;
    if (next === undefined || next === this.#inOrder) return undefined;
    const seen = this.#continuity.across(next);
    return seen && { seen, next };
  }

  /** Waits for `milliseconds`; a check under way goes on beyond them. */
  async #check(
    ended: { readonly seen: Position; readonly next: Arrival },
    milliseconds: number,
  ): Promise<void> {
    const { seen, next } = ended;
    this.#checking ??= checkLedgerEnd(this.#options, this.topic, seen, next, this.#stopped.signal).then(
      () => {
        this.#inOrder = next;
      },
      (error: unknown) => {
        this.#failure = error;
      },
    );
    const checked = new AbortController();
    const checking = this.#checking.finally(() => {
      this.#checking = undefined;
      checked.abort();
    });
    await Promise.race([checking, this.#options.environment.sleep(milliseconds, checked.signal)]);
  }

  /** Tries to subscribe again for `milliseconds`; an attempt under way goes on beyond them. */
  async #reopen(milliseconds: number): Promise<void> {
    const { environment, log } = this.#options;
    this.#lostAt ??= environment.now();
    if (this.#opening === undefined) {
      const lost = this.#arrivals.gone;
      if (lost !== undefined && !isRetryable(lost)) {
        this.#failure = lost;
        return;
      }
      log.info('reading goes on over a new connection', { topic: this.topic, lost: lost?.message });
      const giveUp = this.#lostAt + OUT_OF_REACH;
      this.#opening = retry(
        environment,
        { deadline: giveUp, retryIf: isRetryable, stop: this.#stopped.signal },
        () => this.#open(giveUp),
      ).then(
        () => {
          this.#lostAt = undefined;
        },
        (error: unknown) => {
          this.#failure = error;
        },
      );
    }
    const opened = new AbortController();
    const opening = this.#opening.finally(() => {
      this.#opening = undefined;
      opened.abort();
    });
    await Promise.race([opening, environment.sleep(milliseconds, opened.signal)]);
  }

  async #open(deadline: number): Promise<void> {
    this.#reading?.giveBack();
    const reading = await this.#connect(this.topic, deadline);
    const arrivals = new Arrivals(() => this.#onArrival(arrivals));
    let session: Session;
    try {
      session = await Session.open(
        reading.connection,
        readerSession(this.#options, this.topic, this.#continuity.last),
        deadline,
        arrivals,
      );
    } catch (error) {
      reading.giveBack();
      throw error;
    }
    if (this.#stopped.signal.aborted) return session.close(deadline).finally(() => reading.giveBack());
    this.#reading = reading;
    this.#session = session;
    this.#arrivals = arrivals;
    this.#group = this.#newGroup();
    this.#ready = [];
    this.#continuity.restart();
    this.#permits.reset();
    session.grant(this.#permits.take());
  }

  #onArrival(arrivals: Arrivals): void {
    this.#arrivedAt = this.#options.environment.now();
    if (arrivals.bytes > this.#maxBufferedBytes) this.#session?.connection.hold(this);
    this.#wake();
  }

  /** What becomes of one arrival: it makes entries ready, or fails, or does nothing yet. Its permits are given back in any case. */
  #accept(arrival: Arrival): void {
    const { frame, ledger, entry: entryId } = arrival;
    const position = { ledger, entry: entryId };
    let permits = 1;
    try {
      const raw = this.#read(arrival, position);
      if (raw === undefined) return;
      permits = permitsOf(raw);
      const step = this.#continuity.step(raw);
      if (step === 'known' || raw.metadata.markerType !== undefined) return;
      if (this.#group.isEmpty && raw.metadata.chunks <= 1)
        this.#ready.push(openEntry(raw, this.#options.maxEntryBytes ?? MAX_ENTRY_BYTES));
      else for (const entry of this.#group.add(raw)) this.#ready.push(entry);
    } catch (error) {
      this.#failure =
        error instanceof PulsehouseError
          ? error.at({ topic: this.topic, position: formatPosition(position) })
          : error;
    } finally {
      this.#permits.giveBack(permits, frame.length);
      this.#session?.grant(this.#permits.take());
    }
  }

  /** Undefined for an entry that cannot be read and need not be: reading was told to begin after it. */
  #read({ frame, commandEnd }: Arrival, position: Position): RawEntry | undefined {
    try {
      return readRawEntry(frame, commandEnd, position);
    } catch (error) {
      if (!this.#continuity.passesOver(position)) throw error;
      // How many messages it took permits for is not known: all are counted as free again.
      this.#permits.reset();
      return undefined;
    }
  }
}
