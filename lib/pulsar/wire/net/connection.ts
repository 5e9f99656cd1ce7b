import type net from 'node:net';
import { messageOf, PulsehouseError } from '../../../pipeline/errors.ts';
import type { Environment } from '../../../ports/environment.ts';
import { COMMAND, type Command, decodeCommand } from '../commands/command.ts';
import {
  type Connected,
  decodeConnected,
  encodeAuthResponse,
  encodeConnect,
  PING,
  PONG,
} from '../commands/connect.ts';
import { type CloseConsumer, decodeCloseConsumer, decodeTopicMigrated } from '../commands/consumer.ts';
import { decodeMessageCommand, MESSAGE_TYPE, peekCommandType } from '../commands/message.ts';
import { decodeCloseProducer, decodeSendAnswer, type SendAnswer } from '../commands/producer.ts';
import { decodeResponseHead } from '../commands/responses.ts';
import { serverError } from '../errors.ts';
import { FRAME_PADDING, FrameReader } from '../frame/frame-reader.ts';
import { commandFrame } from '../frame/frame-writer.ts';
import { commandEnd } from '../frame/message-frame.ts';
import { type BrokerAddress, formatAddress } from './address.ts';
import { type Authentication, authenticationData } from './authentication.ts';
import { within } from './deadline.ts';
import { openSocket, type TlsOptions } from './socket.ts';

/**
 * A ping goes out after this long without traffic, and two in a row without an answer mean a dead peer. Brokers give up
 * after 30 to 60 s, so this also keeps a connection alive whose reading is paused.
 */
export const KEEP_ALIVE = 15_000;

/** Most that a broker's limit is believed: frames are allocated by their announced size. */
const LARGEST_MESSAGE = 256 * 1024 * 1024;

/** What hears of one consumer id. */
export interface ConsumerChannel {
  onMessage(frame: Uint8Array, commandEnd: number, ledger: number, entry: number): void;
  /** The broker let the consumer go, or the connection is lost: nothing more comes. */
  onGone(error: PulsehouseError, moved?: CloseConsumer): void;
}

export interface ProducerChannel {
  onAnswer(answer: SendAnswer): void;
  onGone(error: PulsehouseError): void;
}

export interface ConnectionOptions {
  readonly environment: Environment;
  readonly authentication: Authentication | undefined;
  readonly tls: TlsOptions;
  /** Milliseconds of silence before a ping. */
  readonly keepAlive: number;
  /** `host:port` of the broker behind the proxy at `address`. */
  readonly proxyToBroker: string | undefined;
  /** Aborted: an opening that is under way ends at once. */
  readonly closing: AbortSignal;
}

interface PendingRequest {
  readonly type: string;
  resolve(command: Command): void;
  reject(error: PulsehouseError): void;
}

/** One TCP or TLS connection to one broker: handshake, requests and answers, keep-alive, and the routing of messages. */
export class Connection {
  readonly server: string;
  readonly #options: ConnectionOptions;
  readonly #reader = new FrameReader((frame) => this.#onFrame(frame));
  readonly #pending = new Map<number, PendingRequest>();
  readonly #consumers = new Map<number, ConsumerChannel>();
  readonly #producers = new Map<number, ProducerChannel>();
  readonly #holding = new Set<unknown>();
  #socket: net.Socket | undefined;
  #nextId = 1;
  #connected: Connected | undefined;
  #handshake: ((outcome: Connected | PulsehouseError) => void) | undefined;
  #lost: PulsehouseError | undefined;
  #listening: NodeJS.Timeout | undefined;
  #unanswered = 0;
  #heardAt = 0;

  private constructor(server: string, options: ConnectionOptions) {
    this.server = server;
    this.#options = options;
  }

  /** @throws PulsehouseError PH_PULSAR_UNREACHABLE, PH_PULSAR_TIMEOUT, PH_PULSAR_AUTHENTICATION */
  static async open(
    address: BrokerAddress,
    options: ConnectionOptions,
    deadline: number,
  ): Promise<Connection> {
    const connection = new Connection(options.proxyToBroker ?? formatAddress(address), options);
    await connection.#open(address, deadline);
    return connection;
  }

  get lost(): PulsehouseError | undefined {
    return this.#lost;
  }

  /** When bytes last came from the broker, milliseconds since the epoch. */
  get heardAt(): number {
    return this.#heardAt;
  }

  get isInUse(): boolean {
    return this.#pending.size + this.#consumers.size + this.#producers.size > 0;
  }

  get serverVersion(): string {
    return this.#connected?.serverVersion ?? '';
  }

  get protocolVersion(): number {
    return this.#connected?.protocolVersion ?? 0;
  }

