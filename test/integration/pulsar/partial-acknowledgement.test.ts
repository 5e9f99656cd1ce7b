import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../../../infra/local/stack.ts';
import { BEFORE_ALL, type Position } from '../../../lib/pipeline/position.ts';
import { COMMAND, encodeCommand } from '../../../lib/pulsar/wire/commands/command.ts';
import { Session, type SessionListener } from '../../../lib/pulsar/wire/consumer/session.ts';
import { connectToOwner } from '../../../lib/pulsar/wire/net/lookup.ts';
import { ConnectionPool } from '../../../lib/pulsar/wire/net/pool.ts';
import type { WireOptions } from '../../../lib/pulsar/wire/options.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import {
  int64,
  MessageWriter,
  readFields,
  writeMessageId,
} from '../../../lib/pulsar/wire/protobuf/fields.ts';
import { createWireTransport } from '../../../lib/pulsar/wire/transport.ts';
import { payloadsOf, readEntries, soon, wireOptions } from '../../contract/transport/transport-under-test.ts';

const BATCH = 4;
const PAYLOADS = [0, 1, 2].map((entry) => Array.from({ length: BATCH }, (_, index) => `${entry}.${index}`));
/** Of a batch of four, a bit for each message that is not acknowledged: the first two are. */
const REST = 0b1100;

let stack: Stack;

/** Only a broker that is told to keeps track of messages within a batch. */
beforeAll(async () => {
  stack = await startStack({
    directory: await mkdtemp(join(tmpdir(), 'pulsehouse-partial-')),
    servers: ['pulsar'],
    ephemeral: true,
    pulsar: { quickStart: true, configuration: ['acknowledgmentAtBatchIndexLevelEnabled=true'] },
  });
});

afterAll(() => stack?.stop());

function options(): WireOptions {
  return wireOptions({
    serviceUrl: stack.environment['PULSAR_SERVICE_URL'] ?? '',
    adminUrl: stack.environment['PULSAR_ADMIN_URL'] ?? '',
  });
}

async function publish(topic: string): Promise<readonly Position[]> {
  const producer = await openProducer(options(), topic);
  const positions = await Promise.all(
    PAYLOADS.map((batch) => producer.sendBatch(batch.map((text) => ({ payload: Buffer.from(text) })))),
  );
  await producer.close();
  return positions;
}

/** Somebody else's consumer of the subscription, for as long as `use` takes. */
async function asStranger(
  topic: string,
  listener: SessionListener,
  use: (session: Session) => Promise<void>,
): Promise<void> {
  const pool = new ConnectionPool(options());
  const session = await Session.open(
    await connectToOwner(pool, topic, undefined, soon()),
    { topic, subscription: 's', consumerName: 'stranger', durable: true, initial: 'earliest' },
    soon(),
    listener,
  );
  try {
    await use(session);
  } finally {
    await session.close(soon());
    await pool.close();
  }
}

/** `CommandAck { consumer_id = 1; ack_type = 2 (0 individual); message_id = 3 { ack_set = 5 }; request_id = 8 }` */
async function acknowledgeFirstHalf(topic: string, position: Position): Promise<void> {
  await asStranger(topic, { onMessage: () => {}, onGone: () => {} }, async (session) => {
    await session.request(
      'ACK',
      (consumerId, requestId) =>
        encodeCommand(
          COMMAND.ack,
          new MessageWriter()
            .uint(1, consumerId)
            .uint(2, 0)
            .message(3, writeMessageId(position).uint(5, REST))
            .uint(8, requestId),
        ),
      soon(),
    );
  });
}

/** `BaseCommand { message = 9 { ack_set = 4 } }` of a frame whose command begins after its size. */
function ackSetOf(frame: Uint8Array, commandEnd: number): readonly number[] {
  const found: number[] = [];
  readFields(frame.subarray(4, commandEnd), {
    9: (command) => readFields(command.bytes(), { 4: (reader) => void found.push(int64(reader)) }),
  });
  return found;
}

/** What the broker sends of each entry to the next consumer of the subscription. */
async function redeliveredAckSets(topic: string): Promise<readonly (readonly number[])[]> {
  const found: (readonly number[])[] = [];
  const listener = {
    onMessage: (frame: Uint8Array, commandEnd: number) => void found.push(ackSetOf(frame, commandEnd)),
    onGone: () => {},
  };
  await asStranger(topic, listener, async (session) => {
    session.grant(100);
    await expect.poll(() => found.length).toBe(PAYLOADS.length);
  });
  return found;
}

describe('edge 4: a batch that somebody acknowledged in part', () => {
  it('is read whole: what the subscription was told is nothing to a reader', async () => {
    const topic = 'persistent://public/default/partly-read';
    const positions = await publish(topic);
    const transport = createWireTransport(options());
    await transport.ensureSubscription(topic, 's', { at: 'earliest' }, soon());
    await acknowledgeFirstHalf(topic, positions[1] ?? BEFORE_ALL);
    expect(await redeliveredAckSets(topic)).toEqual([[], [REST], []]);

    for (const [index, after] of [BEFORE_ALL, ...positions].entries()) {
      const reader = await transport.openReader(topic, { after, maxBufferedBytes: 100_000 }, soon());
      const entries = await readEntries(reader, PAYLOADS.length - index);
      expect(entries.map(payloadsOf)).toEqual(PAYLOADS.slice(index));
      expect(entries.map(({ messages }) => messages)).toEqual(entries.map(() => BATCH));
      await reader.close();
    }
    await transport.close();
  });

  it('is acknowledged whole by the next checkpoint, and leaves no hole', async () => {
    const topic = 'persistent://public/default/partly-acknowledged';
    const positions = await publish(topic);
    const [first, second, third] = positions;
    const transport = createWireTransport(options());
    const made = await transport.ensureSubscription(topic, 's', { at: 'earliest' }, soon());
    await acknowledgeFirstHalf(topic, second ?? BEFORE_ALL);
    // A part of a batch moves no cursor: nobody takes it for a loss.
    const found = await transport.acknowledge(topic, 's', first ?? BEFORE_ALL, soon(), () => {});
    expect(found.markDelete).toEqual(made.markDelete);
    await transport.acknowledge(topic, 's', second ?? BEFORE_ALL, soon(), () => {});
    expect(await transport.subscriptionState(topic, 's', soon())).toEqual({
      markDelete: second,
      last: third,
    });
    await transport.close();
  });
});
