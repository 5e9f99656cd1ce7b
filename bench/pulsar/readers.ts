import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bundle } from '../bundle.ts';
import type { Measured } from './measured.ts';

const run = promisify(execFile);

export interface Backlog {
  readonly serviceUrl: string;
  readonly adminUrl: string;
  readonly topic: string;
  readonly messages: number;
}

/** A program that reads the whole backlog in a process of its own and says what it took. */
export interface BacklogReader {
  readonly name: 'wire' | 'java' | 'pulsarClient';
  read(backlog: Backlog): Promise<Measured>;
}

export async function transportReader(
  name: 'wire' | 'pulsarClient',
  source: string,
  folder: string,
): Promise<BacklogReader> {
  const program = await bundle(join(import.meta.dirname, source), join(folder, `${name}.mjs`));
  return {
    name,
    read: async ({ serviceUrl, adminUrl, topic, messages }) =>
      lastLine(await run(process.execPath, [program, serviceUrl, adminUrl, topic, String(messages)])),
  };
}

/** @param libraries folder of the Pulsar distribution's jars. */
export async function javaReader(libraries: string, folder: string): Promise<BacklogReader> {
  const classes = `${libraries}/*`;
  await run('javac', ['-cp', classes, '-d', folder, join(import.meta.dirname, 'Receive.java')]);
  return {
    name: 'java',
    read: async ({ serviceUrl, topic, messages }) =>
      lastLine(
        await run('java', [
          ...['-cp', `${folder}:${classes}`, '-Dlog4j2.level=ERROR'],
          ...['--add-opens', 'java.base/java.nio=ALL-UNNAMED'],
          ...['-Dio.netty.tryReflectionSetAccessible=true'],
          ...['Receive', serviceUrl, topic, String(messages)],
        ]),
      ),
  };
}

function lastLine({ stdout }: { readonly stdout: string }): Measured {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Measured;
}
