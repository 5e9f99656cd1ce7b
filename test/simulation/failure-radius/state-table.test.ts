import { expect, test } from 'vitest';
import { partitionItem } from '../../../lib/leases/items.ts';
import { takeLease } from '../../../lib/leases/lease.ts';
import { itemLimitContract } from '../../contract/failure-radius/item-limit.ts';
import { replayRangesContract } from '../../contract/failure-radius/replay-ranges.ts';
import { partitionState } from '../../contract/state-store/states.ts';
import { Calm } from '../contract/driven.ts';
import { unanswered } from '../fakes/errors.ts';
import { Bucket, SimulatedObjectStore } from '../fakes/object-store.ts';
import { SimulatedReplayStore } from '../fakes/replay-store.ts';
import { SimulatedStateStore } from '../fakes/state-store.ts';
import { StateTable } from '../fakes/state-table.ts';
import { Link, NO_FAULTS } from '../link.ts';

itemLimitContract('simulated', async () => {
  const calm = new Calm();
  const store = new SimulatedStateStore(calm.invocation, new StateTable(calm.link()));
  return { store: calm.driven(store), deadline: () => calm.deadline() };
});

replayRangesContract('simulated', async () => {
  const calm = new Calm();
  const { invocation } = calm;
  return {
    records: calm.driven(new SimulatedReplayStore(invocation, new StateTable(calm.link()))),
    objects: calm.driven(new SimulatedObjectStore(invocation, new Bucket(calm.link()))),
    deadline: () => calm.deadline(),
  };
});

test.each(['down', 'silent'])(
  'while the state table is %s, taking a lease is given up after 10 s and not after the whole invocation',
  async (how) => {
    const calm = new Calm();
    const link = new Link(calm.scheduler, calm.random, NO_FAULTS, unanswered('PH_STATE_UNREACHABLE'));
    const store = new SimulatedStateStore(calm.invocation, new StateTable(link));
    const created = store.createPartition(partitionState('iot'), calm.deadline());
    await Promise.all([created, calm.scheduler.run(Number.POSITIVE_INFINITY, () => false)]);
    if (how === 'down') link.up = false;
    else link.faults = { ...NO_FAULTS, lost: 1 };
    const begun = calm.invocation.now();
    const terms = { owner: 'me', duration: 15_000, deadline: begun + 898_000 };
    let gaveUpAt = 0;
    const taking = takeLease(partitionItem(store, 'iot', 0), terms, calm.invocation.environment).catch(
      (error: unknown) => {
        gaveUpAt = calm.invocation.now();
        return error;
      },
    );
    await calm.scheduler.run(Number.POSITIVE_INFINITY, () => gaveUpAt > 0);
    expect(await taking).toMatchObject({ code: 'PH_STATE_UNREACHABLE' });
    expect(gaveUpAt - begun).toBeLessThanOrEqual(10_000);
  },
);
