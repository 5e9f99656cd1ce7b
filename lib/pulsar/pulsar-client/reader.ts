import type { Message } from 'pulsar-client';
import { PulsehouseError } from '../../pipeline/errors.ts';
import { isAfter, type Position } from '../../pipeline/position.ts';
import type { Environment } from '../../ports/environment.ts';
import type { Entry, EntryReader, ReaderOptions } from '../../ports/transport.ts';
import { follows } from '../admin/skipped-entries.ts';
import type { TopicAdmin } from '../admin/topic-admin.ts';
import { EntryAssembler } from './entry-assembler.ts';
import { explainSkipped } from './explain-skipped.ts';
import { clientFailure } from './failures.ts';
import { parseId } from './message-id.ts';
import type { ClientSession, SessionTerms } from './session.ts';

/** How long a reader may stay without a broker before it is an error; the client itself would try for ever. */
const OUT_OF_REACH = 30_000;
/** Looking at skipped entries, or opening anew, goes on beyond one `next`, but not for ever. */
const MENDING = 30_000;
/** After so long without a message the partition is asked whether there should be one. */
const QUIET = 2_000;
/** Times that reading begins anew at one place before what is missing there counts as missing. */
const ATTEMPTS = 3;

export interface ReaderSurroundings {
  readonly topic: string;
  readonly admin: TopicAdmin;
  readonly environment: Environment;
  open(terms: SessionTerms, deadline: number): Promise<ClientSession>;
}

/**
 * Whole entries, each one held against the one before it. A seek of the client can lose the first messages that follow
 * it; they show as skipped ids, or as silence before the partition's end, and then reading begins anew.
 */
export class ClientReader implements EntryReader {
  readonly #around: ReaderSurroundings;
  readonly #maxBufferedBytes: number;
  #assembler: EntryAssembler;
  #session: ClientSession | undefined;
  #entries: Entry[] = [];
  #bufferedBytes = 0;
  /** Position of the newest entry taken. */
  #seen: Position;
  /** Sessions begun since then. */
  #attempts = 0;
  #quietSince = 0;
  #lostAt: number | undefined;
  #failure: unknown;
  #mending: Promise<void> | undefined;
  #wake: () => void = () => {};
  #closing: Promise<void> | undefined;

