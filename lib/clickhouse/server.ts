import { Readable } from 'node:stream';
import { ClickHouseLogLevel, type ClickHouseSettings, createClient } from '@clickhouse/client';
import { redacted } from '../pipeline/redacted.ts';
import { agentOf, identityHeaders, MOST_CONNECTIONS, type Road } from './road.ts';
import { ServerError } from './server-error.ts';

export interface ServerSettings extends Road {
  /** `http(s)://host:port`, and a path where a gateway has one. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** Compresses insert bodies (zstd or gzip on the wire is worth it across a network, never on loopback). */
  readonly compress?: boolean;
}

export interface Request {
  readonly sql: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly settings?: ClickHouseSettings;
  readonly queryId?: string;
  /** Statements with the same one share temporary tables. Only one of them may run at a time. */
  readonly sessionId?: string;
  readonly body?: readonly Uint8Array[];
  /** How long the answer is waited for, in milliseconds. Not waiting any longer does not end the query. */
  readonly timeout: number;
}

export interface Answer {
  readonly text: string;
  /** Rows the server says it read; undefined where the header that says so did not arrive. */
  readonly readRows: number | undefined;
}

/** Longer than any call's own timeout: those are what ends a request. */
const SOCKET_TIMEOUT = 60 * 60 * 1000;

/** Less than any server's keep-alive timeout. Ages are checked when a socket is taken, as a frozen process runs timers late. */
const IDLE_SOCKET_AGE = 2_000;

/** One ClickHouse over HTTP. It sends every request exactly once: nothing in here or below it tries again. */
export class Server {
  readonly url: string;
  readonly #client: ReturnType<typeof createClient>;
  readonly #secrets: readonly string[];

  constructor(settings: ServerSettings) {
    // A password that is a word of its own user's name would be found in every message about that user.
    this.#secrets = settings.username.includes(settings.password) ? [] : [settings.password];
    const { origin, pathname } = new URL(settings.url);
    this.url = `${origin}${pathname}`.replace(/\/$/, '');
    const agent = agentOf(origin, settings);
    const identity = identityHeaders(settings, settings.username, settings.password);
    this.#client = createClient({
      url: origin,
      pathname,
      username: settings.username,
      password: settings.password,
      ...(agent && { http_agent: agent }),
      ...(identity && { http_headers: { ...identity }, set_basic_auth_header: false }),
      application: 'pulsehouse',
      request_timeout: SOCKET_TIMEOUT,
      max_open_connections: MOST_CONNECTIONS,
      compression: { request: settings.compress ?? false, response: false },
      keep_alive: { enabled: true, idle_socket_ttl: IDLE_SOCKET_AGE, eagerly_destroy_stale_sockets: true },
      log: { level: ClickHouseLogLevel.OFF },
    });
  }

  /** Runs one statement and waits for its end. @returns the text of the answer. @throws as `answer` does */
  async run(request: Request): Promise<string> {
    return (await this.answer(request)).text;
  }

  /**
   * The same with what the headers say.
   * @throws ServerError when the server answered with an error; any other Error when it gave no whole answer, or another
   * server did.
   */
  async answer(request: Request): Promise<Answer> {
    if (request.timeout <= 0) throw new Error('its deadline had passed before it was sent');
    const signal = AbortSignal.timeout(request.timeout);
    const { http_status_code, response_headers, stream } = await this.#client.exec({
      // Before its rows in the body and not in the URL, whose length every proxy limits. The server reads the same text.
      ...(request.body === undefined
        ? { query: request.sql }
        : { query: '', values: Readable.from([Buffer.from(`${request.sql}\n`), ...request.body]) }),
      query_params: { ...request.parameters },
      clickhouse_settings: request.settings ?? {},
      ignore_error_response: true,
      abort_signal: signal,
      ...(request.queryId === undefined ? {} : { query_id: request.queryId }),
      ...(request.sessionId === undefined ? {} : { session_id: request.sessionId }),
    });
    const text = await readAll(stream, signal);
    const code = response_headers['x-clickhouse-exception-code'];
    if (http_status_code === 200 && code === undefined) {
      return { text, readRows: rowsSaid(response_headers, 'read_rows') };
    }
    const named = code ?? /^Code: (\d+)/.exec(text)?.[1];
    if (named === undefined) throw notClickHouse(http_status_code, this.#shown(text));
    const written = rowsSaid(response_headers, 'written_rows');
    throw new ServerError(Number(named), this.#shown(text).trim(), written);
  }

  #shown(text: string): string {
    return redacted(text, this.#secrets);
  }

  close(): Promise<void> {
    return this.#client.close();
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

/** A balancer without a server behind it, or a port of something else: that says nothing of what the server did. */
function notClickHouse(status: number | undefined, text: string): Error {
  const words = text
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return new Error(
    `HTTP status ${status} without an error of ClickHouse's own: ${words.slice(0, 100) || 'no words'}`,
  );
}

function rowsSaid(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  name: 'read_rows' | 'written_rows',
): number | undefined {
  const summary = headers['x-clickhouse-summary'];
  const match = typeof summary === 'string' ? new RegExp(`"${name}":"(\\d+)"`).exec(summary) : null;
  return match ? Number(match[1]) : undefined;
}
