import { createRequire } from 'node:module';
import { dirname, join, parse } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { packageRoot } from '../infra/local/package-root.ts';

type Plugins = (serverless: {
  readonly service: { readonly custom: { readonly pipelines: string } };
}) => Plugin[];

/**
 * Bundles a program with the options that serverless.yml has for functions, with the pipeline files compiled in where it asks for them: a measurement
 * must not pay for a compiler. Answers `outfile`.
 */
export async function bundle(source: string, outfile: string, pipelines = ''): Promise<string> {
  const plugins: Plugins = createRequire(import.meta.url)(join(packageRoot, 'infra', 'esbuild-plugins.cjs'));
  await build({
    entryPoints: [source],
    outdir: dirname(outfile),
    entryNames: parse(outfile).name,
    outExtension: { '.js': parse(outfile).ext },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    external: ['pulsar-client'],
    plugins: plugins({ service: { custom: { pipelines } } }),
    // What is bundled from CommonJS calls `require`, which an ES module has not.
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  return outfile;
}
