import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandsFor } from '../../../examples/tour/commands.ts';
import { createTopic, EVENTS_DDL, EVENTS_SOURCE } from '../../support/events.ts';
import type { Place } from '../../support/place.ts';

export interface Subject {
  readonly commands: ReturnType<typeof commandsFor>;
  /** The pipeline file. */
  readonly file: string;
  /** Of its table. */
  readonly ddl: string;
  readonly topic: string;
}

export interface SubjectOptions {
  readonly name?: string;
  readonly partitions?: number;
  /** Sections of the pipeline file that take the place of these. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** A pipeline file for the topic `name` of the place, and the commands on it. Nothing is initialised. */
export async function prepare(
  place: Place,
  signal: AbortSignal,
  { name = 'events', partitions = 1, settings = {} }: SubjectOptions = {},
): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), 'pulsehouse-cli-'));
  const topic = place.topic(name);
  const file = join(folder, 'pipeline.yml');
  const ddl = join(folder, 'table.sql');
  await writeFile(ddl, EVENTS_DDL);
  await writeFile(
    file,
    JSON.stringify({
      name,
      topic,
      subscription: `pulsehouse-${name}`,
      target: { database: place.database, table: name },
      ...EVENTS_SOURCE,
      consume: { lease: '2s', mode: 'follow' },
      batch: { maxWait: '60s' },
      checkpoint: { interval: '60s' },
      ...settings,
    }),
  );
  if (partitions > 0) await createTopic(place.environment, topic, partitions);
  return { commands: commandsFor(file, place.environment, signal), file, ddl, topic };
}
