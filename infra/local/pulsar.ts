import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { JAVA, require } from './prerequisites.ts';
import { PULSAR_VERSIONS, type PulsarVersion, pulsarPackage } from './pulsar-package.ts';
import { answersOk, type ServerPlan } from './server-plan.ts';

/** What the distribution's own bin/pulsar opens for Java 17. */
const OPENED = [
  'java.base/java.io',
  'java.base/java.nio',
  'java.base/java.util.zip',
  'java.base/jdk.internal.misc',
  'java.base/jdk.internal.platform',
  'java.base/sun.net',
  'java.management/sun.management',
  'jdk.management/com.sun.management.internal',
];

export interface PulsarOptions {
  /** @default the first of PULSAR_VERSIONS */
  readonly version?: PulsarVersion;
  /** Lines added to broker.conf; they win over the distribution's and ours. */
  readonly configuration?: readonly string[];
  /** Sent with the readiness questions, where `configuration` asks for authentication. */
  readonly adminToken?: string;
  /** Halves the start's CPU time and costs throughput afterwards: for tests, not for measuring. */
  readonly quickStart?: boolean;
}

/** Pulsar standalone: broker and bookie in one process, metadata in RocksDB. */
export function pulsar(options: PulsarOptions = {}): ServerPlan {
  const { version = PULSAR_VERSIONS[0] } = options;
  return {
    name: 'pulsar',
    grace: 15,
    ports: [
      { purpose: 'binary protocol', wellKnown: 6650 },
      { purpose: 'administration', wellKnown: 8080 },
    ],
    package: pulsarPackage(version),
    requirePrerequisites: () => require(JAVA, `Pulsar ${version}`),
    launch: async ({ installed, folder, ports }) => {
      const configuration = join(folder, 'broker.conf');
      const data = join(folder, 'data');
      await mkdir(data, { recursive: true });
      const standard = await readFile(join(installed, 'conf', 'standalone.conf'), 'utf8');
      const own = [...ownConfiguration(ports), ...(options.configuration ?? [])];
      await writeFile(configuration, `${standard}\n${own.join('\n')}\n`);
      return {
        command: 'java',
        arguments: [
          ...['-cp', `${join(installed, 'conf')}:${join(installed, 'lib')}/*`],
          ...['-Xmx512m', '-XX:MaxDirectMemorySize=512m', '-XX:+UseSerialGC', '-XX:+ExitOnOutOfMemoryError'],
          ...(options.quickStart ? ['-XX:TieredStopAtLevel=1'] : []),
          ...OPENED.flatMap((name) => ['--add-opens', `${name}=ALL-UNNAMED`]),
          '-Dio.netty.tryReflectionSetAccessible=true',
          '-Dlog4j.configurationFile=log4j2.yaml',
          '-Dpulsar.log.appender=Console',
          `-Dpulsar.log.dir=${folder}`,
          'org.apache.pulsar.PulsarStandaloneStarter',
          ...['--config', configuration, '-nfw', '-nss', '-a', '127.0.0.1'],
          ...['--metadata-dir', join(data, 'metadata'), '--bookkeeper-dir', join(data, 'bookkeeper')],
        ],
      };
    },
    // The binary port opens seconds before topics can be served: both questions have to be answered.
    isReady: async ([, admin]) => {
      const headers = options.adminToken ? { authorization: `Bearer ${options.adminToken}` } : {};
      const base = `http://127.0.0.1:${admin}/admin/v2`;
      return (
        (await answersOk(`${base}/brokers/ready`, headers)) &&
        (await answersOk(`${base}/namespaces/public/default`, headers))
      );
    },
    // After a kill the bookie sometimes fights its own former registration for ever. Another start settles it.
    isStuck: (output) => output.split('was invalidated').length > 20,
    environment: ([binary, admin]) => ({
      PULSAR_SERVICE_URL: `pulsar://127.0.0.1:${binary}`,
      PULSAR_ADMIN_URL: `http://127.0.0.1:${admin}`,
    }),
  };
}

function ownConfiguration([binary, admin]: readonly number[]): string[] {
  return [
    `brokerServicePort=${binary}`,
    `webServicePort=${admin}`,
    'bindAddress=127.0.0.1',
    'advertisedAddress=127.0.0.1',
    // Else the bookie listens on every interface.
    'listeningInterface=lo',
    'forceDeleteNamespaceAllowed=true',
  ];
}
