import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { build, type Plugin } from 'esbuild';
import type { Patch } from './mutation.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');

/**
 * The simulation's worker and the protocol under test as one file, with the patches applied to the source text as it is
 * loaded: production code has no switch for being wrong.
 * @throws Error when a patch's text does not stand in its file exactly once.
 */
export async function bundleWorker(outfile: string, patches: readonly Patch[] = []): Promise<void> {
  const applied = new Set<Patch>();
  await build({
    entryPoints: [path.join(ROOT, 'test/simulation/command/worker.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'silent',
    plugins: patches.length === 0 ? [] : [patching(patches, applied)],
  });
  const idle = patches.find((patch) => !applied.has(patch));
  if (idle !== undefined) throw new Error(`${idle.file} is no part of the simulation`);
}

function patching(patches: readonly Patch[], applied: Set<Patch>): Plugin {
  return {
    name: 'mutation',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, async ({ path: file }) => {
        const relevant = patches.filter((patch) => path.join(ROOT, patch.file) === file);
        if (relevant.length === 0) return undefined;
        let text = await readFile(file, 'utf8');
        for (const patch of relevant) {
          text = patchedText(text, patch);
          applied.add(patch);
        }
        return { contents: text, loader: 'ts' };
      });
    },
  };
}

/** @throws Error when the text does not stand there exactly once. */
export function patchedText(text: string, { file, find, replace }: Patch): string {
  // Formatting may break lines anywhere; nothing else about the text may differ.
  const pattern = find.trim().split(/\s+/).map(escaped).join('\\s+');
  const found = text.match(new RegExp(pattern, 'g'))?.length ?? 0;
  if (found !== 1) throw new Error(`${file} has ${found} times: ${find}`);
  return text.replace(new RegExp(pattern), () => replace);
}

function escaped(word: string): string {
  return word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
