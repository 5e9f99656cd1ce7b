import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Doubt, Testimony } from './witness.ts';

/** Milliseconds: pauses are longer than a lease, so that every one of them makes a zombie. */
const LONGEST_FREEZE = 5_000;
const BETWEEN_FREEZES = 120;

/** Many contenders, frozen and thawed at random. */
export class Crowd {
  readonly told: (Testimony | Doubt)[] = [];
  freezes = 0;
  readonly #members: readonly { readonly child: ChildProcess; readonly ended: Promise<void> }[];
  readonly #thaws = new Set<Promise<void>>();

  constructor(program: string, args: readonly string[], size: number, variables: NodeJS.ProcessEnv) {
    this.#members = Array.from({ length: size }, () => this.#start(program, args, variables));
  }

  #start(program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    const child = fork(program, args, { env, execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (bytes: Buffer) => output.push(bytes.toString()));
    }
    child.on('message', (message) => {
      if (message !== 'ready') this.told.push(message as Testimony | Doubt);
    });
    // What a process told before its end may be read after its exit; the channel's end comes last.
    const ended = Promise.all([once(child, 'exit'), once(child, 'disconnect')]).then(([[code]]) => {
      if (code !== 0) throw new Error(`a contender ended with ${code}:\n${output.join('').slice(-4_000)}`);
    });
    ended.catch(() => undefined);
    return { child, ended };
  }

  /** Resolves when every one of them is fighting. */
  async ready(): Promise<void> {
    await Promise.all(this.#members.map(({ child, ended }) => Promise.race([once(child, 'message'), ended])));
  }

  /** Freezes one after the other until `milliseconds` have passed, and resolves when all are awake again. */
  async torment(milliseconds: number): Promise<void> {
    const until = Date.now() + milliseconds;
    while (Date.now() < until) {
      const victim = this.#members[Math.floor(Math.random() * this.#members.length)];
      if (victim) this.#freeze(victim.child);
      await sleep(Math.random() * 2 * BETWEEN_FREEZES);
    }
    await Promise.all(this.#thaws);
  }

  #freeze(child: ChildProcess): void {
    child.kill('SIGSTOP');
    this.freezes += 1;
    const thaw = sleep(Math.random() * LONGEST_FREEZE).then(() => {
      child.kill('SIGCONT');
      this.#thaws.delete(thaw);
    });
    this.#thaws.add(thaw);
  }

  /** @throws Error with a contender's output when one of them failed. */
  async end(): Promise<void> {
    for (const { child } of this.#members) if (child.connected) child.send('end');
    await Promise.all(this.#members.map(({ ended }) => ended));
  }

  /** Leaves nobody behind, frozen ones included. */
  kill(): void {
    for (const { child } of this.#members) child.kill('SIGKILL');
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
