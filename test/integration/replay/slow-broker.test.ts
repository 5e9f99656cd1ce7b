import { describe, expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { planReplay } from '../../../lib/replay/replay/plan.ts';
import { planReset } from '../../../lib/replay/reset/reset.ts';
import { type Place, test } from '../../support/place.ts';
import { FaultProxy } from '../pulsar/fault-proxy.ts';
import { connectAs, openSubject, requestOf, type Subject } from './subject.ts';

/** Longer than a reader may be silent before it is asked whether there is more, and not by much. */
const A_WHILE = 15_000;

describe('a broker that is slow to send is not one that forgot', () => {
  test('what comes late is compared like the rest', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(30);
    await subject.consumeAll();
    const slow = await throughProxy(place, subject);
    let messages = 0;
    // The first reader is given four entries, and the others after it everything.
    slow.proxy.decide = ({ from, command }) => {
      if (from !== 'broker' || command !== 'message') return 'pass';
      messages += 1;
      return messages > 4 && messages <= 30 ? 'swallow' : 'pass';
    };
    const request = requestOf(subject.pipeline, {});
    const watch = { deadline: environment.now() + 60_000 };
    const plan = await planReplay(slow.dependencies, request, slow.dependencies, watch);
    expect(plan).toMatchObject({ messages: 300, missing: 0, doubled: 0, foreign: 0, forgotten: 0 });
    expect(messages).toBeGreaterThan(30);
    await slow.close();
    await subject.close();
  });

  test('what does not come at all is neither forgotten nor foreign', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(10);
    const { committed } = await subject.consume();
    const slow = await throughProxy(place, subject);
    slow.proxy.decide = ({ from, command }) =>
      from === 'broker' && command === 'message' ? 'swallow' : 'pass';
    // The last look may itself run out of time, which is another code of the same kind.
    const unanswered = { kind: 'retryable', code: expect.stringMatching(/^PH_PULSAR_(NO_ANSWER|TIMEOUT)$/) };
    const request = requestOf(subject.pipeline, {});
    const watch = { deadline: environment.now() + A_WHILE };
    await expect(planReplay(slow.dependencies, request, slow.dependencies, watch)).rejects.toMatchObject(
      unanswered,
    );
    const positions = new Map([[0, { ledger: committed?.ledger ?? 0, entry: 3 }]]);
    await expect(
      planReset(slow.dependencies, { reason: 'offsets', positions }, environment.now() + A_WHILE),
    ).rejects.toMatchObject(unanswered);
    await slow.close();
    await subject.close();
  });
});

/** The subject's own pipeline, with a proxy between it and the broker. */
async function throughProxy(place: Place, { pipeline }: Subject) {
  const proxy = await FaultProxy.open(place.environment['PULSAR_SERVICE_URL'] ?? '');
  const proxied = { ...place, environment: { ...place.environment, PULSAR_SERVICE_URL: proxy.serviceUrl } };
  const dependencies = await connectAs(proxied, pipeline);
  return {
    proxy,
    dependencies,
    async close() {
      await dependencies.close();
      await proxy.close();
    },
  };
}
