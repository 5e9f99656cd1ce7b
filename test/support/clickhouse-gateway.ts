import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo, type Server } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Gateway {
  readonly port: number;
  /** Length of the longest URL that was asked for. */
  readonly longestUrl: number;
  readonly requests: number;
  /** Headers of the newest request. */
  readonly headers: http.IncomingHttpHeaders;
  close(): Promise<void>;
}

export interface GatewayOptions {
  /** In front of the server's own path; anything else is not found. */
  readonly path: string;
  /** Longer URLs are refused as nginx does. */
  readonly longestUrl?: number;
  readonly tls?: https.ServerOptions;
  /** Takes every X-ClickHouse-* header out of the answers. */
  readonly isStripping?: boolean;
  /** Its own page in place of an answer of this status or higher. */
  readonly ownPageFrom?: number;
  /** What the server behind it is said to be. */
  readonly version?: string;
}

/** What stands in front of ClickHouse in many a network: a path of its own, a limit on URLs, TLS of an own authority. */
export async function openGateway(target: string, options: GatewayOptions): Promise<Gateway> {
  const seen = { longestUrl: 0, requests: 0, headers: {} as http.IncomingHttpHeaders };
  const pass = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    const { url = '', method, headers } = request;
    seen.longestUrl = Math.max(seen.longestUrl, url.length);
    seen.requests += 1;
    seen.headers = headers;
    const refusal = refuse(url, options);
    if (refusal !== undefined) {
      request.resume();
      response.writeHead(refusal).end();
      return;
    }
    const path = url.slice(options.path.length) || '/';
    const onward = http.request(new URL(path.startsWith('?') ? `/${path}` : path, target), {
      method,
      headers,
    });
    onward.on('response', (answer) => passOn(answer, response, options));
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  };
  const server = options.tls ? https.createServer(options.tls, pass) : http.createServer(pass);
  const port = await listen(server);
  return {
    port,
    get longestUrl() {
      return seen.longestUrl;
    },
    get requests() {
      return seen.requests;
    },
    get headers() {
      return seen.headers;
    },
    close: () => closed(server),
  };
}

function passOn(
  answer: http.IncomingMessage,
  response: http.ServerResponse,
  { isStripping = false, ownPageFrom = Number.POSITIVE_INFINITY, version }: GatewayOptions,
): void {
  const status = answer.statusCode ?? 502;
  const headers = Object.entries(answer.headers).filter(
    ([name]) => !(isStripping && name.startsWith('x-clickhouse-')),
  );
  if (status < ownPageFrom) {
    if (version === undefined) {
      response.writeHead(status, Object.fromEntries(headers));
      answer.pipe(response);
    } else void passAsVersion(answer, response, version);
    return;
  }
  answer.resume();
  response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>Something went wrong</h1>');
}

async function passAsVersion(
  answer: http.IncomingMessage,
  response: http.ServerResponse,
  version: string,
): Promise<void> {
  const said = await text(answer);
  response.writeHead(answer.statusCode ?? 502).end(/^\d+(\.\d+){3}\s*$/.test(said) ? version : said);
}

function refuse(
  url: string,
  { path, longestUrl = Number.POSITIVE_INFINITY }: GatewayOptions,
): number | undefined {
  if (url.length > longestUrl) return 414;
  return url.startsWith(path) ? undefined : 404;
}

export interface TunnelProxy {
  readonly port: number;
  /** `host:port` of every tunnel. */
  readonly tunnels: readonly string[];
  close(): Promise<void>;
}

/** A proxy that knows CONNECT alone. */
export async function openTunnelProxy(): Promise<TunnelProxy> {
  const tunnels: string[] = [];
  const server = http.createServer((_, response) => response.writeHead(405).end());
  server.on('connect', (request, client: net.Socket) => {
    const { url = '' } = request;
    tunnels.push(url);
    const [host, port] = url.split(':');
    const onward = net.connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(client).pipe(onward);
    });
    onward.on('error', () => client.destroy());
    client.on('error', () => onward.destroy());
  });
  return { port: await listen(server), tunnels, close: () => closed(server) };
}

async function listen(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

async function closed(server: Server): Promise<void> {
  if (server instanceof http.Server) server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
