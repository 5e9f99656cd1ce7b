import { build } from 'esbuild';

/** Bundles a program of the tests, so that twenty processes of it start as fast as a deployed function does. */
export async function bundle(entry: URL, outfile: string): Promise<void> {
  await build({
    entryPoints: [entry.pathname],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['pulsar-client'],
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    logLevel: 'error',
  });
}
