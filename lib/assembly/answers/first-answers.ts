import { setMaxListeners } from 'node:events';
import type { ErrorCode } from '../../pipeline/error-codes.ts';
import { isPulsehouseError, PulsehouseError } from '../../pipeline/errors.ts';
import type { Environment } from '../../ports/environment.ts';
import { accepts, type HostAndPort } from './accepts.ts';

export type ServerName = 'Pulsar' | 'the admin API' | 'ClickHouse' | 'DynamoDB' | 'S3';

/** One server, and the cheapest question there is to it. */
export interface AskedServer {
  /** As the user gave it; it holds no secret. */
  readonly address: string;
  /** Where a connection shows whether anything listens; undefined where a proxy stands between. */
  readonly at: HostAndPort | undefined;
  /** Of the error when it does not answer. */
  readonly code: ErrorCode;
  /** Overrides the code's own next step. */
  readonly nextStep?: string;
  /** Ends by `deadline` (ms since the epoch). An answer that refuses is an answer. */
  ask(deadline: number): Promise<unknown>;
}

export interface AnswerTerms {
  readonly environment: Environment;
  /** Milliseconds that a server may take for its first answer. */
  readonly limit: number;
  /** Aborted: nothing is waited for any longer. */
  readonly stop: AbortSignal;
}

interface Known {
  answered: boolean;
  asking: Promise<void> | undefined;
  failure: PulsehouseError | undefined;
  failedAt: number;
}

/** Nobody was reached, or nobody said anything. Every other error is an answer. */
const SILENCE: ReadonlySet<ErrorCode> = new Set([
  ...(['PH_PULSAR_UNREACHABLE', 'PH_PULSAR_TIMEOUT', 'PH_PULSAR_CONNECTION_LOST'] as const),
  ...(['PH_CLICKHOUSE_UNREACHABLE', 'PH_STATE_UNREACHABLE', 'PH_OBJECTS_UNREACHABLE'] as const),
]);

/** So long after a server did not answer nobody waits for it again: repeating a call ends as fast as it failed. */
const BELIEVED_FOR = 10_000;
const CONNECT_TIMEOUT = 2_000;
/** A server that is well answers in this time, and then what was begun ends in order. */
const STOP_GRACE = 2_000;
/** Timers take no more. */
const LONGEST = 2 ** 31 - 1;
/** Timers and clocks differ by a little. */
const NEARLY = 0.9;

/**
 * Whether the servers of one pipeline answer at all. What a call may take depends on what it does, and some take minutes;
 * that a server is silent shows by a question that costs it nothing, before anything else is asked of it.
 */
export class FirstAnswers {
  private readonly servers: Partial<Record<ServerName, AskedServer>>;
  private readonly terms: AnswerTerms;
  private readonly known = new Map<ServerName, Known>();

  constructor(servers: Partial<Record<ServerName, AskedServer>>, terms: AnswerTerms) {
    // All of them may wait on it, for each of several pipelines.
    setMaxListeners(0, terms.stop);
    this.servers = servers;
    this.terms = terms;
  }

  /** Those that the pipeline has. */
  get names(): readonly ServerName[] {
    return Object.keys(this.servers) as ServerName[];
  }

  /**
   * Resolves as soon as the server has once answered. Callers at the same time share one question.
   * @throws PulsehouseError with the code of the server when it has not answered within the limit
   */
  async of(name: ServerName): Promise<void> {
    const server = this.servers[name];
    if (!server) return;
    const known = this.known.get(name) ?? fresh();
    this.known.set(name, known);
    if (known.answered) return;
    if (this.isBelieved(known)) throw known.failure;
    known.asking ??= this.ask(name, server, known).finally(() => {
      known.asking = undefined;
    });
    await known.asking;
  }

  /** Several, asked side by side. @throws PulsehouseError that names each one that has not answered */
  async all(names = this.names): Promise<void> {
    const asked = await Promise.allSettled(names.map((name) => this.of(name)));
    const failures = asked.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    const [first, ...others] = failures;
    if (first === undefined) return;
    if (others.length === 0 || !isPulsehouseError(first)) throw first;
    const message = failures.map(({ message }: Error) => message).join('; ');
    throw new PulsehouseError(first.code, message, { ...first, cause: first });
  }

  /** Of those that something was asked of, the ones that do not answer now. */
  async silentNow(limit: number): Promise<readonly string[]> {
    const silent = [...this.known].map(async ([name, known]) => {
      const server = this.servers[name];
      if (!server) return [];
      const isSilent = this.isBelieved(known) || (await this.silenceOf(server, limit)) !== undefined;
      return isSilent ? [titleOf(name, server)] : [];
    });
    return (await Promise.all(silent)).flat();
  }

  private isBelieved({ failure, failedAt }: Known): boolean {
    return failure !== undefined && this.terms.environment.now() - failedAt < BELIEVED_FOR;
  }

  private async ask(name: ServerName, server: AskedServer, known: Known): Promise<void> {
    const { environment, limit } = this.terms;
    const begun = environment.now();
    const silence = await this.unlessStopped(this.silenceOf(server, limit));
    known.answered = silence === undefined;
    if (silence === undefined) {
      known.failure = undefined;
      return;
    }
    const waited = environment.now() - begun;
    // It may answer yet: nobody waits for it any longer.
    if (silence === 'stopped') throw await this.failureOf(name, server, waited);
    known.failedAt = environment.now();
    known.failure =
      waited >= limit * NEARLY
        ? await this.failureOf(name, server, limit)
        : silence.at({ server: server.address });
    throw known.failure;
  }

  private async silenceOf(server: AskedServer, limit: number): Promise<PulsehouseError | undefined> {
    try {
      await server.ask(this.terms.environment.now() + limit);
      return undefined;
    } catch (error) {
      return isPulsehouseError(error) && SILENCE.has(error.code) ? error : undefined;
    }
  }

  private async unlessStopped<T>(work: Promise<T>): Promise<T | 'stopped'> {
    const { environment, stop } = this.terms;
    const over = new AbortController();
    const stopped = (async () => {
      await environment.sleep(LONGEST, AbortSignal.any([stop, over.signal]));
      await environment.sleep(STOP_GRACE, over.signal);
      return 'stopped' as const;
    })();
    return Promise.race([work, stopped]).finally(() => over.abort());
  }

  private async failureOf(name: ServerName, server: AskedServer, waited: number): Promise<PulsehouseError> {
    const { address, at, code, nextStep } = server;
    const found = this.terms.stop.aborted ? undefined : at && (await accepts(at, CONNECT_TIMEOUT));
    const within = `within ${Math.round(waited / 100) / 10} s`;
    const messages = {
      true: `accepts connections and has not answered ${within}`,
      undefined: `has not answered ${within}`,
    } as const;
    const what = typeof found === 'string' ? `accepts no connection: ${found}` : messages[`${found}`];
    return new PulsehouseError(code, `${titleOf(name, server)} ${what}`, {
      where: { server: address },
      ...(nextStep !== undefined && { nextStep }),
    });
  }
}

function titleOf(name: ServerName, { address }: AskedServer): string {
  return `${name} at ${address}`;
}

function fresh(): Known {
  return { answered: false, asking: undefined, failure: undefined, failedAt: 0 };
}
