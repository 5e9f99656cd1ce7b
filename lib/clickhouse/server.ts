import { isPulsehouseError } from '../pipeline/errors.ts';
import { type Answer, Endpoint, type EndpointAddress, type Identity, type Statement } from './endpoint.ts';
import { refuseOld } from './oldest-version.ts';
import { ForeignAnswer, ServerError } from './server-error.ts';

export interface ServerSettings extends Identity {
  /** The ways to one server, in the order in which they are tried. */
  readonly endpoints: readonly EndpointAddress[];
}

export interface Request extends Statement {
  /** How long the answer is waited for, in milliseconds. Not waiting any longer does not end the query. */
  readonly timeout: number;
}

/** How long one of several endpoints may take to answer before the next is tried (ms). */
const LOOK_TIME = 3_000;

/**
 * One ClickHouse. The first request looks for the first endpoint that answers and is recent enough; from then on all go
 * there, whatever becomes of it: an insert in doubt is asked about where it was sent.
 */
export class Server {
  /** Every endpoint, with commas between. */
  readonly url: string;
  readonly #endpoints: readonly Endpoint[];
  #chosen: Promise<Endpoint> | undefined;

  constructor({ endpoints, ...identity }: ServerSettings) {
    this.#endpoints = endpoints.map((address) => new Endpoint(address, identity));
    this.url = this.#endpoints.map(({ url }) => url).join(',');
  }

  /** Runs one statement and waits for its end. @returns the text of the answer. @throws as `answer` does */
  async run(request: Request): Promise<string> {
    return (await this.answer(request)).text;
  }

  /**
   * The same with what the headers say.
   * @throws ServerError when the server answered with an error; PulsehouseError PH_CLICKHOUSE_TOO_OLD; any other Error when
   * it gave no whole answer, or another server did.
   */
  async answer({ timeout, ...statement }: Request): Promise<Answer> {
    if (timeout <= 0) throw new Error('its deadline had passed before it was sent');
    const signal = AbortSignal.timeout(timeout);
    const endpoint = await this.#endpoint(signal);
    return endpoint.answer(statement, signal);
  }

  async close(): Promise<void> {
    await Promise.all(this.#endpoints.map((endpoint) => endpoint.close()));
  }

  /** Who waits for a choice that another request makes waits no longer than for its own answer. */
  #endpoint(signal: AbortSignal): Promise<Endpoint> {
    if (this.#chosen === undefined) {
      const chosen = this.#choose(signal);
      this.#chosen = chosen;
      chosen.catch(() => {
        this.#chosen = undefined;
      });
      return chosen;
    }
    return Promise.race([this.#chosen, outOfTime(signal)]);
  }

  /** Nothing was sent before it: any that gives no answer of ClickHouse's may be passed over. */
  async #choose(signal: AbortSignal): Promise<Endpoint> {
    const failures: string[] = [];
    for (const [index, endpoint] of this.#endpoints.entries()) {
      const isLast = index === this.#endpoints.length - 1;
      try {
        await look(endpoint, isLast ? signal : AbortSignal.any([signal, AbortSignal.timeout(LOOK_TIME)]));
        return endpoint;
      } catch (error) {
        const isAnswer = error instanceof ServerError || isPulsehouseError(error);
        if (isAnswer || this.#endpoints.length === 1) throw error;
        failures.push(`${endpoint.url}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    throw new Error(failures.join('; '));
  }
}

/** Rejects with the signal. Nobody has to listen. */
function outOfTime(signal: AbortSignal): Promise<never> {
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('no endpoint answered in time')), { once: true });
  });
  late.catch(() => undefined);
  return late;
}

/** @throws as `answer` does */
async function look(endpoint: Endpoint, signal: AbortSignal): Promise<void> {
  const { text } = await endpoint.answer({ sql: 'SELECT version() FORMAT TSVRaw' }, signal);
  const version = text.trim();
  if (!/^\d+\.\d+/.test(version)) throw new ForeignAnswer(200, text);
  refuseOld(version, endpoint.url);
}
