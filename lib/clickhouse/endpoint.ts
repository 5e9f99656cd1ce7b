import type { Readable } from 'node:stream';
import { ClickHouseLogLevel, type ClickHouseSettings, createClient } from '@clickhouse/client';
import { redacted } from '../pipeline/redacted.ts';
import { bodyStream, encodingHeaders } from './compression/body-stream.ts';
import { type Compression, compressionFor } from './compression/compression.ts';
import { agentOf, identityHeaders, MOST_CONNECTIONS, type Road } from './road.ts';
import { ForeignAnswer, ServerError } from './server-error.ts';

/** Who asks, wherever. */
export interface Identity extends Pick<Road, 'tls'> {
  readonly username: string;
  readonly password: string;
  /** Every statement runs with the rights of this role alone. */
  readonly role?: string | undefined;
  /** Of the bodies of statements. @default lz4, but none to an address on loopback */
  readonly compression?: Compression | undefined;
}

/** One way to the server. */
export interface EndpointAddress {
  /** `http(s)://host:port`, and a path where a gateway has one. */
  readonly url: string;
  /** `http(s)://[user:password@]host:port`, through which its connections are tunnelled. */
  readonly proxy?: string | undefined;
}

export interface Statement {
  readonly sql: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly settings?: ClickHouseSettings;
  readonly queryId?: string;
  /** Statements with the same one share temporary tables. Only one of them may run at a time. */
  readonly sessionId?: string;
  readonly body?: readonly Uint8Array[];
}

export interface Answer {
  readonly text: string;
  /** Rows the server says it read; undefined where the header that says so did not arrive. */
  readonly readRows: number | undefined;
  /** Rows the server says it wrote, into views of the table too; undefined in the same way. */
  readonly writtenRows: number | undefined;
}

interface Sent {
  readonly query: string;
  readonly values?: Readable;
  readonly http_headers?: Record<string, string>;
}

/** Longer than any call's own timeout: those are what ends a request. */
const SOCKET_TIMEOUT = 60 * 60 * 1000;

/** Less than any server's keep-alive timeout. Ages are checked when a socket is taken, as a frozen process runs timers late. */
const IDLE_SOCKET_AGE = 2_000;

/** One ClickHouse over HTTP at one address. It sends every request exactly once: nothing in here or below it tries again. */
export class Endpoint {
  readonly url: string;
  readonly #client: ReturnType<typeof createClient>;
  readonly #secrets: readonly string[];
  readonly #compression: Compression;

  constructor(address: EndpointAddress, identity: Identity) {
    const { username, password, role, compression = compressionFor(address.url) } = identity;
    this.#compression = compression;
    // A password that is a word of its own user's name would be found in every message about that user.
    this.#secrets = username.includes(password) ? [] : [password];
    const { origin, pathname } = new URL(address.url);
    this.url = `${origin}${pathname}`.replace(/\/$/, '');
    const road: Road = { ...(identity.tls && { tls: identity.tls }), proxy: address.proxy };
    const agent = agentOf(origin, road);
    const certified = identityHeaders(road, username, password);
    this.#client = createClient({
      url: origin,
      pathname,
      ...{ username, password },
      ...(role !== undefined && { role }),
      ...(agent && { http_agent: agent }),
      ...(certified && { http_headers: { ...certified }, set_basic_auth_header: false }),
      application: 'pulsehouse',
      request_timeout: SOCKET_TIMEOUT,
      max_open_connections: MOST_CONNECTIONS,
      // Of statements without a body. Bodies are compressed here.
      compression: { request: false, response: false },
      keep_alive: { enabled: true, idle_socket_ttl: IDLE_SOCKET_AGE, eagerly_destroy_stale_sockets: true },
      log: { level: ClickHouseLogLevel.OFF },
    });
  }

  /**
   * Runs one statement and waits for its end, or until the signal.
   * @throws ServerError when the server answered with an error; any other Error when it gave no whole answer, or another
   * server did.
   */
  async answer(statement: Statement, signal: AbortSignal): Promise<Answer> {
    const { http_status_code, query_id, response_headers, stream } = await this.#client.exec({
      ...this.#sent(statement),
      query_params: { ...statement.parameters },
      clickhouse_settings: statement.settings ?? {},
      ignore_error_response: true,
      abort_signal: signal,
      ...(statement.queryId === undefined ? {} : { query_id: statement.queryId }),
      ...(statement.sessionId === undefined ? {} : { session_id: statement.sessionId }),
    });
    const text = await readAll(stream, signal);
    const status = http_status_code ?? 0;
    const echoed = response_headers['x-clickhouse-query-id'];
    if (echoed !== undefined && echoed !== query_id)
      throw new ForeignAnswer(status, 'it belongs to another query');
    const code = response_headers['x-clickhouse-exception-code'];
    if (status === 200 && code === undefined) {
      const [readRows, writtenRows] = [
        rowsSaid(response_headers, 'read_rows'),
        rowsSaid(response_headers, 'written_rows'),
      ];
      return { text, readRows, writtenRows };
    }
    const named = code ?? /^Code: (\d+)/.exec(text)?.[1];
    if (named === undefined) throw new ForeignAnswer(status, this.#shown(text));
    throw new ServerError(Number(named), this.#shown(text).trim(), {
      isByHeader: code !== undefined,
      writtenRows: rowsSaid(response_headers, 'written_rows'),
    });
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #sent({ sql, body }: Statement): Sent {
    if (body === undefined) return { query: sql };
    // Before its rows in the body and not in the URL, whose length every proxy limits. The server reads the same text.
    const values = bodyStream([Buffer.from(`${sql}\n`), ...body], this.#compression);
    return { query: '', values, http_headers: encodingHeaders(this.#compression) };
  }

  #shown(text: string): string {
    return redacted(text, this.#secrets);
  }
}

/** The client stops watching its signal once the headers are there; a stalled body must end by the deadline too. */
async function readAll(stream: Readable, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  const giveUp = (): void => {
    stream.destroy(new Error('the answer broke off'));
  };
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    for await (const chunk of stream) chunks.push(chunk as Buffer);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function rowsSaid(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  name: 'read_rows' | 'written_rows',
): number | undefined {
  const summary = headers['x-clickhouse-summary'];
  const match = typeof summary === 'string' ? new RegExp(`"${name}":"(\\d+)"`).exec(summary) : null;
  return match ? Number(match[1]) : undefined;
}