  /** For consumers, producers and requests alike. */
  newId(): number {
    return this.#nextId++;
  }

  async #open(address: BrokerAddress, deadline: number): Promise<void> {
    const { environment, closing } = this.#options;
    const socket = await openSocket(
      address,
      this.#options.tls,
      { timeout: deadline - environment.now(), closing },
      (bytes, length) => this.#onBytes(bytes, length),
    );
    this.#socket = socket;
    const onClosing = () => this.#lose(this.#lostError('it was closed by us'));
    closing.addEventListener('abort', onClosing);
    socket.on('error', (cause) => this.#lose(this.#lostError(messageOf(cause), cause)));
    socket.on('end', () => this.#lose(this.#lostError('the broker closed it')));
    socket.on('close', () => this.#lose(this.#lostError('it was closed')));
    try {
      const answered = new Promise<Connected>((resolve, reject) => {
        this.#handshake = (outcome) =>
          outcome instanceof PulsehouseError ? reject(outcome) : resolve(outcome);
      });
      // Whatever ends the connection before it is waited for below is told there.
      answered.catch(() => {});
      const late = () => this.#timeout('CONNECT');
      const credentials = authenticationData(this.#options.authentication);
      const authentication = await within(environment, deadline - environment.now(), credentials, late);
      this.send(encodeConnect({ authentication, proxyToBroker: this.#options.proxyToBroker }));
      this.#connected = await within(environment, deadline - environment.now(), answered, late);
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      this.#handshake = undefined;
      closing.removeEventListener('abort', onClosing);
    }
    const { maxMessageSize } = this.#connected;
    if (maxMessageSize !== undefined && maxMessageSize > 0) {
      this.#reader.maxFrame = Math.min(maxMessageSize, LARGEST_MESSAGE) + FRAME_PADDING;
    }
    // Only what is heard counts: a peer that is gone takes what is written to it for a long time.
    this.#listening = setInterval(() => this.#lookForSilence(), this.#options.keepAlive);
    this.#listening.unref();
  }

  /** Nothing that is sent on a lost connection arrives; whoever waits for an answer has been told. */
  send(command: Uint8Array): void {
    this.sendFrame(commandFrame(command));
  }

  sendFrame(frame: Uint8Array): void {
    if (this.#lost === undefined) this.#socket?.write(frame);
  }

  /**
   * Sends a request and waits for the answer with its id.
   * @throws PulsehouseError PH_PULSAR_TIMEOUT at the deadline, PH_PULSAR_CONNECTION_LOST, or the broker's refusal.
   */
  async request(type: string, encode: (requestId: number) => Uint8Array, deadline: number): Promise<Command> {
    if (this.#lost !== undefined) throw this.#lost;
    const { environment } = this.#options;
    const requestId = this.newId();
    const answered = new Promise<Command>((resolve, reject) => {
      this.#pending.set(requestId, { type, resolve, reject });
    });
    this.send(encode(requestId));
    this.#applyHold();
    try {
      return await within(environment, deadline - environment.now(), answered, () => this.#timeout(type));
    } finally {
      this.#pending.delete(requestId);
      this.#applyHold();
    }
  }

  addConsumer(consumerId: number, channel: ConsumerChannel): void {
    this.#consumers.set(consumerId, channel);
  }

  removeConsumer(consumerId: number): void {
    this.#consumers.delete(consumerId);
  }

  addProducer(producerId: number, channel: ProducerChannel): void {
    this.#producers.set(producerId, channel);
  }

  removeProducer(producerId: number): void {
    this.#producers.delete(producerId);
  }

  /**
   * Stops reading from the socket while anybody holds it. While a request waits for its answer reading goes on, or the
   * answer could never come; permits bound what arrives in that time.
   */
  hold(holder: unknown): void {
    this.#holding.add(holder);
    this.#applyHold();
  }

  release(holder: unknown): void {
    if (this.#holding.delete(holder)) this.#applyHold();
  }

  /** Resolves when the socket is closed. */
  async close(): Promise<void> {
    const socket = this.#socket;
    this.#lose(this.#lostError('it was closed by us'));
    if (socket === undefined || socket.closed) return;
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.destroy();
    });
  }

  #applyHold(): void {
    const socket = this.#socket;
    if (socket === undefined || this.#lost !== undefined) return;
    const pause = this.#holding.size > 0 && this.#pending.size === 0;
    if (pause === socket.isPaused()) return;
    if (pause) socket.pause();
    else socket.resume();
  }

  #onBytes(bytes: Uint8Array, length: number): void {
    if (this.#lost !== undefined) return;
    this.#unanswered = 0;
    this.#heardAt = this.#options.environment.now();
    try {
      this.#reader.push(bytes, 0, length);
    } catch (error) {
      if (!(error instanceof PulsehouseError)) throw error;
      this.#lose(error.at({ server: this.server }));
    }
  }

  #onFrame(frame: Uint8Array): void {
    if (this.#lost !== undefined) return;
    const end = commandEnd(frame);
    if (peekCommandType(frame) === MESSAGE_TYPE) {
      const { consumerId, ledger, entry } = decodeMessageCommand(frame, 4, end);
      this.#consumers.get(consumerId)?.onMessage(frame, end, ledger, entry);
    } else this.#onCommand(decodeCommand(frame.subarray(4, end)));
  }

  #onCommand(command: Command): void {
    const head = decodeResponseHead(command.type, command.body);
    if (head !== undefined && this.#handshake !== undefined && head.error !== undefined) {
      this.#handshake(serverError(head.error, head.message, { server: this.server }));
    } else if (head !== undefined) {
      const request = this.#pending.get(head.requestId);
      if (head.error === undefined) request?.resolve(command);
      else request?.reject(serverError(head.error, head.message, { server: this.server }));
    } else this.#onNotice(command);
  }

  /** Commands of the broker's own accord. Kinds that are not known are of a newer protocol and mean nothing to us. */
  #onNotice({ type, body }: Command): void {
    if (type === COMMAND.ping) this.send(PONG);
    else if (type === COMMAND.connected) this.#handshake?.(decodeConnected(body));
    else if (type === COMMAND.authChallenge) void this.#answerChallenge();
    else if (type === COMMAND.closeConsumer) this.#onCloseConsumer(decodeCloseConsumer(body));
    else if (type === COMMAND.sendReceipt || type === COMMAND.sendError) {
      const answer = decodeSendAnswer(type, body);
      this.#producers.get(answer.producerId)?.onAnswer(answer);
    } else if (type === COMMAND.closeProducer) {
      this.#producers
        .get(decodeCloseProducer(body))
        ?.onGone(this.#lostError('the broker let the producer go'));
    } else if (type === COMMAND.topicMigrated) {
      const migrated = decodeTopicMigrated(body);
      const error = new PulsehouseError('PH_PULSAR_MIGRATED', `the topic has moved to ${migrated.url}`, {
        where: { server: this.server },
      });
      if (migrated.isConsumer) this.#consumers.get(migrated.resourceId)?.onGone(error);
    }
  }

  #onCloseConsumer(closed: CloseConsumer): void {
    this.#consumers.get(closed.consumerId)?.onGone(this.#lostError('the broker let the consumer go'), closed);
  }

  async #answerChallenge(): Promise<void> {
    try {
      const data = await authenticationData(this.#options.authentication);
      if (data) this.send(encodeAuthResponse(data));
    } catch (cause) {
      this.#lose(
        new PulsehouseError('PH_PULSAR_AUTHENTICATION', `no new credentials: ${messageOf(cause)}`, {
          where: { server: this.server },
          cause,
        }),
      );
    }
  }

  /** Called once in every keep-alive time. */
  #lookForSilence(): void {
    if (this.#options.environment.now() - this.#heardAt < this.#options.keepAlive) return;
    // A paused socket hears nothing; the ping is then for the broker, which would else take us for dead.
    if (this.#socket?.isPaused() === false) this.#unanswered++;
    if (this.#unanswered > 2) this.#lose(this.#lostError('the broker no longer answers'));
    else this.send(PING);
  }

  #lose(error: PulsehouseError): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    clearInterval(this.#listening);
    this.#socket?.destroy();
    this.#handshake?.(error);
    for (const request of this.#pending.values()) request.reject(error);
    for (const consumer of [...this.#consumers.values()]) consumer.onGone(error);
    for (const producer of [...this.#producers.values()]) producer.onGone(error);
    this.#consumers.clear();
    this.#producers.clear();
  }

  #lostError(how: string, cause?: unknown): PulsehouseError {
    return new PulsehouseError(
      'PH_PULSAR_CONNECTION_LOST',
      `the connection to ${this.server} is gone: ${how}`,
      {
        where: { server: this.server },
        cause,
      },
    );
  }

  #timeout(type: string): PulsehouseError {
    return new PulsehouseError('PH_PULSAR_TIMEOUT', `the broker did not answer ${type} in time`, {
      where: { server: this.server },
      // A server of another kind may wait for the end of a request that never comes.
      ...(type === 'CONNECT' && {
        nextStep: "Check that the URL names the binary port of a broker, and the broker's load.",
      }),
    });
  }
}
