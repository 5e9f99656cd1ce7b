import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { externalServers } from '../../infra/local/external-servers.ts';
import { plainProgress } from '../../infra/local/progress.ts';
import type { StackEnvironment } from '../../infra/local/server-plan.ts';
import { DEFAULT_SERVERS, type Stack, startStack } from '../../infra/local/stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly stack: StackEnvironment;
  }
}

interface Shared {
  readonly stack: Promise<Stack>;
  users: number;
}

/** Vitest runs this file once for each project, in one process; `globalThis` is what those runs have in common. */
const shared = globalThis as typeof globalThis & { pulsehouseStack?: Shared };

/**
 * One stack for the whole run. Servers that the environment names are taken as they are:
 * `eval "$(npx pulsehouse stack env)"` before `npx vitest` saves the start.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const external = externalServers(process.env, {});
  shared.pulsehouseStack ??= { stack: start(external.names), users: 0 };
  const mine = shared.pulsehouseStack;
  mine.users += 1;
  const stack = await mine.stack;
  project.provide('stack', { ...stack.environment, ...external.environment });
  return async () => {
    mine.users -= 1;
    if (mine.users === 0) await stack.stop();
  };
}

async function start(external: readonly string[]): Promise<Stack> {
  return startStack({
    directory: await mkdtemp(join(tmpdir(), 'pulsehouse-test-')),
    servers: DEFAULT_SERVERS.filter((name) => !external.includes(name)),
    ephemeral: true,
    pulsar: { quickStart: true },
    progress: plainProgress((line) => void process.stderr.write(`${line}\n`)),
  });
}
