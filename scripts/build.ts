import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { writeKernel } from './kernel/compile.ts';

const root = join(import.meta.dirname, '..');
const outdir = join(root, 'dist');

/** Several of the bundled packages are CommonJS and call `require`, which an ES module has not. */
const REQUIRE =
  "import { createRequire as createRequireForBundle } from 'node:module'; const require = createRequireForBundle(import.meta.url);";

/**
 * The command line as one bundle: starting it loads a few files instead of a thousand. Parts that are imported on
 * demand stay files of their own. `pulsar-client` is native and optional, so it stays outside.
 */
await writeKernel();
const startedAt = Date.now();
await rm(outdir, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: { cli: join(root, 'lib/cli/main.ts') },
  absWorkingDir: root,
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // Packages that ship both forms are taken as ES modules: only those can be shaken.
  mainFields: ['module', 'main'],
  sourcemap: true,
  metafile: true,
  external: ['pulsar-client'],
  banner: { js: REQUIRE },
  logLevel: 'warning',
});
// Of the packages the lock file speaks: those in it do not change under it.
const inputs = Object.keys(metafile.inputs).filter((path) => !path.includes('node_modules/'));
await writeFile(
  join(outdir, 'built-from.json'),
  JSON.stringify({ startedAt, inputs: [...inputs, 'package-lock.json'] }),
);
