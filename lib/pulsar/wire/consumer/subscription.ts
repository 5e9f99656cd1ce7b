import { isPulsehouseError, PulsehouseError } from '../../../pipeline/errors.ts';
import type { InitialPosition } from '../../../pipeline/pipeline.ts';
import { BEFORE_ALL, type Position } from '../../../pipeline/position.ts';
import { retry } from '../../../ports/retry.ts';
import type { SubscriptionState } from '../../../ports/transport.ts';
import { connectedConsumers } from '../../admin/topic-facts.ts';
import { encodeCumulativeAck, encodeSeekToTime } from '../commands/consumer.ts';
import { NOT_ALLOWED, serverCodeOf } from '../errors.ts';
import { adminAccess, type WireOptions } from '../options.ts';
import { isPassing } from '../passing.ts';
import type { ConnectToOwner } from './reader.ts';
import { CONSUMER_NAME, Session } from './session.ts';

/** A consumer of our own that died is let go by the broker within this time; whoever stays longer is somebody else. */
const GHOST = 10_000;

/** For a better message only. */
const ASKING_WHO = 2_000;

/**
 * The durable subscription of one partition: created, asked and acknowledged, never read from. Every call subscribes
 * for the moment it takes and closes again.
 */
export class DurableSubscription {
  readonly #wire: WireOptions;
  readonly #connect: ConnectToOwner;
  readonly #topic: string;
  readonly #name: string;

  constructor(wire: WireOptions, connect: ConnectToOwner, topic: string, name: string) {
    this.#wire = wire;
    this.#connect = connect;
    this.#topic = topic;
    this.#name = name;
  }

  async ensure(initial: InitialPosition, deadline: number): Promise<SubscriptionState> {
    if (!(await this.exists(deadline))) {
      await this.#with(initial.at === 'latest' ? 'latest' : 'earliest', deadline, async (session) => {
        if (initial.at === 'position') await acknowledge(session, initial.position, deadline);
        if (initial.at === 'time') await this.#seek(session, initial.publishTime, deadline);
      });
    }
    return this.#with('earliest', deadline, (session) => stateOf(session, deadline));
  }

  async find(deadline: number): Promise<SubscriptionState | undefined> {
    if (!(await this.exists(deadline))) return undefined;
    return this.#with('earliest', deadline, (session) => stateOf(session, deadline));
  }

  async acknowledge(
    position: Position,
    deadline: number,
    check: (found: SubscriptionState) => unknown,
  ): Promise<SubscriptionState> {
    if (!(await this.exists(deadline))) {
      throw new PulsehouseError(
        'PH_PULSAR_SUBSCRIPTION_MISSING',
        `the broker has no subscription "${this.#name}"`,
        {
          where: { topic: this.#topic },
        },
      );
    }
    return this.#with('earliest', deadline, async (session) => {
      const found = await stateOf(session, deadline);
      await check(found);
      await acknowledge(session, position, deadline);
      return found;
    });
  }

  /**
   * Subscribing creates what is missing, so this asks first: a subscription that is not durable cannot take the name of
   * a durable one, which the broker says with NotAllowed. Where the name is free a short-lived one is made instead,
   * which is gone when it is closed.
   */
  async exists(deadline: number): Promise<boolean> {
    return retry(this.#wire.environment, { deadline, retryIf: isPassing }, async () => {
      const connection = await this.#connect(this.#topic, deadline);
      try {
        const session = await Session.open(connection, this.#options(false, 'latest'), deadline);
        await session.close(deadline);
        return false;
      } catch (error) {
        if (serverCodeOf(error) === NOT_ALLOWED) return true;
        throw error;
      }
    });
  }

  /** Opens the consumer for `use` and closes it, waiting briefly for a ghost of our own to be let go. */
  async #with<Result>(
    initial: 'earliest' | 'latest',
    deadline: number,
    use: (session: Session) => Promise<Result>,
  ): Promise<Result> {
    const ghostGone = Math.min(deadline, this.#wire.environment.now() + GHOST);
    // NotAllowed is here what another's `exists` looks like while it holds the name.
    const mayRetry = (error: unknown) =>
      isPassing(error) || isBusy(error) || serverCodeOf(error) === NOT_ALLOWED;
    const session = await retry(
      this.#wire.environment,
      { deadline: ghostGone, retryIf: mayRetry },
      async () => {
        const connection = await this.#connect(this.#topic, deadline);
        return Session.open(connection, this.#options(true, initial), deadline);
      },
    ).catch(async (error: unknown) => {
      throw isBusy(error) ? await this.#busy() : error;
    });
    try {
      return await use(session);
    } finally {
      await session.close(deadline);
    }
  }

  /** Names who holds the subscription, where the admin API tells. */
  async #busy(): Promise<PulsehouseError> {
    const admin = adminAccess(this.#wire);
    const until = this.#wire.environment.now() + ASKING_WHO;
    const asked = admin && connectedConsumers(admin, this.#topic, this.#name, until);
    const who = await asked?.catch(() => undefined);
    return new PulsehouseError(
      'PH_PULSAR_CONSUMER_BUSY',
      `the subscription "${this.#name}" is held by ${who?.join(' and ') || 'another consumer'}`,
      { where: { topic: this.#topic } },
    );
  }

  #options(durable: boolean, initial: 'earliest' | 'latest') {
    return {
      topic: this.#topic,
      subscription: this.#name,
      consumerName: CONSUMER_NAME,
      durable,
      // Ignored for a durable subscription; without it one that is not durable begins at the end.
      start: durable ? undefined : BEFORE_ALL,
      initial,
    };
  }

  /** The broker closes the consumer and answers, in either order. */
  async #seek(session: Session, publishTime: number, deadline: number): Promise<void> {
    await session.request(
      'SEEK',
      (consumerId, requestId) => encodeSeekToTime(consumerId, publishTime, requestId),
      deadline,
    );
  }
}

function isBusy(error: unknown): boolean {
  return isPulsehouseError(error) && error.code === 'PH_PULSAR_CONSUMER_BUSY';
}

async function stateOf(session: Session, deadline: number): Promise<SubscriptionState> {
  const { last, markDelete } = await session.lastMessageId(deadline);
  if (markDelete === undefined) {
    throw new PulsehouseError('PH_PULSAR_UNSUPPORTED', 'the broker does not tell the mark-delete position');
  }
  return { last, markDelete };
}

async function acknowledge(session: Session, position: Position, deadline: number): Promise<void> {
  await session.request(
    'ACK',
    (consumerId, requestId) => encodeCumulativeAck(consumerId, position, requestId),
    deadline,
  );
}
