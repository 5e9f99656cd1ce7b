import { appendFile, mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PulsehouseError } from '../../lib/pipeline/errors.ts';
import { requireFree } from './ports.ts';
import type { ServerName, ServerPlan, StackEnvironment } from './server-plan.ts';
import { runWatched, type Watched } from './watched.ts';

const READY_WITHIN_MS = 120_000;
const ASK_AGAIN_MS = 40;
/** Starts tried when a start gets stuck. */
const STARTS = 4;
const LOG_TAIL_BYTES = 1500;

/** One server of a stack. Its ports and data stay the same over any number of starts. */
export class Server {
  readonly name: ServerName;
  readonly environment: StackEnvironment;
  readonly ports: readonly number[];
  readonly log: string;
  readonly #plan: ServerPlan;
  readonly #folder: string;
  readonly #installed: string;
  #watched: Watched | undefined;

  constructor(plan: ServerPlan, installed: string, folder: string, ports: readonly number[]) {
    this.name = plan.name;
    this.environment = plan.environment(ports);
    this.ports = ports;
    this.log = join(folder, `${plan.name}.log`);
    this.#plan = plan;
    this.#folder = folder;
    this.#installed = installed;
  }

  get version(): string {
    return this.#plan.package.version;
  }

  /** Process ids of the server and of its watchdog; undefined while it is down. */
  get processes(): { readonly server: number; readonly watchdog: number } | undefined {
    const watchdog = this.#watched?.watchdog.pid;
    return this.#watched && watchdog !== undefined ? { server: this.#watched.pid, watchdog } : undefined;
  }

  /**
   * Resolves when it is ready. Nothing is left running when it is not, or when `signal` is aborted first.
   * @throws PulsehouseError PH_STACK_PORT_TAKEN, PH_STACK_NOT_READY
   */
  async start(signal?: AbortSignal): Promise<void> {
    for (let start = 1; ; start++) {
      signal?.throwIfAborted();
      await Promise.all(this.ports.map((port) => requireFree(port, this.name)));
      const state = await this.#startOnce(signal);
      if (state === 'ready') return;
      await this.stop('SIGKILL');
      if (start === STARTS) throw this.#notReady(`got stuck in ${STARTS} starts`, '');
    }
  }

  /** Ends it, in order with SIGTERM. Harmless when it is down. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const watched = this.#watched;
    if (!watched) return;
    if (signal === 'SIGKILL') this.kill('SIGKILL');
    watched.end();
    await watched.ended;
    this.#watched = undefined;
  }

  /** Signals the server process itself: SIGKILL for a crash, SIGSTOP and SIGCONT for one that hangs. */
  kill(signal: NodeJS.Signals): void {
    if (!this.#watched) return;
    try {
      process.kill(this.#watched.pid, signal);
    } catch {
      // Gone already: what was asked for.
    }
  }

  /** Resolves when the process has ended. */
  async ended(): Promise<void> {
    await this.#watched?.ended;
    this.#watched = undefined;
  }

  async release(): Promise<void> {
    await this.#watched?.release();
  }

  async #startOnce(signal: AbortSignal | undefined): Promise<'ready' | 'stuck'> {
    await mkdir(this.#folder, { recursive: true });
    const launch = await this.#plan.launch({
      installed: this.#installed,
      folder: this.#folder,
      ports: this.ports,
    });
    await appendFile(this.log, '');
    const logStart = (await stat(this.log)).size;
    const watched = await runWatched({
      ...launch,
      folder: this.#folder,
      log: this.log,
      grace: this.#plan.grace,
    });
    this.#watched = watched;
    let exit: number | undefined;
    void watched.ended.then((code) => {
      exit = code;
    });
    const deadline = Date.now() + READY_WITHIN_MS;
    while (!(await this.#plan.isReady(this.ports))) {
      const output = this.#plan.isStuck || exit !== undefined ? await readFrom(this.log, logStart) : '';
      if (exit !== undefined) {
        this.#watched = undefined;
        throw this.#notReady(`ended with ${exit} before it was ready`, output);
      }
      if (this.#plan.isStuck?.(output)) return 'stuck';
      if (signal?.aborted || Date.now() > deadline) {
        await this.stop('SIGKILL');
        signal?.throwIfAborted();
        throw this.#notReady(`was not ready within ${READY_WITHIN_MS / 1000} s`, output);
      }
      await sleep(ASK_AGAIN_MS);
    }
    return 'ready';
  }

  #notReady(what: string, output: string): PulsehouseError {
    const tail = output.slice(-LOG_TAIL_BYTES).trimEnd();
    return new PulsehouseError(
      'PH_STACK_NOT_READY',
      `${this.name} ${this.version} ${what}; its log is ${this.log}${tail ? `, and ends:\n${tail}` : ''}`,
      { where: { server: this.name } },
    );
  }
}

async function readFrom(path: string, start: number): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const bytes = Buffer.alloc(size - start);
    await file.read(bytes, 0, bytes.length, start);
    return bytes.toString('utf8');
  } finally {
    await file.close();
  }
}
