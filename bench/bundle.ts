import { build } from 'esbuild';

/** Programs are bundled as functions are deployed: a measurement must not pay for a compiler. Answers `outfile`. */
export async function bundle(source: string, outfile: string): Promise<string> {
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    external: ['pulsar-client'],
    // What is bundled from CommonJS calls `require`, which an ES module has not.
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  return outfile;
}
