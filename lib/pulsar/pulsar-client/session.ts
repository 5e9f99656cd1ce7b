import { devNull } from 'node:os';
import type { Client, Message, Reader } from 'pulsar-client';
import type { Position } from '../../pipeline/position.ts';
import type { Environment } from '../../ports/environment.ts';
import type { Binding } from './binding.ts';
import { type ClientPool, settled } from './client.ts';
import { encodePosition } from './message-id.ts';

/** Messages that the client itself holds for a reader: fewer when little may be buffered. */
const QUEUE = { most: 1_000, bytesEach: 16 * 1024 } as const;

export interface SessionTerms {
  readonly topic: string;
  readonly after: Position;
  readonly maxBufferedBytes: number;
}

export interface SessionSurroundings {
  readonly binding: Binding;
  readonly pool: ClientPool;
  readonly environment: Environment;
  readonly readerPrefix?: string | undefined;
}

/** What becomes of a message: `hold` keeps the client's thread waiting until `release`. */
export type OnMessage = (message: Message) => 'go on' | 'hold';

/** One `Reader` of the client: messages come one by one from a thread of it, which waits for each to be taken. */
export class ClientSession {
  readonly #pool: ClientPool;
  readonly #client: Client;
  #reader: Reader | undefined;
  #onMessage: OnMessage | undefined;
  #onStart: () => void = () => {};
  #release: () => void = () => {};

  private constructor(pool: ClientPool) {
    this.#pool = pool;
    this.#client = pool.lend();
  }

  /**
   * What the client delivers before its promise of a reader resolves, it loses: so the reader begins where nothing
   * comes, and goes to its place afterwards. Nothing is given out before `start`.
   * @throws PulsehouseError by the client's own word, or PH_PULSAR_TIMEOUT
   */
  static async open(
    { binding, pool, environment, readerPrefix = 'pulsehouse-reader' }: SessionSurroundings,
    { topic, after, maxBufferedBytes }: SessionTerms,
    deadline: number,
  ): Promise<ClientSession> {
    const session = new ClientSession(pool);
    const where = { topic };
    try {
      const creating = session.#client.createReader({
        topic,
        startMessageId: binding.MessageId.latest(),
        receiverQueueSize: Math.max(1, Math.min(QUEUE.most, Math.floor(maxBufferedBytes / QUEUE.bytesEach))),
        readerName: 'pulsehouse',
        subscriptionRolePrefix: readerPrefix,
        listener: (message) => session.#take(message),
        // Otherwise the client skips encrypted messages without a word; no key can be read from here.
        privateKeyPath: devNull,
        cryptoFailureAction: 'CONSUME',
      });
      const reader = await settled(creating, environment, deadline, where);
      session.#reader = reader;
      // Delivers this entry again when it is a batch and begins above it when it is not.
      const start =
        after.ledger < 0
          ? binding.MessageId.earliest()
          : binding.MessageId.deserialize(encodePosition(after));
      await settled(reader.seek(start), environment, deadline, where);
      return session;
    } catch (error) {
      await pool.discard(session.#client);
      throw error;
    }
  }

  start(onMessage: OnMessage): void {
    this.#onMessage = onMessage;
    this.#onStart();
  }

  /** Lets the client's thread go on. */
  release(): void {
    this.#release();
  }

  get connected(): boolean {
    return this.#reader?.isConnected() === true;
  }

  /** The thread stays held while the reader closes, so that no message is under way to what is being freed. */
  async close(): Promise<void> {
    try {
      await this.#reader?.close();
      this.#letGo();
      this.#pool.takeBack(this.#client);
    } catch {
      // A reader that cannot be closed goes with its client.
      this.#letGo();
      await this.#pool.discard(this.#client);
    }
  }

  #letGo(): void {
    this.#onMessage = () => 'go on';
    this.#onStart();
    this.#release();
  }

  #take(message: Message): Promise<void> | undefined {
    if (this.#onMessage === undefined) {
      return new Promise((resolve) => {
        this.#onStart = () => resolve(this.#take(message));
      });
    }
    if (this.#onMessage(message) === 'go on') return undefined;
    return new Promise((resolve) => {
      this.#release = resolve;
    });
  }
}
