import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../../../infra/local/stack.ts';
import { isRetryable } from '../../../lib/pipeline/errors.ts';
import { BEFORE_ALL, formatPosition, type Position } from '../../../lib/pipeline/position.ts';
import { retry } from '../../../lib/ports/retry.ts';
import type { Transport } from '../../../lib/ports/transport.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import { type BrokerAddresses, soon, type TransportUnderTest, wireOptions } from './transport-under-test.ts';

/** A broker on a busy machine may need this long to be back, milliseconds. */
const RECOVERY = 300_000;
const ENTRIES = 200;
const READ_BEFORE = 60;

/** A broker of its own, to be killed. */
export function restartContract(subject: TransportUnderTest): void {
  describe(`${subject.name}: a broker killed and started again`, { timeout: 2 * RECOVERY }, () => {
    let stack: Stack;

    beforeAll(async () => {
      stack = await startStack({
        directory: await mkdtemp(join(tmpdir(), 'pulsehouse-restart-')),
        servers: ['pulsar'],
        ephemeral: true,
        pulsar: { quickStart: true },
      });
    }, RECOVERY);

    afterAll(() => stack?.stop());

    const addresses = (): BrokerAddresses => ({
      serviceUrl: stack.environment['PULSAR_SERVICE_URL'] ?? '',
      adminUrl: stack.environment['PULSAR_ADMIN_URL'] ?? '',
    });

    it('mid-read: every confirmed entry once and in order, and the acknowledgement is still there', async () => {
      const topic = 'persistent://public/default/killed';
      const options = wireOptions(addresses());
      const patiently = <Result>(attempt: () => Promise<Result>) =>
        retry(options.environment, { deadline: Date.now() + RECOVERY, retryIf: isRetryable }, attempt);
      const publish = async (count: number, text: string): Promise<readonly Position[]> => {
        const producer = await patiently(() => openProducer(options, topic));
        const message = { payload: Buffer.from(text) };
        const stored = await Promise.all(
          Array.from({ length: count }, () => producer.sendBatch([message, message])),
        );
        await producer.close();
        return stored;
      };

      const confirmed = [...(await publish(ENTRIES, 'before'))];
      const acknowledged = confirmed[READ_BEFORE - 1] ?? BEFORE_ALL;
      const transport = await subject.open(addresses());
      await transport.ensureSubscription(topic, 's', { at: 'earliest' }, soon());
      await transport.acknowledge(topic, 's', acknowledged, soon(), () => {});

      const read: Position[] = [];
      const broker = stack.server('pulsar');
      for await (const position of positionsOf(transport, topic, patiently)) {
        read.push(position);
        if (read.length === READ_BEFORE) {
          broker.kill('SIGKILL');
          await broker.ended();
          await broker.start();
          confirmed.push(...(await publish(5, 'after')));
        }
        if (read.length === ENTRIES + 5) break;
      }
      expect(read.map(formatPosition)).toEqual(confirmed.map(formatPosition));
      const found = await patiently(() =>
        transport.ensureSubscription(topic, 's', { at: 'earliest' }, soon()),
      );
      expect(found.markDelete).toEqual(acknowledged);
      await transport.close();
    });
  });
}

/** Reads as invocations do: what ends a reader for a while begins another one after the last position. */
async function* positionsOf(
  transport: Transport,
  topic: string,
  patiently: <Result>(attempt: () => Promise<Result>) => Promise<Result>,
): AsyncGenerator<Position> {
  let after = BEFORE_ALL;
  for (;;) {
    const reader = await patiently(() =>
      transport.openReader(topic, { after, maxBufferedBytes: 2_000 }, soon()),
    );
    try {
      for (;;) {
        const entry = reader.poll() ?? (await reader.next(1_000));
        if (entry === undefined) continue;
        after = entry.position;
        yield after;
      }
    } catch (error) {
      if (!isRetryable(error)) throw error;
    } finally {
      await reader.close();
    }
  }
}
