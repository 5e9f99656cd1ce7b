import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fetching, ServerPackage } from './cache.ts';
import { localFiles } from './package-root.ts';
import { MAVEN, require } from './prerequisites.ts';

export const PULSAR_VERSIONS = ['4.0.8', '4.2.4'] as const;
export type PulsarVersion = (typeof PULSAR_VERSIONS)[number];

const DISTRIBUTION_SHA512 =
  'ZbdpsQaWzf6/f8W83JXdZjcC4nBR5hbBoTyxAOkSeVJb41NSFxvv57ABEXYzCqspvQpsig8vBkZkGvRtLjPL1g==';
/** Of the list of all jars with their own digests, as `listJars` writes it. */
const JARS_SHA512 =
  'X+HNA0yvfzP4WKppjwyOr/lZlkDLn6M1ccx4i/QbweVKn5CH7xyugScYsjRvPCCpE68pAaVnbHBGpU51O2LOLQ==';

const PACKAGES: Readonly<Record<PulsarVersion, Omit<ServerPackage, 'name' | 'version'>>> = {
  '4.0.8': { bytes: 500_000_000, fetch: (fetching) => fetchDistribution('4.0.8', fetching) },
  // Later versions are published as single jars only.
  '4.2.4': { bytes: 500_000_000, fetch: (fetching) => fetchJars('4.2.4', fetching) },
};

/** `conf/standalone.conf`, `conf/log4j2.yaml` and the jars in `lib/`, whichever way the version is published. */
export function pulsarPackage(version: PulsarVersion): ServerPackage {
  return { name: 'pulsar', version, ...PACKAGES[version] };
}

async function fetchDistribution(
  version: PulsarVersion,
  { staging, content, run, check }: Fetching,
): Promise<void> {
  await require(MAVEN, `Fetching Pulsar ${version}`);
  const artifact = `org.apache.pulsar:pulsar-server-distribution:${version}:tar.gz:bin`;
  const repository = join(staging, 'maven');
  const archive = join(
    repository,
    `org/apache/pulsar/pulsar-server-distribution/${version}/pulsar-server-distribution-${version}-bin.tar.gz`,
  );
  await run(
    'mvn',
    ...['-B', '-ntp', '-C', 'dependency:get', `-Dartifact=${artifact}`, '-Dtransitive=false'],
    `-Dmaven.repo.local=${repository}`,
  );
  await check(archive, DISTRIBUTION_SHA512);
  await run('tar', '-xzf', archive, '-C', content, '--strip-components=1');
}

async function fetchJars(version: PulsarVersion, { staging, content, run, check }: Fetching): Promise<void> {
  await require(MAVEN, `Fetching Pulsar ${version}`);
  const own = join(localFiles, 'pulsar-broker');
  const jars = join(content, 'lib');
  const configuration = join(content, 'conf');
  await mkdir(configuration);
  for (const file of ['standalone.conf', 'log4j2.yaml']) {
    await copyFile(join(own, file), join(configuration, file));
  }
  await run(
    'mvn',
    ...['-B', '-ntp', '-C', '-f', join(own, 'pom.xml'), 'dependency:copy-dependencies'],
    ...[`-Dpulsar.version=${version}`, '-DincludeScope=runtime', `-DoutputDirectory=${jars}`],
    `-Dmaven.repo.local=${join(staging, 'maven')}`,
  );
  const list = join(staging, 'jars.txt');
  await writeFile(list, await listJars(jars));
  await check(list, JARS_SHA512);
}

/** One line a jar, by name: its SHA-512 in base64 and its name. */
async function listJars(folder: string): Promise<string> {
  const lines: string[] = [];
  for (const name of (await readdir(folder)).toSorted()) {
    const digest = createHash('sha512').update(await readFile(join(folder, name)));
    lines.push(`${digest.digest('base64')} ${name}\n`);
  }
  return lines.join('');
}
