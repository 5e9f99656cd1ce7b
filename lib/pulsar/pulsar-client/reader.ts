import type { Client, Message, Reader } from 'pulsar-client';
import { PulsehouseError } from '../../pipeline/errors.ts';
import { formatPosition, isAfter, type Position } from '../../pipeline/position.ts';
import type { Environment } from '../../ports/environment.ts';
import type { Entry, EntryReader, ReaderOptions } from '../../ports/transport.ts';
import { EntryAssembler } from './entry-assembler.ts';
import { clientFailure } from './failures.ts';
import { parseId } from './message-id.ts';
import { explainSkipped, follows } from './skipped-entries.ts';
import type { TopicAdmin } from './topic-admin.ts';

/** How long one reader may stay without a broker before it is an error; the client itself would try for ever. */
const OUT_OF_REACH = 30_000;
/** Looking at skipped entries goes on beyond one `next`, but not for ever. */
const EXPLAINING = 30_000;
/** What was under way when reading began is followed by what comes before it within this time. */
const SETTLING = 1_000;

export interface ReaderSurroundings {
  readonly topic: string;
  readonly admin: TopicAdmin;
  readonly environment: Environment;
}

/**
 * Messages come one by one from a thread of the client, which waits for each to be taken: a promise that is not yet
 * resolved is what holds it back. Every reader has a client of its own, so that a thread held back holds nobody else.
 */
export class ClientReader implements EntryReader {
  readonly #around: ReaderSurroundings;
  readonly #maxBufferedBytes: number;
  #assembler: EntryAssembler;
  #client: Client | undefined;
  #reader: Reader | undefined;
  #begun = false;
  #onBegin: () => void = () => {};
  #entries: Entry[] = [];
  #bufferedBytes = 0;
  /** Position of the newest entry taken. */
  #seen: Position;
  #failure: unknown;
  #explaining: Promise<void> | undefined;
  #lostAt: number | undefined;
  #release: () => void = () => {};
  #wake: () => void = () => {};
  #closing: Promise<void> | undefined;

  constructor({ after, maxBufferedBytes }: ReaderOptions, around: ReaderSurroundings) {
    this.#around = around;
    this.#maxBufferedBytes = maxBufferedBytes;
    this.#assembler = new EntryAssembler(after);
    this.#seen = after;
  }

  /**
   * Whether reading can begin where it should, in a partition that ends at `end`. A position that was never given out
   * halts the reader: the client would wait there for ever and look drained.
   */
  canBegin(end: Position): boolean {
    if (!isAfter(this.#seen, end)) return true;
    this.#failure = new PulsehouseError(
      'PH_PULSAR_POSITION_UNKNOWN',
      `reading was to go on after ${formatPosition(this.#seen)}, and the topic ends with ${formatPosition(end)}`,
      { where: { topic: this.#around.topic } },
    );
    return false;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** From now on the reader owns the client and closes it, and takes what comes. */
  begin(client: Client, reader: Reader): void {
    this.#client = client;
    this.#reader = reader;
    this.#begun = true;
    this.#onBegin();
  }

  /** Called by the client, one message at a time; it waits for what this answers. */
  onMessage(message: Message): Promise<void> | undefined {
    if (!this.#begun) {
      return new Promise((resolve) => {
        this.#onBegin = () => resolve(this.onMessage(message));
      });
    }
    if (this.#failure !== undefined) return this.#hold();
    try {
      const id = parseId(message.getMessageId());
      if (isAfter(id.position, this.#seen) && !isAfter(id.position, this.#assembler.last)) this.#goBack();
      const entry = this.#assembler.add(id, message);
      if (entry === undefined) return undefined;
      this.#entries.push(entry);
      this.#bufferedBytes += entry.data.length;
    } catch (error) {
      this.#failure = clientFailure(error, { topic: this.#around.topic });
    }
    this.#wake();
    return this.#failure !== undefined || this.#bufferedBytes >= this.#maxBufferedBytes
      ? this.#hold()
      : undefined;
  }

  poll(): Entry | undefined {
    const entry = this.#entries[0];
    if (entry === undefined) {
      if (this.#failure !== undefined) throw this.#failure;
      return undefined;
    }
    // What does not follow is for `next` to explain first.
    if (!this.#canFollow(entry)) return undefined;
    return this.#take(entry);
  }

  async next(milliseconds: number): Promise<Entry | undefined> {
    const { environment } = this.#around;
    const deadline = environment.now() + milliseconds;
    for (;;) {
      const ready = this.poll();
      if (ready !== undefined) return ready;
      const left = deadline - environment.now();
      if (left <= 0 || this.#closing !== undefined) return undefined;
      const skipping = this.#entries[0];
      if (skipping === undefined) await this.#wait(left);
      else if ((await this.#explained(skipping, left)) && this.#entries[0] === skipping) {
        return this.#take(skipping);
      }
      this.#assertInReach();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#wake();
    // The thread stays held while the reader closes, so that no message is under way to what is being freed.
    await this.#reader?.close();
    this.#release();
    await this.#client?.close();
  }

  #canFollow(entry: Entry): boolean {
    return follows(this.#seen, entry.firstPosition);
  }

  /** The client delivers again what has not been taken yet: a message under way when it began, or a reconnect. */
  #goBack(): void {
    this.#entries = [];
    this.#bufferedBytes = 0;
    this.#assembler = new EntryAssembler(this.#seen);
  }

  #take(entry: Entry): Entry {
    this.#entries.shift();
    this.#seen = entry.position;
    this.#bufferedBytes -= entry.data.length;
    if (this.#failure === undefined && this.#bufferedBytes * 2 <= this.#maxBufferedBytes) this.#release();
    return entry;
  }

  /** Whether the skip before the entry is explained within the time. */
  async #explained(entry: Entry, milliseconds: number): Promise<boolean> {
    const { environment } = this.#around;
    this.#explaining ??= this.#explain(entry).finally(() => {
      this.#explaining = undefined;
    });
    const explaining = this.#explaining;
    // Where it is not awaited to its end, the next call asks again.
    explaining.catch(() => {});
    const enough = new AbortController();
    const late = environment.sleep(milliseconds, enough.signal).then(() => false);
    try {
      return await Promise.race([explaining.then(() => true), late]);
    } finally {
      enough.abort();
    }
  }

  async #explain(entry: Entry): Promise<void> {
    const { admin, topic, environment } = this.#around;
    const deadline = environment.now() + EXPLAINING;
    try {
      await explainSkipped(admin, topic, this.#seen, entry.firstPosition, deadline);
    } catch (error) {
      await environment.sleep(SETTLING);
      if (this.#entries[0] === entry) throw error;
    }
  }

  async #wait(milliseconds: number): Promise<void> {
    const arrived = new AbortController();
    this.#wake = () => arrived.abort();
    await this.#around.environment.sleep(milliseconds, arrived.signal);
    this.#wake = () => {};
  }

  #hold(): Promise<void> {
    return new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  /** The client reconnects by itself and says nothing; without this a lost broker would look like an empty topic. */
  #assertInReach(): void {
    const { environment, topic } = this.#around;
    if (this.#reader?.isConnected() !== false) {
      this.#lostAt = undefined;
      return;
    }
    this.#lostAt ??= environment.now();
    const lost = environment.now() - this.#lostAt;
    if (lost < OUT_OF_REACH) return;
    throw new PulsehouseError('PH_PULSAR_CONNECTION_LOST', `no connection to the broker for ${lost} ms`, {
      where: { topic },
    });
  }
}
