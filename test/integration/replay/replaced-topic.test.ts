import { describe, expect } from 'vitest';
import { SelectedRows } from '../../../lib/consume/bad-rows/selected-rows.ts';
import type { Sink } from '../../../lib/ports/sink.ts';
import { readJournal } from '../../../lib/replay/journal.ts';
import { pause, resumePipeline } from '../../../lib/replay/pause.ts';
import { beginningOf } from '../../../lib/replay/reset/replaced-topic.ts';
import { planReset, reset } from '../../../lib/replay/reset/reset.ts';
import { type Place, test } from '../../support/place.ts';
import { byHand, consumeWith, openSubject, type Subject, soon } from './subject.ts';

describe('a topic deleted and created again', () => {
  test('with a batch in flight: begun anew only once the batch is given up, counted and recorded', async ({
    place,
  }) => {
    const subject = await openSubject(place);
    const { dependencies, pipeline } = subject;
    await subject.publish(5);
    await subject.consumeAll();
    await subject.cycle();
    await subject.publish(5);
    await dieInserting(subject, 20);
    await replaceTopic(place);
    await subject.publish(3);
    await dependencies.environment.sleep(pipeline.consume.lease);
    expect(await subject.consume()).toMatchObject({ halt: { code: 'PH_HALT_TOPIC_REPLACED' } });

    await pause(dependencies, byHand());
    const request = { reason: 'offsets', positions: new Map([[0, await beginning(subject)]]) } as const;
    const refused = { code: 'PH_RESET_REFUSED', nextStep: expect.stringContaining('--drop-in-flight') };
    await expect(planReset(dependencies, request, soon())).rejects.toMatchObject(refused);
    await expect(reset(dependencies, request, byHand())).rejects.toMatchObject(refused);
    const inFlight = [{ messages: 50, meant: 50, rows: 20 }];
    const dropping = { ...request, dropInFlight: true };
    expect(await planReset(dependencies, dropping, soon())).toMatchObject([{ rows: 0, inFlight }]);
    await reset(dependencies, dropping, byHand());
    const { operations } = await readJournal(dependencies.objects, pipeline.name, soon());
    expect(operations.at(-1)).toMatchObject({ kind: 'reset', partitions: [{ dropped: inFlight }] });

    await resumePipeline(dependencies, byHand());
    expect(await subject.consume()).toMatchObject({ outcome: 'drained', rows: 30 });
    await subject.publish(2);
    await subject.consumeAll();
    expect(await subject.cycle()).toMatchObject({ outcome: 'completed', acknowledgedMessages: 50 });
    const report = await subject.audit();
    expect(report).toMatchObject({ exact: true, rows: 100, drained: true });
    expect(await subject.count('1')).toBe(50 + 20 + 50);
    expect(report.remarks.join('\n')).toContain('20 rows of it stand in the table and are not counted here');
    await subject.close();
  });

  test('with a batch in flight of which every row stands: it is settled, and nothing is given up', async ({
    place,
  }) => {
    const subject = await openSubject(place);
    const { dependencies } = subject;
    await subject.publish(5);
    await dieInserting(subject, 50);
    await replaceTopic(place);
    await pause(dependencies, byHand());
    const positions = new Map([[0, await beginning(subject)]]);
    await reset(dependencies, { reason: 'offsets', positions }, byHand());
    await resumePipeline(dependencies, byHand());
    await subject.publish(2);
    await subject.consumeAll();
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 70, drained: true });
    await subject.close();
  });

  test('positions of the topic before are refused', async ({ place }) => {
    const subject = await openSubject(place);
    const { dependencies } = subject;
    await subject.publish(5);
    const { committed } = await subject.consume();
    await replaceTopic(place);
    await pause(dependencies, byHand());
    const positions = new Map([[0, { ledger: committed?.ledger ?? 0, entry: 1 }]]);
    await expect(planReset(dependencies, { reason: 'offsets', positions }, soon())).rejects.toMatchObject({
      code: 'PH_RESET_REFUSED',
      message: expect.stringContaining('another topic'),
    });
    await subject.close();
  });
});

async function beginning({ dependencies, pipeline }: Subject) {
  const state = await dependencies.state.readPartition(pipeline.name, 0, soon());
  if (!state) throw new Error('partition 0 has no state');
  return beginningOf(dependencies, state, soon());
}

async function replaceTopic(place: Place): Promise<void> {
  await place.admin('DELETE', `persistent/${place.namespace}/events/partitions?force=true`);
  await place.admin('PUT', `persistent/${place.namespace}/events/partitions`, 1);
}

/** A consumer that stores some rows of its batch, as over several table partitions, and dies before the answer. */
async function dieInserting({ dependencies, pipeline }: Subject, rows: number): Promise<void> {
  const { target } = pipeline;
  const insert: Sink['insert'] = async (send) => {
    const some = Array.from({ length: rows }, (_, row) => row);
    const body = new SelectedRows(send.body, some);
    const outcome = await dependencies.sink.insert({ ...send, body });
    expect(outcome, `into ${target.table}`).toMatchObject({ kind: 'stored' });
    throw new TypeError('the process died');
  };
  const sink = but(dependencies.sink, { insert });
  await expect(consumeWith({ ...dependencies, sink })).rejects.toThrow('the process died');
}

/** The same object with some methods of its own. */
function but<Port extends object>(port: Port, changed: Partial<Port>): Port {
  return new Proxy(port, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in changed ? changed : target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
