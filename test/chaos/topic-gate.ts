import { connect, createServer, type Server, type Socket } from 'node:net';
import {
  COMMAND,
  type Command,
  decodeCommand,
  encodeCommand,
} from '../../lib/pulsar/wire/commands/command.ts';
import { FrameReader } from '../../lib/pulsar/wire/frame/frame-reader.ts';
import { commandFrame } from '../../lib/pulsar/wire/frame/frame-writer.ts';
import { int64, MessageWriter, readFields } from '../../lib/pulsar/wire/protobuf/fields.ts';

/**
 * - silent: whatever asks for the topic has no answer, ever.
 * - refused: subscribing is answered as by a broker that cannot read the topic's ledger.
 */
export type Closed = 'silent' | 'refused';

const STOPPED: Readonly<Record<Closed, readonly number[]>> = {
  silent: [COMMAND.lookup, COMMAND.subscribe],
  refused: [COMMAND.subscribe],
};
/** Fields of these requests. */
const TOPIC = 1;
const SUBSCRIBE_ID = 5;
const PERSISTENCE_ERROR = 2;
const SIZE_BYTES = 4;

/**
 * Stands between functions and a Pulsar broker and keeps one topic from being opened, while every other topic on the same
 * connections goes on. Whoever has it open already is not concerned: the broker has to unload it.
 */
export class TopicGate {
  readonly port: number;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private closed: { readonly topic: string; readonly how: Closed } | undefined;

  private constructor(server: Server, port: number) {
    this.server = server;
    this.port = port;
  }

  static async open(target: number): Promise<TopicGate> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the gate has no port');
    const gate = new TopicGate(server, address.port);
    server.on('connection', (client) => gate.accept(client, target));
    return gate;
  }

  close(topic: string, how: Closed): void {
    this.closed = { topic, how };
  }

  reopen(): void {
    this.closed = undefined;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(client: Socket, target: number): void {
    const broker = connect({ host: '127.0.0.1', port: target });
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    broker.pipe(client);
    const frames = new FrameReader((frame) => {
      if (!this.stops(frame)) broker.write(withSize(frame));
      else if (this.closed?.how === 'refused')
        client.write(refusal(numberIn(commandOf(frame).body, SUBSCRIBE_ID)));
    });
    client.on('data', (bytes) => frames.push(bytes));
  }

  private stops(frame: Uint8Array): boolean {
    if (!this.closed) return false;
    const { type, body } = commandOf(frame);
    return STOPPED[this.closed.how].includes(type) && textIn(body, TOPIC) === this.closed.topic;
  }
}

function commandOf(frame: Uint8Array): Command {
  const size = Buffer.from(frame.buffer, frame.byteOffset).readUInt32BE(0);
  return decodeCommand(frame.subarray(SIZE_BYTES, SIZE_BYTES + size));
}

function textIn(body: Uint8Array, field: number): string {
  let text = '';
  readFields(body, {
    [field]: (reader) => {
      text = reader.string();
    },
  });
  return text;
}

function numberIn(body: Uint8Array, field: number): number {
  let number = 0;
  readFields(body, {
    [field]: (reader) => {
      number = int64(reader);
    },
  });
  return number;
}

/** `CommandError { request_id = 1; error = 2; message = 3 }` */
function refusal(requestId: number): Buffer {
  const body = new MessageWriter()
    .uint(1, requestId)
    .uint(2, PERSISTENCE_ERROR)
    .string(3, 'the ledger of the topic cannot be opened');
  return commandFrame(encodeCommand(COMMAND.error, body));
}

function withSize(frame: Uint8Array): Buffer {
  const size = Buffer.alloc(SIZE_BYTES);
  size.writeUInt32BE(frame.length, 0);
  return Buffer.concat([size, frame]);
}
