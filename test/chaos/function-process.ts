import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Point } from './points.ts';
import type { World } from './world.ts';

type Variables = Readonly<Record<string, string>>;

/** One function process. Whatever becomes of it, `ended` tells. */
export class FunctionProcess {
  private readonly child: ChildProcess;
  private readonly output: string[] = [];
  /** Exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;

  private constructor(child: ChildProcess) {
    this.child = child;
    this.ended = once(child, 'exit').then(([code]) => code as number | null);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (bytes: Buffer) => this.output.push(bytes.toString()));
    }
  }

  /** `variables` win over the world's. */
  static consume(world: World, partition: number, heldAt?: Point, variables?: Variables): FunctionProcess {
    return FunctionProcess.start(world, ['consume', String(partition)], heldAt, variables);
  }

  static checkpoint(world: World, heldAt?: Point, variables?: Variables): FunctionProcess {
    return FunctionProcess.start(world, ['checkpoint'], heldAt, variables);
  }

  private static start(
    world: World,
    args: readonly string[],
    heldAt: Point | undefined,
    variables: Variables = {},
  ): FunctionProcess {
    const point = heldAt ? { CHAOS_POINT: heldAt } : {};
    return new FunctionProcess(
      fork(world.functionFile, args, {
        env: { ...process.env, ...world.environment, ...variables, ...point },
        execArgv: [],
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      }),
    );
  }

  /** Resolves when the process is held at its point. @throws Error when it ends without having been there. */
  async atPoint(): Promise<void> {
    const first = await Promise.race([once(this.child, 'message'), this.ended]);
    if (!Array.isArray(first)) throw new Error(`the function ended before its point:\n${this.log()}`);
  }

  goOn(): void {
    if (this.child.connected) this.child.send('go on', () => undefined);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** @throws Error with the function's output when it failed. */
  async succeeded(): Promise<void> {
    const code = await this.ended;
    if (code !== 0) throw new Error(`the function ended with ${code}:\n${this.log()}`);
  }

  /** Answers what it said. @throws Error when it succeeded or a signal ended it. */
  async failed(): Promise<string> {
    const code = await this.ended;
    if (code === 0 || code === null) throw new Error(`the function ended with ${code}:\n${this.log()}`);
    return this.output.join('');
  }

  hasSaid(text: string): boolean {
    return this.output.join('').includes(text);
  }

  log(): string {
    return this.output.join('').trimEnd().split('\n').slice(-40).join('\n');
  }
}
