import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../infra/local/package-root.ts';
import { plainProgress } from '../infra/local/progress.ts';
import { type Stack, startStack } from '../infra/local/stack.ts';

export interface BenchPlace {
  readonly stack: Stack;
  /** Inside `node_modules`, so that what is bundled into it finds packages that stay outside. */
  readonly folder: string;
  say(line: string): void;
}

/** Measures on a stack and in a folder of its own; both are gone afterwards. */
export async function onStack(
  measure: (place: BenchPlace) => Promise<void>,
  only: Pick<Parameters<typeof startStack>[0], 'servers'> = {},
): Promise<void> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const folder = await mkdtemp(join(packageRoot, 'node_modules', '.bench-'));
  try {
    const directory = join(folder, 'stack');
    const stack = await startStack({ directory, ephemeral: true, progress: plainProgress(say), ...only });
    try {
      await measure({ stack, folder, say });
    } finally {
      await stack.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
