import { describe, expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import type { Pipeline } from '../../../lib/pipeline/pipeline.ts';
import type { Position } from '../../../lib/pipeline/position.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import { audit } from '../../../lib/replay/audit/audit.ts';
import { pause, resumePipeline } from '../../../lib/replay/pause.ts';
import { cancelReplay } from '../../../lib/replay/replay/cancel.ts';
import type { PlanDependencies } from '../../../lib/replay/replay/plan.ts';
import { planRedrive } from '../../../lib/replay/replay/redrive.ts';
import { startReplay } from '../../../lib/replay/replay/replay.ts';
import { planReset, reset } from '../../../lib/replay/reset/reset.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { type Place, test } from '../../support/place.ts';
import { byHand, connectAs, consumeWith, openSubject, requestOf, soon, untilDone } from './subject.ts';

const lenient = (pipeline: Pipeline): Pipeline => ({
  ...pipeline,
  deadLetters: { enabled: true, maxRatio: 1, minimum: 10 },
});

/** Takes every message that the subject's own mapping makes a dead letter of. */
const mended = (pipeline: Pipeline): Pipeline => ({
  ...lenient(pipeline),
  source: { format: 'json', fields: { id: 'String' } },
  columns: { id: 'toUInt64OrDefault(id, toUInt64(length(id)))' },
});

/** An entry for each id, a message an entry. Answers their positions. */
async function publishIds(place: Place, topic: string, ids: readonly unknown[]): Promise<Position[]> {
  const wire = { serviceUrl: place.environment['PULSAR_SERVICE_URL'] ?? '', environment, log: silentLog };
  const producer = await openProducer(wire, `${topic}-partition-0`);
  const positions: Position[] = [];
  for (const id of ids) positions.push(await producer.send({ payload: Buffer.from(JSON.stringify({ id })) }));
  await producer.close();
  return positions;
}

const auditOf = (dependencies: PlanDependencies) => audit(dependencies, {}, { deadline: soon() });

async function moveTo(dependencies: PlanDependencies, position: Position | undefined): Promise<void> {
  if (!position) throw new Error('nothing was published');
  await pause(dependencies, byHand());
  await reset(dependencies, { reason: 'offsets', positions: new Map([[0, position]]) }, byHand());
  await resumePipeline(dependencies, byHand());
}

describe('a reset', () => {
  test('into the middle of a batch keeps the dead letters below, and so does one further down', async ({
    place,
  }) => {
    const subject = await openSubject(place);
    const ids = ['zero', 1, 'two', 3, 'four', 5, 'six', 7, 'eight', 9];
    const positions = await publishIds(place, subject.pipeline.topic, ids);
    const strict = await connectAs(place, lenient(subject.pipeline));
    expect(await consumeWith(strict)).toMatchObject({ batches: 1, rows: 5, deadLetters: 5 });
    const exact = { exact: true, rows: 5, deadLetters: 5, drained: true };
    for (const place of [6, 4, 2]) {
      await moveTo(strict, positions[place]);
      expect(await auditOf(strict)).toMatchObject({
        exact: true,
        rows: place / 2,
        deadLetters: place / 2 + 1,
      });
    }
    await consumeWith(strict);
    expect(await auditOf(strict)).toMatchObject(exact);
    const { ranges } = await planRedrive(strict, requestOf(strict.pipeline, { mode: 'redrive' }), soon());
    expect(ranges).toMatchObject([{ deadLetters: 5 }]);
    await strict.close();
    await subject.close();
  });

  test('voids what a redrive before it had made of the messages above', async ({ place }) => {
    const subject = await openSubject(place);
    const ids = ['zero', 1, 'two', 3, 'four', 5];
    const positions = await publishIds(place, subject.pipeline.topic, ids);
    const strict = await connectAs(place, lenient(subject.pipeline));
    await consumeWith(strict);
    const request = requestOf(strict.pipeline, { mode: 'redrive' });
    const record = await startReplay(strict, await planRedrive(strict, request, soon()), 'a test', soon());
    expect(await untilDone(strict, record)).toMatchObject({ done: true });
    expect(await auditOf(strict)).toMatchObject({ exact: true, rows: 3, deadLetters: 3 });
    await moveTo(strict, positions[1]);
    const better = await connectAs(place, mended(subject.pipeline));
    expect(await consumeWith(better)).toMatchObject({ rows: 4, deadLetters: 0 });
    expect(await auditOf(better)).toMatchObject({ exact: true, rows: 5, deadLetters: 1, foreign: 0 });
    expect((await planRedrive(better, request, soon())).ranges).toMatchObject([{ deadLetters: 1 }]);
    await better.close();
    await strict.close();
    await subject.close();
  });

  test('waits for a replay that would write above it, and a replay for a reset that was begun', async ({
    place,
  }) => {
    const subject = await openSubject(place);
    const { dependencies } = subject;
    await subject.publish(20);
    await subject.consumeAll();
    const lost = await subject.lose('id BETWEEN 100 AND 150');
    const plan = await subject.plan({ mode: 'repair' });
    const { ranges } = plan;
    const position = (entry: number) => ({ ledger: ranges[0]?.to.ledger ?? -1, entry });
    const request = { reason: 'offsets', positions: new Map([[0, position(4)]]) } as const;
    await pause(dependencies, byHand());

    const record = await startReplay(dependencies, plan, 'a test', soon());
    const busy = { code: 'PH_REPLAY_BUSY', nextStep: expect.stringContaining(record.id) };
    await expect(planReset(dependencies, request, soon())).rejects.toMatchObject(busy);
    await expect(reset(dependencies, request, byHand())).rejects.toMatchObject(busy);
    await cancelReplay(dependencies, record, dependencies, byHand());
    expect(await subject.count('1')).toBe(200 - lost);

    const failing = {
      ...dependencies,
      table: { ...dependencies.table, deleteRows: () => Promise.reject(new Error('cut off')) },
    };
    await expect(reset(failing, request, byHand())).rejects.toThrow('cut off');
    await expect(startReplay(dependencies, plan, 'a test', soon())).rejects.toMatchObject({
      code: 'PH_RESET_UNFINISHED',
    });
    await reset(dependencies, request, byHand());
    await resumePipeline(dependencies, byHand());
    await subject.consumeAll();
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 200 });
    await subject.close();
  });
});
