import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * - pass: bytes go through.
 * - cut: every connection is reset, new ones too.
 * - delay: each piece of bytes waits, in order.
 * - half-close: what the server says no longer reaches the client, which sees the end of the stream.
 * - black-hole: connections stay open and nothing comes through, in either direction.
 */
export const PROXY_MODES = ['pass', 'cut', 'delay', 'half-close', 'black-hole'] as const;
export type ProxyMode = (typeof PROXY_MODES)[number];

const DELAY_MS = 400;

/** Stands between a function and one server, on loopback. */
export class TcpProxy {
  readonly port: number;
  private readonly server: Server;
  private readonly links = new Set<Link>();
  private mode: ProxyMode = 'pass';

  private constructor(server: Server, port: number) {
    this.server = server;
    this.port = port;
  }

  static async open(target: number): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    const proxy = new TcpProxy(server, address.port);
    server.on('connection', (client) => proxy.accept(client, target));
    return proxy;
  }

  set(mode: ProxyMode): void {
    this.mode = mode;
    for (const link of this.links) link.set(mode);
  }

  async close(): Promise<void> {
    this.set('cut');
    await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(client: Socket, target: number): void {
    if (this.mode === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const link = new Link(client, connect({ host: '127.0.0.1', port: target, allowHalfOpen: true }));
    this.links.add(link);
    client.once('close', () => this.links.delete(link));
    link.set(this.mode);
  }
}

class Link {
  private readonly client: Socket;
  private readonly upstream: Socket;
  private mode: ProxyMode = 'pass';

  constructor(client: Socket, upstream: Socket) {
    this.client = client;
    this.upstream = upstream;
    this.carry(client, upstream, 'request');
    this.carry(upstream, client, 'reply');
  }

  set(mode: ProxyMode): void {
    this.mode = mode;
    if (mode === 'cut') {
      this.client.resetAndDestroy();
      this.upstream.resetAndDestroy();
    }
    if (mode === 'half-close') this.client.end();
    for (const socket of [this.client, this.upstream]) {
      if (mode === 'black-hole') socket.pause();
      else socket.resume();
    }
  }

  private carry(from: Socket, to: Socket, way: 'request' | 'reply'): void {
    let order = Promise.resolve();
    const inOrder = (action: () => void) => {
      order = order.then(() => (this.mode === 'delay' ? later(DELAY_MS) : undefined)).then(action);
    };
    from.on('data', (bytes) =>
      inOrder(() => {
        if (this.mode === 'half-close' && way === 'reply') return;
        if (to.writable && !to.write(bytes) && this.mode !== 'black-hole') {
          from.pause();
          to.once('drain', () => this.mode !== 'black-hole' && from.resume());
        }
      }),
    );
    from.on('end', () => inOrder(() => to.end()));
    from.on('error', () => to.destroy());
    from.on('close', () => inOrder(() => to.destroy()));
  }
}

function later(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
