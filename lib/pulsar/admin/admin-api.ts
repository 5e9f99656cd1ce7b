import http, { type IncomingHttpHeaders, type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import type { ErrorCode } from '../../pipeline/error-codes.ts';
import { isPulsehouseError, messageOf, PulsehouseError } from '../../pipeline/errors.ts';
import { redacted } from '../../pipeline/redacted.ts';
import type { Environment } from '../../ports/environment.ts';
import type { Authentication } from '../wire/net/authentication.ts';
import { isUntrusted, type TlsOptions, tlsSettings } from '../wire/net/socket.ts';

/** How Pulsar's admin API is reached, and as whom. */
export interface AdminAccess {
  /** `http(s)://host:port` */
  readonly url: string;
  /** Sent where it is a token; a client certificate goes with `tls`. */
  readonly authentication?: Authentication | undefined;
  readonly tls?: TlsOptions | undefined;
  /** Milliseconds any one question may take, within its caller's deadline. @default 30000 */
  readonly timeout?: number | undefined;
  readonly environment: Environment;
}

export interface AdminQuestion {
  /** Whom it concerns, for the error. */
  readonly topic: string;
  /** Follows `/admin/v2/`. */
  readonly path: string;
}

interface AdminAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Empty where only the headers were wanted. */
  readonly body: string;
}

const TIMEOUT = 30_000;
/** The internal statistics of a topic with a hundred thousand ledgers stay below it. */
const MAX_BODY = 64 * 1024 * 1024;
/** So a broker sends on to the one that owns the topic. Other redirects are a gateway's, to a page to log in at. */
const TO_THE_OWNER = 307;
const MAX_REDIRECTS = 5;

const STATUS_CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'PH_PULSAR_AUTHENTICATION',
  403: 'PH_PULSAR_AUTHORIZATION',
  404: 'PH_PULSAR_TOPIC_NOT_FOUND',
  429: 'PH_PULSAR_THROTTLED',
};

/** What to do where the code's own next step speaks of the binary port. */
const NEXT_STEPS: Readonly<Partial<Record<ErrorCode, string>>> = {
  PH_PULSAR_UNREACHABLE:
    'Check that PULSAR_ADMIN_URL names the web address of the broker; `wire` needs none.',
  PH_PULSAR_TIMEOUT:
    'Check that PULSAR_ADMIN_URL names the web address of the broker, and the broker for overload.',
  PH_PULSAR_AUTHENTICATION: 'Check PULSAR_TOKEN: the admin API does not accept it.',
  PH_PULSAR_AUTHORIZATION:
    'Grant the role `consume` on the topic; policies are shown to an administrator of the tenant only.',
};

/**
 * Asks one thing. `read` makes of the body what the caller wants and throws where it is of another shape; it is given
 * undefined for an empty body: so the API says that a policy is set nowhere.
 * @throws PulsehouseError PH_PULSAR_UNREACHABLE, _TIMEOUT, _NOT_READY, _THROTTLED, _ADMIN_FAILED (retryable);
 * _TLS, _AUTHENTICATION, _AUTHORIZATION, _TOPIC_NOT_FOUND, _REFUSED.
 */
export async function askAdmin<T>(
  access: AdminAccess,
  question: AdminQuestion,
  read: (body: unknown) => T,
  deadline: number,
): Promise<T> {
  const { body } = await get(access, question, 'body', deadline);
  try {
    return read(body === '' ? undefined : JSON.parse(body));
  } catch (cause) {
    throw failure(access, question, 'PH_PULSAR_ADMIN_FAILED', `answered ${quote(body)}`, cause);
  }
}

/** As `askAdmin`, for what the headers tell: the body, which may be a large message, is not read. */
export async function askAdminHeaders(
  access: AdminAccess,
  question: AdminQuestion,
  deadline: number,
): Promise<IncomingHttpHeaders> {
  return (await get(access, question, 'headers', deadline)).headers;
}

/** Reading needs no such rights: whoever can do without the answer goes on. */
export function mayNotAsk(error: unknown): boolean {
  if (!isPulsehouseError(error)) return false;
  return error.code === 'PH_PULSAR_AUTHENTICATION' || error.code === 'PH_PULSAR_AUTHORIZATION';
}

export function ofTopic(topic: string, what: string): AdminQuestion {
  const { scheme, tenant, namespace, name } = partsOf(topic);
  return { topic, path: `${scheme}/${[tenant, namespace, name].map(encodeURIComponent).join('/')}/${what}` };
}

export function ofNamespace(topic: string, what: string): AdminQuestion {
  const { tenant, namespace } = partsOf(topic);
  return { topic, path: `namespaces/${[tenant, namespace].map(encodeURIComponent).join('/')}/${what}` };
}

/** A name alone lies in public/default. */
function partsOf(topic: string) {
  const [, scheme = 'persistent', rest = topic] = /^(\w[\w-]*):\/\/(.*)$/.exec(topic) ?? [];
  const [tenant = '', namespace = '', ...name] = rest.includes('/')
    ? rest.split('/')
    : ['public', 'default', rest];
  return { scheme, tenant, namespace, name: name.join('/') };
}

