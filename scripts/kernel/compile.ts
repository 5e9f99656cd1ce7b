import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ENTRY, PAGE, STATIC } from '../../lib/kernel/layout.ts';

const KERNEL = join(import.meta.dirname, '../../lib/kernel');

/** The compiled kernel, committed so that a checkout runs without a build step. */
export const MODULE_FILE = join(KERNEL, 'module.ts');

const OUTPUT = 'kernel.wasm';

const FLAGS = [
  ...['--baseDir', KERNEL, '--runtime', 'stub', '--enable', 'simd', '-O3', '--noAssert'],
  ...['--memoryBase', `${STATIC}`, '--initialMemory', `${ENTRY / PAGE}`, '--outFile', OUTPUT],
];

/** What is used of the compiler. Its own types are global (`i32`, `load`) and clash with those of Node. */
interface Compiler {
  main(
    args: readonly string[],
    files: {
      readFile(name: string, base: string): Promise<string | null>;
      writeFile(name: string, contents: Uint8Array | string): void;
      listFiles(): readonly string[];
    },
  ): Promise<{ readonly error: Error | null; readonly stderr: { toString(): string } }>;
}
const COMPILER: string = 'assemblyscript/asc';

/**
 * Compiles `lib/kernel/assembly` and answers the text of `lib/kernel/module.ts`. The same source gives the same text
 * wherever it is compiled.
 * @throws Error with what the compiler says
 */
export async function compileKernel(): Promise<string> {
  const { default: compiler } = (await import(COMPILER)) as { default: Compiler };
  const written = new Map<string, Uint8Array | string>();
  const { error, stderr } = await compiler.main(['assembly/index.ts', ...FLAGS], {
    readFile: (name, base) => readFile(join(base, name), 'utf8').catch(() => null),
    writeFile: (name, contents) => void written.set(name, contents),
    listFiles: () => [],
  });
  const binary = written.get(OUTPUT);
  if (error || binary === undefined || typeof binary === 'string')
    throw new Error(`the kernel does not compile: ${stderr}`, { cause: error });
  return moduleText(Buffer.from(binary).toString('base64'));
}

/** Writes `lib/kernel/module.ts` where its source has changed since; an unchanged file keeps its time. */
export async function writeKernel(): Promise<void> {
  const text = await compileKernel();
  const before = await readFile(MODULE_FILE, 'utf8').catch(() => '');
  if (text !== before) await writeFile(MODULE_FILE, text);
}

function moduleText(base64: string): string {
  return `// Compiled from assembly/ by \`npm run kernel\`; never edited by hand. A unit test compares the two.
export const MODULE =
  '${base64}';
`;
}
