import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';

export interface SandboxOptions {
  /** Path of the Node binary. */
  readonly node: string;
  /** The packaged handler. */
  readonly bundle: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What a handler answered or threw. */
export type Answer =
  | { readonly ok: true; readonly result: Record<string, unknown> }
  | { readonly ok: false; readonly error: string; readonly code: string | undefined };

/**
 * One Lambda sandbox: a process that loads a packaged handler once and runs invocation after invocation, and that can
 * be stopped and continued the way Lambda freezes it between them.
 */
export class Sandbox {
  private readonly process: ChildProcess;
  private readonly lines: Interface;
  /** Lines of what the function logs. */
  readonly logged: string[] = [];
  private readonly waiting: ((answer: Answer) => void)[] = [];

  constructor({ node, bundle, environment }: SandboxOptions) {
    this.process = spawn(node, [join(import.meta.dirname, 'sandbox-runtime.mjs'), bundle], {
      env: { PATH: process.env['PATH'], NODE_NO_WARNINGS: '1', ...environment },
      stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
    });
    const answers = this.process.stdio[3];
    if (!answers || !('readable' in answers)) throw new Error('the sandbox has no channel for answers');
    if (this.process.stdout) {
      createInterface(this.process.stdout).on('line', (line) => this.logged.push(line));
    }
    this.lines = createInterface(answers as NodeJS.ReadableStream);
    this.lines.on('line', (line) => this.waiting.shift()?.(JSON.parse(line) as Answer));
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error('the sandbox did not start');
    return this.process.pid;
  }

  /** `timeout` is the function's, milliseconds. */
  invoke(event: unknown, timeout = 60_000): Promise<Answer> {
    const answer = new Promise<Answer>((resolve) => this.waiting.push(resolve));
    this.process.stdin?.write(`${JSON.stringify({ event, timeout })}\n`);
    return answer;
  }

  freeze(): void {
    this.process.kill('SIGSTOP');
  }

  thaw(): void {
    this.process.kill('SIGCONT');
  }

  async end(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
    this.lines.close();
  }
}