async function get(
  access: AdminAccess,
  question: AdminQuestion,
  wanted: 'body' | 'headers',
  deadline: number,
): Promise<AdminAnswer> {
  const { environment, timeout = TIMEOUT } = access;
  const signal = AbortSignal.timeout(Math.max(1, Math.min(timeout, deadline - environment.now())));
  try {
    const answer = await follow(access, question, wanted, signal);
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw refusal(access, question, answer);
  } catch (cause) {
    if (isPulsehouseError(cause)) throw cause;
    if (signal.aborted)
      throw failure(access, question, 'PH_PULSAR_TIMEOUT', 'has not answered in time', cause);
    const code = isUntrusted(cause) ? 'PH_PULSAR_TLS' : 'PH_PULSAR_UNREACHABLE';
    throw failure(access, question, code, `does not answer: ${messageOf(cause)}`, cause);
  }
}

/** Brokers name each other, so the credentials go along; never from TLS to a plain connection. */
async function follow(
  access: AdminAccess,
  question: AdminQuestion,
  wanted: 'body' | 'headers',
  signal: AbortSignal,
): Promise<AdminAnswer> {
  // A token may have to be fetched first, from an issuer that does not answer either.
  const headers = await unlessAborted(credentials(access), signal);
  let url = new URL(`${access.url.replace(/\/+$/, '')}/admin/v2/${question.path}`);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const answer = await exchange(url, { headers, agent: false, signal }, access.tls ?? {}, wanted);
    const { location } = answer.headers;
    if (answer.status !== TO_THE_OWNER || location === undefined) return answer;
    const next = new URL(location, url);
    if (url.protocol === 'https:' && next.protocol !== 'https:') {
      throw failure(
        access,
        question,
        'PH_PULSAR_REFUSED',
        `sends on to ${next.origin}, which is not encrypted`,
      );
    }
    url = next;
  }
  throw failure(access, question, 'PH_PULSAR_NOT_READY', 'is sent on from broker to broker');
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new Error('it was not ready in time'));
    if (signal.aborted) late();
    signal.addEventListener('abort', late, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', late));
  });
}

async function credentials({ authentication }: AdminAccess): Promise<Record<string, string>> {
  if (authentication?.method !== 'token') return {};
  return { authorization: `Bearer ${Buffer.from(await authentication.data()).toString('utf8')}` };
}

/**
 * One GET on a connection of its own. `fetch` would do, but it loads an HTTP client of its own and compiles its parser:
 * 60 ms of CPU in every cold start, for one question.
 */
function exchange(
  url: URL,
  options: RequestOptions,
  tls: TlsOptions,
  wanted: 'body' | 'headers',
): Promise<AdminAnswer> {
  return new Promise((resolve, reject) => {
    const onResponse = (response: IncomingMessage): void => {
      const { statusCode: status = 0, headers } = response;
      if (wanted === 'headers' && status < 300) {
        response.destroy();
        resolve({ status, headers, body: '' });
      } else readBody(response).then((body) => resolve({ status, headers, body }), reject);
    };
    const request =
      url.protocol === 'https:'
        ? https.get(url, { ...options, ...trusting(url, tls) }, onResponse)
        : http.get(url, options, onResponse);
    // Also after the response has begun: a body that breaks off is an error of the request too.
    request.on('error', reject);
  });
}

/** The broker's authority besides Node's own: the API may well stand behind a gateway with a public certificate. */
function trusting({ hostname }: URL, options: TlsOptions): https.RequestOptions {
  const ca = options.ca && [...rootCertificates, options.ca].join('\n');
  return tlsSettings(hostname.replaceAll(/[[\]]/g, ''), { ...options, ca });
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BODY) throw new Error(`more than ${MAX_BODY} bytes came`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The API gives its reason in JSON; what answers 404 with a page of its own, or redirects to one, is something else. */
function refusal(
  access: AdminAccess,
  question: AdminQuestion,
  { status, body }: AdminAnswer,
): PulsehouseError {
  const reason = reasonIn(body);
  const code =
    status < 400 || (status === 404 && reason === undefined)
      ? 'PH_PULSAR_ADMIN_FAILED'
      : (STATUS_CODES[status] ?? (status >= 500 ? 'PH_PULSAR_NOT_READY' : 'PH_PULSAR_REFUSED'));
  return failure(access, question, code, `answered ${status}: ${reason ?? quote(body)}`);
}

function reasonIn(body: string): string | undefined {
  try {
    const { reason } = JSON.parse(body) as { readonly reason?: unknown };
    return typeof reason === 'string' ? reason : undefined;
  } catch {
    return undefined;
  }
}

function failure(
  { url }: AdminAccess,
  { topic, path }: AdminQuestion,
  code: ErrorCode,
  what: string,
  cause?: unknown,
): PulsehouseError {
  const nextStep = NEXT_STEPS[code];
  return new PulsehouseError(code, `the admin API ${redacted(what)} (GET ${path})`, {
    where: { topic, server: url },
    ...(nextStep !== undefined && { nextStep }),
    cause,
  });
}

function quote(body: string): string {
  const line = redacted(body).replaceAll(/\s+/g, ' ').trim();
  return line === '' ? 'nothing' : line.slice(0, 200);
}
