import type { Client, Message, Reader } from 'pulsar-client';
import { PulsehouseError } from '../../pipeline/errors.ts';
import { formatPosition, isAfter, type Position } from '../../pipeline/position.ts';
import type { Environment } from '../../ports/environment.ts';
import type { Entry, EntryReader, ReaderOptions } from '../../ports/transport.ts';
import { EntryAssembler } from './entry-assembler.ts';
import { clientFailure } from './failures.ts';
import { explainSkipped, follows } from './skipped-entries.ts';
import type { TopicAdmin } from './topic-admin.ts';

/** How long one reader may stay without a broker before it is an error; the client itself would try for ever. */
const OUT_OF_REACH = 30_000;
/** Looking at skipped entries goes on beyond one `next`, but not for ever. */
const EXPLAINING = 30_000;

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
  readonly #assembler: EntryAssembler;
  #client: Client | undefined;
  #reader: Reader | undefined;
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

  /** From now on the reader owns the client and closes it. */
  opened(client: Client, reader: Reader): void {
    this.#client = client;
    this.#reader = reader;
  }

  /** Called by the client, one message at a time; it waits for what this answers. */
  onMessage(message: Message): Promise<void> | undefined {
    if (this.#failure !== undefined) return this.#hold();
    try {
      const entry = this.#assembler.add(message);
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
      else if (await this.#explained(skipping, left)) return this.#take(skipping);
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

  /** Nothing is known of what lies before the first entry of a topic read from its beginning. */
  #canFollow(entry: Entry): boolean {
    return this.#seen.ledger === -1 || follows(this.#seen, entry.firstPosition);
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
    const { admin, topic, environment } = this.#around;
    let done = false;
    this.#explaining ??= explainSkipped(
      admin,
      topic,
      this.#seen,
      entry.firstPosition,
      environment.now() + EXPLAINING,
    ).finally(() => {
      this.#explaining = undefined;
    });
    const explaining = this.#explaining.then(() => {
      done = true;
    });
    const enough = new AbortController();
    try {
      await Promise.race([explaining, environment.sleep(milliseconds, enough.signal)]);
    } finally {
      enough.abort();
      // Asked again by the next call, where it fails again if it must.
      explaining.catch(() => {});
    }
    return done;
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

/** A position the broker has never given out: the client would wait there for ever and look drained. */
export function assertKnown(after: Position, end: Position, topic: string): void {
  if (!isAfter(after, end)) return;
  throw new PulsehouseError(
    'PH_PULSAR_POSITION_UNKNOWN',
    `reading was to go on after ${formatPosition(after)}, and the topic ends with ${formatPosition(end)}`,
    { where: { topic } },
  );
}
