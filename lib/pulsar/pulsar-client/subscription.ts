import type { InitialPosition as ClientInitial, Consumer } from 'pulsar-client';
import { type ErrorWhere, isPulsehouseError, PulsehouseError } from '../../pipeline/errors.ts';
import type { InitialPosition } from '../../pipeline/pipeline.ts';
import { formatPosition, isAfter, type Position } from '../../pipeline/position.ts';
import type { Environment } from '../../ports/environment.ts';
import { retry } from '../../ports/retry.ts';
import type { SubscriptionState } from '../../ports/transport.ts';
import type { TopicAdmin } from '../admin/topic-admin.ts';
import type { Binding } from './binding.ts';
import { type ClientPool, settled } from './client.ts';
import { encodePosition } from './message-id.ts';

/** A consumer of our own that died is let go by the broker within this time; whoever stays longer is somebody else. */
const GHOST = 10_000;
const LOOK_AGAIN = 50;

export interface SubscriptionSurroundings {
  readonly binding: Binding;
  readonly pool: ClientPool;
  readonly admin: TopicAdmin;
  readonly environment: Environment;
}

/**
 * The durable subscription of one partition. Whatever moves it goes through a consumer of the client, whatever is
 * asked goes to the admin API, and what was acknowledged counts when the admin API says so.
 */
export class ClientSubscription {
  readonly #around: SubscriptionSurroundings;
  readonly #topic: string;
  readonly #name: string;

  constructor(around: SubscriptionSurroundings, topic: string, name: string) {
    this.#around = around;
    this.#topic = topic;
    this.#name = name;
  }

  async ensure(initial: InitialPosition, deadline: number): Promise<SubscriptionState> {
    const found = await this.find(deadline);
    if (found !== undefined) return found;
    await this.#with(initial.at === 'latest' ? 'Latest' : 'Earliest', deadline, async (consumer) => {
      if (initial.at === 'position') await this.#send(consumer, initial.position, deadline);
      if (initial.at === 'time') {
        await this.#settled(consumer.seekTimestamp(initial.publishTime), deadline);
      }
    });
    if (initial.at === 'position') await this.#confirm(initial.position, deadline);
    return this.#existing(deadline);
  }

  async acknowledge(
    position: Position,
    deadline: number,
    check: (found: SubscriptionState) => unknown,
  ): Promise<SubscriptionState> {
    // Subscribing would create what is missing.
    await this.#existing(deadline);
    const found = await this.#with('Earliest', deadline, async (consumer) => {
      const standing = await this.#existing(deadline);
      await check(standing);
      await this.#send(consumer, position, deadline);
      return standing;
    });
    await this.#confirm(position, deadline);
    return found;
  }

  async find(deadline: number): Promise<SubscriptionState | undefined> {
    const { last, markDelete } = await this.#around.admin.stats(this.#topic, deadline);
    const found = markDelete.get(this.#name);
    return found && { last, markDelete: found };
  }

  async #existing(deadline: number): Promise<SubscriptionState> {
    const found = await this.find(deadline);
    if (found !== undefined) return found;
    throw new PulsehouseError(
      'PH_PULSAR_SUBSCRIPTION_MISSING',
      `the broker has no subscription "${this.#name}"`,
      { where: { topic: this.#topic } },
    );
  }

  /** The promise of an acknowledgement resolves before the broker has it: only `close` sends it for certain. */
  async #send(consumer: Consumer, position: Position, deadline: number): Promise<void> {
    const id = this.#around.binding.MessageId.deserialize(encodePosition(position));
    await this.#settled(consumer.acknowledgeCumulativeId(id), deadline);
  }

  /** The client has no receipt; the cursor itself is one. */
  async #confirm(position: Position, deadline: number): Promise<void> {
    const { environment } = this.#around;
    for (;;) {
      const { markDelete } = await this.#existing(deadline);
      if (!isAfter(position, markDelete)) return;
      if (environment.now() + LOOK_AGAIN >= deadline) {
        throw new PulsehouseError(
          'PH_PULSAR_TIMEOUT',
          `the cursor stands at ${formatPosition(markDelete)} and not yet at ${formatPosition(position)}`,
          { where: { topic: this.#topic } },
        );
      }
      await environment.sleep(LOOK_AGAIN);
    }
  }

  /** Opens an Exclusive consumer for `use` and closes it, which flushes what it acknowledged. */
  async #with<Result>(
    initial: ClientInitial,
    deadline: number,
    use: (consumer: Consumer) => Promise<Result>,
  ): Promise<Result> {
    const { environment, pool } = this.#around;
    const client = pool.lend();
    let isWell = false;
    try {
      const consumer = await retry(
        environment,
        {
          deadline: Math.min(deadline, environment.now() + GHOST),
          retryIf: (error) => isPulsehouseError(error) && error.code === 'PH_PULSAR_CONSUMER_BUSY',
        },
        () =>
          this.#settled(
            client.subscribe({
              topic: this.#topic,
              subscription: this.#name,
              subscriptionType: 'Exclusive',
              subscriptionInitialPosition: initial,
              consumerName: 'pulsehouse',
              receiverQueueSize: 1,
            }),
            deadline,
          ),
      );
      try {
        return await use(consumer);
      } finally {
        await this.#settled(consumer.close(), deadline);
        isWell = true;
      }
    } finally {
      if (isWell) pool.takeBack(client);
      else await pool.discard(client);
    }
  }

  #settled<Result>(promise: Promise<Result>, deadline: number): Promise<Result> {
    const where: ErrorWhere = { topic: this.#topic };
    return settled(promise, this.#around.environment, deadline, where);
  }
}
