import { expect, test } from 'vitest';
import {
  beginOperation,
  endOperation,
  type Operation,
  readUnfinishedOperations,
} from '../../../lib/replay/journal.ts';
import { Calm } from '../contract/driven.ts';
import { Bucket, SimulatedObjectStore } from '../fakes/object-store.ts';
import type { Link } from '../link.ts';
import { calmWorld, MINUTE, pass } from './calm-world.ts';

/** How often each kind of request went over the link since it was looked at last. */
function counted(link: Link): () => Readonly<Record<string, number>> {
  let counts: Record<string, number> = {};
  const carry = link.carry.bind(link) as Link['carry'];
  link.carry = (sender, label, serve, answer) => {
    const verb = /(create|read|list|delete)/.exec(label)?.[1] ?? label;
    counts[verb] = (counts[verb] ?? 0) + 1;
    carry(sender, label, serve, answer);
  };
  return () => {
    const found = counts;
    counts = {};
    return found;
  };
}

test('an idle cycle reads one object; one at work lists once, however many checkpoints were before it', async () => {
  const world = calmWorld(2);
  const requests = counted(world.bucket.link);
  const cycle = async () => {
    requests();
    world.startCycle();
    await pass(world, MINUTE);
    return requests();
  };
  const { snapshotsKept } = world.pipeline.checkpoint;
  for (let at = 0; at <= snapshotsKept + 3; at += 1) {
    world.publish(at % 2);
    await cycle();
  }
  for (let at = 0; at < 3; at += 1) {
    world.publish(0);
    // The latest snapshot, the one that is told and the one that was told before.
    expect(await cycle()).toEqual({ read: 3, list: 1, create: 1, delete: 1 });
  }
  await cycle();
  expect(await cycle()).toEqual({ read: 1 });
  expect(await cycle()).toEqual({ read: 1 });
});

test('of hundreds of operations by hand only those that are not ended are read', async () => {
  const calm = new Calm();
  const bucket = new Bucket(calm.link());
  const requests = counted(bucket.link);
  const objects = calm.driven(new SimulatedObjectStore(calm.invocation, bucket));
  const operations = Array.from(
    { length: 300 },
    (_, at): Operation => ({
      id: `20260101T${String(at).padStart(6, '0')}-a`,
      ...{ by: 'somebody', at, kind: at % 2 === 0 ? 'pause' : 'resume' },
    }),
  );
  for (const operation of operations) {
    await beginOperation(objects, 'iot', operation, calm.deadline());
    if (operation.at !== 77) await endOperation(objects, 'iot', operation, calm.deadline());
  }
  requests();
  const unfinished = await readUnfinishedOperations(objects, 'iot', calm.deadline());
  expect(unfinished.map(({ at }) => at)).toEqual([77]);
  expect(requests()).toEqual({ list: 1, read: 1 });
});
