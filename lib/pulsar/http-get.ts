import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/**
 * One GET on a connection of its own, answered or failed within `timeout` milliseconds. `fetch` would do, but it loads
 * an HTTP client of its own and compiles its parser: 60 ms of CPU in every cold start, for one question.
 */
export async function httpGet(
  url: string,
  headers: Readonly<Record<string, string>>,
  timeout: number,
): Promise<HttpAnswer> {
  const { get } = url.startsWith('https:') ? https : http;
  const request = get(url, { headers, agent: false, signal: AbortSignal.timeout(timeout) });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, body: await text(response) };
}