  constructor({ after, maxBufferedBytes }: ReaderOptions, around: ReaderSurroundings) {
    this.#around = around;
    this.#maxBufferedBytes = maxBufferedBytes;
    this.#assembler = new EntryAssembler(after);
    this.#seen = after;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** From now on it gives nothing out and throws this. */
  fail(error: PulsehouseError): void {
    this.#failure = error;
  }

  /** Begins, or begins anew, after the newest entry taken. */
  async begin(deadline: number): Promise<void> {
    const { topic, environment, open } = this.#around;
    const before = this.#session;
    this.#session = undefined;
    this.#entries = [];
    this.#bufferedBytes = 0;
    this.#assembler = new EntryAssembler(this.#seen);
    this.#attempts++;
    await before?.close();
    const session = await open(
      { topic, after: this.#seen, maxBufferedBytes: this.#maxBufferedBytes },
      deadline,
    );
    this.#session = session;
    this.#quietSince = environment.now();
    session.start((message) => (session === this.#session ? this.#onMessage(message) : 'hold'));
  }

  poll(): Entry | undefined {
    const entry = this.#entries[0];
    if (entry === undefined) {
      if (this.#failure !== undefined) throw this.#failure;
      return undefined;
    }
    // What does not follow is for `next` to explain first.
    return follows(this.#seen, entry.firstPosition) ? this.#take(entry) : undefined;
  }

  async next(milliseconds: number): Promise<Entry | undefined> {
    const { environment } = this.#around;
    const deadline = environment.now() + milliseconds;
    for (;;) {
      const entry = this.poll();
      if (entry !== undefined) return entry;
      const left = deadline - environment.now();
      if (left <= 0 || this.closed) return undefined;
      const skipping = this.#entries[0];
      if (skipping !== undefined) {
        const explained = await this.#within(left, () => this.#explain(skipping));
        if (explained && this.#entries[0] === skipping) return this.#take(skipping);
      } else if (environment.now() - this.#quietSince >= QUIET) {
        await this.#within(left, () => this.#askWhyQuiet());
      } else await this.#wait(Math.min(left, QUIET));
      this.#assertInReach();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#wake();
    await this.#mending?.catch(() => {});
    await this.#session?.close();
  }

  #onMessage(message: Message): 'go on' | 'hold' {
    this.#quietSince = this.#around.environment.now();
    if (this.#failure !== undefined) return 'hold';
    try {
      const id = parseId(message.getMessageId());
      // The client delivers again what has not been taken yet: a message under way when it began, or a reconnect.
      if (isAfter(id.position, this.#seen) && !isAfter(id.position, this.#assembler.last)) {
        this.#entries = [];
        this.#bufferedBytes = 0;
        this.#assembler = new EntryAssembler(this.#seen);
      }
      const entry = this.#assembler.add(id, message);
      if (entry === undefined) return 'go on';
      this.#entries.push(entry);
      this.#bufferedBytes += entry.dataBytes;
    } catch (error) {
      this.#failure = clientFailure(error, { topic: this.#around.topic });
    }
    this.#wake();
    const isFull = this.#bufferedBytes >= this.#maxBufferedBytes;
    return isFull || this.#failure !== undefined ? 'hold' : 'go on';
  }

  #take(entry: Entry): Entry {
    this.#entries.shift();
    this.#seen = entry.position;
    this.#attempts = 0;
    this.#bufferedBytes -= entry.dataBytes;
    if (this.#failure === undefined && this.#bufferedBytes * 2 <= this.#maxBufferedBytes) {
      this.#session?.release();
    }
    return entry;
  }

  /** Resolves when everything skipped before the entry may be skipped, or reading has begun anew. */
  async #explain(entry: Entry): Promise<void> {
    const { admin, topic, environment } = this.#around;
    const deadline = environment.now() + MENDING;
    try {
      await explainSkipped(admin, topic, this.#seen, entry.firstPosition, deadline);
    } catch (error) {
      const mayBeLost = this.#attempts > 0 && this.#attempts < ATTEMPTS;
      if (!mayBeLost || clientFailure(error, {}).code !== 'PH_PULSAR_ENTRIES_MISSING') throw error;
      await this.begin(deadline);
    }
  }

  /** Silence at the partition's end is as it should be; before it, something may have been lost. */
  async #askWhyQuiet(): Promise<void> {
    const { admin, topic, environment } = this.#around;
    const deadline = environment.now() + MENDING;
    const { last } = await admin.stats(topic, deadline);
    this.#quietSince = environment.now();
    const mayBeLost = this.#attempts > 0 && this.#attempts < ATTEMPTS && isAfter(last, this.#seen);
    if (mayBeLost && this.#session?.connected === true) await this.begin(deadline);
  }

  /** Whether `mend` came to its end within the time; where it did not, the next call goes on waiting for it. */
  async #within(milliseconds: number, mend: () => Promise<void>): Promise<boolean> {
    this.#mending ??= mend().finally(() => {
      this.#mending = undefined;
    });
    const mending = this.#mending;
    mending.catch(() => {});
    const enough = new AbortController();
    const late = this.#around.environment.sleep(milliseconds, enough.signal).then(() => false);
    try {
      return await Promise.race([mending.then(() => true), late]);
    } finally {
      enough.abort();
    }
  }

  async #wait(milliseconds: number): Promise<void> {
    const arrived = new AbortController();
    this.#wake = () => arrived.abort();
    await this.#around.environment.sleep(milliseconds, arrived.signal);
    this.#wake = () => {};
  }

  /** The client reconnects by itself and says nothing; without this a lost broker would look like an empty topic. */
  #assertInReach(): void {
    const { environment, topic } = this.#around;
    if (this.#session === undefined || this.#session.connected) {
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
