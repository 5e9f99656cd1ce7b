import { once } from 'node:events';
import net from 'node:net';
import { freePort } from '../../../infra/local/ports.ts';
import { COMMAND, decodeCommand } from '../../../lib/pulsar/wire/commands/command.ts';
import { FrameReader } from '../../../lib/pulsar/wire/frame/frame-reader.ts';
import { commandEnd } from '../../../lib/pulsar/wire/frame/message-frame.ts';

export type CommandName = keyof typeof COMMAND;

/** One frame on its way, without its total size. */
export interface Passing {
  readonly from: 'client' | 'broker';
  readonly command: CommandName | undefined;
  readonly frame: Buffer;
  /** Number of this connection, from 0. */
  readonly connection: number;
}

/**
 * - pass: goes on as it is; a Buffer goes on in its place
 * - swallow: never arrives
 * - cut: both sides lose the connection, the frame never arrives
 * - cut-after: both sides lose it once the frame has gone on
 * - ghost: the client loses it, the broker does not notice before `letGhostsGo`
 */
export type Fate = 'pass' | 'swallow' | 'cut' | 'cut-after' | 'ghost' | Buffer;

const NAMES = new Map<number, CommandName>(
  Object.entries(COMMAND).map(([name, type]) => [type, name as CommandName]),
);

/** Stands between a client and a real broker, sees every frame both ways, and decides what becomes of it. */
export class FaultProxy {
  readonly port: number;
  readonly #broker: { readonly host: string; readonly port: number };
  readonly #server: net.Server;
  readonly #clients = new Set<net.Socket>();
  readonly #brokers = new Set<net.Socket>();
  #connections = 0;
  /** Bytes that were sent on to clients. */
  delivered = 0;
  decide: (passing: Passing) => Fate = () => 'pass';

  private constructor(port: number, serviceUrl: string) {
    const url = new URL(serviceUrl);
    this.port = port;
    this.#broker = { host: url.hostname, port: Number(url.port) };
    this.#server = net.createServer((client) => this.#connect(client));
  }

  static async open(serviceUrl: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(await freePort(), serviceUrl);
    proxy.#server.listen(proxy.port, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get serviceUrl(): string {
    return `pulsar://127.0.0.1:${this.port}`;
  }

  get connections(): number {
    return this.#connections;
  }

  /** Sends a frame to every client, as if from the broker. */
  inject(frame: Buffer): void {
    for (const client of this.#clients) client.write(frame);
  }

  letGhostsGo(): void {
    for (const broker of this.#brokers) broker.destroy();
  }

  async close(): Promise<void> {
    for (const socket of [...this.#clients, ...this.#brokers]) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #connect(client: net.Socket): void {
    const connection = this.#connections++;
    const broker = net.connect(this.#broker);
    let isGhost = false;
    let isCut = false;
    this.#clients.add(client);
    this.#brokers.add(broker);
    const carry = (from: Passing['from'], source: net.Socket, target: net.Socket): void => {
      const reader = new FrameReader((bytes) => {
        if (isCut || isGhost) return;
        const frame = Buffer.from(bytes);
        const fate = this.decide({ from, command: nameOf(frame), frame, connection });
        if (fate === 'swallow') return;
        if (fate === 'ghost') {
          isGhost = true;
          client.destroySoon();
        } else if (fate === 'cut') {
          isCut = true;
          client.destroySoon();
          broker.destroySoon();
        } else {
          const sent = this.#withOwnAddress(from, fate instanceof Buffer ? fate : frame);
          if (from === 'broker') this.delivered += sent.length;
          const size = Buffer.alloc(4);
          size.writeUInt32BE(sent.length);
          if (!target.write(Buffer.concat([size, sent])) && !source.isPaused()) {
            source.pause();
            target.once('drain', () => source.resume());
          }
          if (fate === 'cut-after') {
            isCut = true;
            client.destroySoon();
            broker.destroySoon();
          }
        }
      });
      source.on('data', (chunk: Buffer) => {
        if (!source.destroyed) reader.push(chunk);
      });
      source.on('error', () => {});
      source.on('close', () => {
        if (!(isGhost && source === client)) target.destroy();
        this.#clients.delete(source);
        this.#brokers.delete(source);
      });
    };
    carry('client', client, broker);
    carry('broker', broker, client);
  }

  /** Look-ups answer with the broker's address, which has as many digits as ours: the client is to stay here. */
  #withOwnAddress(from: Passing['from'], frame: Buffer): Buffer {
    if (from === 'client' || nameOf(frame) !== 'lookupResponse') return frame;
    const theirs = `:${this.#broker.port}`;
    const ours = `:${this.port}`;
    if (theirs.length !== ours.length) throw new Error(`ports ${theirs} and ${ours} differ in length`);
    return Buffer.from(frame.toString('latin1').replaceAll(theirs, ours), 'latin1');
  }
}

function nameOf(frame: Buffer): CommandName | undefined {
  return NAMES.get(decodeCommand(frame.subarray(4, commandEnd(frame))).type);
}
