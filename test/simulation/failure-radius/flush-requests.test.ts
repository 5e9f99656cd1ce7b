import { expect, test } from 'vitest';
import { FlushRequests } from '../../../lib/consume/flush-requests.ts';
import { cycleState } from '../../contract/state-store/states.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { Calm } from '../contract/driven.ts';
import { unanswered } from '../fakes/errors.ts';
import { SimulatedStateStore } from '../fakes/state-store.ts';
import { StateTable } from '../fakes/state-table.ts';
import { Link, NO_FAULTS } from '../link.ts';
import { drawScenario } from '../scenario.ts';

const MINUTE = 60_000;

/** A consumer that looks at the cycle of a pipeline with so many partitions. */
function looking(partitions: number) {
  const calm = new Calm();
  const link = new Link(calm.scheduler, calm.random, NO_FAULTS, unanswered('PH_STATE_UNREACHABLE'));
  const table = new StateTable(link);
  const { pipeline } = drawScenario(new Set(), calm.random);
  table.cycle(pipeline.name).create(cycleState(pipeline.name, { partitions, flushRequested: 7 }));
  const store = new SimulatedStateStore(calm.invocation, table);
  let looks = 0;
  const state: SimulatedStateStore = Object.create(store, {
    readCycle: {
      value: (name: string, deadline: number) => {
        looks += 1;
        return store.readCycle(name, deadline);
      },
    },
  });
  const { environment } = calm.invocation;
  const flushes = new FlushRequests({ pipeline, state, environment, log: silentLog }, 6);
  /** Entries come every 50 ms, and each asks whether a look is due. Answers how many looks there were. */
  const flow = async (milliseconds: number): Promise<number> => {
    const before = looks;
    const end = calm.scheduler.now + milliseconds;
    let over = false;
    const flowing = (async () => {
      while (environment.now() < end) {
        await environment.sleep(50);
        await flushes.refreshIfDue();
      }
    })().finally(() => {
      over = true;
    });
    await calm.scheduler.run(Number.POSITIVE_INFINITY, () => over);
    await flowing;
    return looks - before;
  };
  return { flushes, link, flow };
}

test.each(['down', 'silent'])(
  "a cycle's item that is %s ends no consumer: it goes on with what it knows, and looks again",
  async (how) => {
    const { flushes, link, flow } = looking(4);
    await flow(1_000);
    expect(flushes.newest).toBe(7);
    if (how === 'down') link.up = false;
    else link.faults = { ...NO_FAULTS, lost: 1 };
    await flow(MINUTE);
    expect(flushes).toMatchObject({ newest: 7, paused: false });
    link.up = true;
    link.faults = NO_FAULTS;
    expect(await flow(10_000)).toBeGreaterThan(0);
  },
);

test('while it does not answer, entries wait for it less than a third of the time', async () => {
  const { link, flow } = looking(4);
  link.faults = { ...NO_FAULTS, lost: 1 };
  // Each look waits for a second.
  expect(await flow(MINUTE)).toBeLessThan(20);
});

test.each([4, 200, 1_000, 3_000, 10_000])(
  'with %i partitions at work all consumers together look less than 2,700 times a second',
  async (partitions) => {
    const { flow } = looking(partitions);
    await flow(1_000);
    const looksASecond = (await flow(2 * MINUTE)) / 120;
    expect(looksASecond * partitions).toBeLessThan(2_700);
  },
);
