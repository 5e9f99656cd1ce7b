import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { connect } from '../../../lib/assembly/connections.ts';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { readSettings } from '../../../lib/assembly/settings.ts';
import { loadPipelines } from '../../../lib/configuration/load.ts';
import { partitionItem } from '../../../lib/leases/items.ts';
import { takeLease } from '../../../lib/leases/lease.ts';
import { setUpEvents } from '../../support/events.ts';
import { silentLog, useCredentialsOf } from '../../support/events-pipeline.ts';
import { test } from '../../support/place.ts';
import { prepare } from '../cli/subject.ts';

test('consume that waits for the lease of somebody dead elsewhere ends by the first signal, with 130', async ({
  place,
  signal,
}) => {
  const { commands, file } = await prepare(place, signal, { partitions: 0 });
  useCredentialsOf(place);
  const [pipeline] = (await loadPipelines([file])).pipelines;
  if (!pipeline) throw new Error('there is no pipeline');
  await setUpEvents(place.environment, pipeline, 1);
  const around = { environment, log: silentLog };
  const ports = await connect(pipeline, readSettings(place.environment), around, ['state']);
  const terms = { owner: 'somebody elsewhere', duration: 600_000, deadline: environment.now() + 30_000 };
  const taken = await takeLease(partitionItem(ports.state, pipeline.name, 0), terms, environment);
  expect(taken.taken).toBe(true);
  await ports.close();

  const waiting = commands.start('consume', '--until', 'drained');
  let said = '';
  waiting.child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8');
  });
  // Where it never says so, the test's own time runs out.
  while (!said.includes('waiting for the lease')) await sleep(50);
  waiting.child.kill('SIGINT');
  expect(await waiting.ended).toMatchObject({ code: 130 });
});
