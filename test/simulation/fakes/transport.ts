import { PulsehouseError } from '../../../lib/pipeline/errors.ts';
import type { InitialPosition } from '../../../lib/pipeline/pipeline.ts';
import { formatPosition, isAfter, type Position } from '../../../lib/pipeline/position.ts';
import type {
  Entry,
  EntryReader,
  ReaderOptions,
  SubscriptionState,
  Transport,
} from '../../../lib/ports/transport.ts';
import type { Invocation } from '../invocation.ts';
import type { SimulatedEntry } from '../messages.ts';
import type { Random } from '../random.ts';
import type { Attachment, Broker, Partition } from './broker.ts';

/** The broker lets go of a consumer it has not heard of for this long, milliseconds. */
const KEEP_ALIVE = 30_000;

/** The transport as one invocation sees it. */
export class SimulatedTransport implements Transport {
  private readonly invocation: Invocation;
  private readonly broker: Broker;
  private readonly random: Random;

  constructor(invocation: Invocation, broker: Broker, random: Random) {
    this.invocation = invocation;
    this.broker = broker;
    this.random = random;
  }

  partitions(_topic: string, deadline: number): Promise<readonly string[]> {
    return this.call('partitions', deadline, () => this.broker.partitions.map(({ name }) => name));
  }

  async openReader(name: string, options: ReaderOptions, deadline: number): Promise<EntryReader> {
    const partition = this.find(name);
    await this.callTo(partition, `opens a reader of ${name}`, deadline, () => undefined);
    return new SimulatedReader(this.invocation, this.broker, this.random, partition, options.after);
  }

  lastPosition(name: string, deadline: number): Promise<Position> {
    return this.callTo(this.find(name), `last of ${name}`, deadline, () => this.find(name).last);
  }

  hasOnlyMarkers(name: string, after: Position, deadline: number): Promise<boolean> {
    return this.call(`what is left of ${name}`, deadline, () => !this.find(name).hasEntryAbove(after));
  }

  ensureSubscription(
    name: string,
    _subscription: string,
    initial: InitialPosition,
    deadline: number,
  ): Promise<SubscriptionState> {
    return this.callTo(this.find(name), `ensures the subscription of ${name}`, deadline, () =>
      this.find(name).subscribe(initial),
    );
  }

  subscriptionState(
    name: string,
    _subscription: string,
    deadline: number,
  ): Promise<SubscriptionState | undefined> {
    return this.callTo(this.find(name), `asks for the subscription of ${name}`, deadline, () => {
      const { subscription, last } = this.find(name);
      return subscription && { markDelete: subscription.markDelete, last };
    });
  }

  async acknowledge(
    name: string,
    _subscription: string,
    position: Position,
    deadline: number,
    check: (found: SubscriptionState) => unknown,
  ): Promise<SubscriptionState> {
    const partition = this.find(name);
    const attachment: Attachment = { by: this.invocation };
    const found = await this.callTo(partition, `attaches to ${name}`, deadline, () =>
      this.attach(partition, attachment),
    );
    try {
      await check(found);
      const receipt = await this.callTo(
        partition,
        `acknowledges ${name} ${position.ledger}:${position.entry}`,
        deadline,
        () => this.broker.acknowledge(partition, attachment, position),
      );
      if (!receipt) throw this.broker.link.noAnswer('the connection was closed');
      return found;
    } finally {
      this.invocation.send(this.broker.link, `detaches from ${name}`, () => detach(partition, attachment));
    }
  }

  topicIdentity(_topic: string, deadline: number): Promise<string | undefined> {
    return this.call('topic identity', deadline, () => this.broker.topicIdentity);
  }

  async close(): Promise<void> {}

  private attach(partition: Partition, attachment: Attachment): SubscriptionState {
    const { subscription } = partition;
    if (subscription === undefined)
      throw new PulsehouseError('PH_PULSAR_SUBSCRIPTION_MISSING', partition.name);
    if (subscription.attached !== undefined && subscription.attached.by !== this.invocation) {
      throw new PulsehouseError('PH_PULSAR_CONSUMER_BUSY', partition.name);
    }
    subscription.attached = attachment;
    this.invocation.scheduler.after(KEEP_ALIVE, `${partition.name} keep-alive`, () =>
      detach(partition, attachment),
    );
    return { markDelete: subscription.markDelete, last: partition.last };
  }

  private find(name: string): Partition {
    const { partitions } = this.broker;
    const numbered = partitions[Number(name.slice(name.lastIndexOf('-') + 1))];
    const partition = numbered?.name === name ? numbered : partitions.find((one) => one.name === name);
    if (partition === undefined) throw new Error(`nobody made ${name}`);
    return partition;
  }

  private call<T>(operation: string, deadline: number, serve: () => T): Promise<T> {
    return this.invocation.call(this.broker.link, operation, deadline, serve);
  }

  private callTo<T>(partition: Partition, operation: string, deadline: number, serve: () => T): Promise<T> {
    return this.invocation.call(this.broker.linkTo(partition), operation, deadline, serve);
  }
}

function detach(partition: Partition, attachment: Attachment): void {
  if (partition.subscription?.attached === attachment) partition.subscription.attached = undefined;
}

/** Entries come in order, some at a time, each batch of them after its own delay. */
class SimulatedReader implements EntryReader {
  private readonly invocation: Invocation;
  private readonly broker: Broker;
  private readonly random: Random;
  private readonly partition: Partition;
  private readonly here: SimulatedEntry[] = [];
  /** Newest entry sent to us. */
  private sentUpTo: Position;
  private travelling = false;
  private connectionAge: number;
  private closed = false;
  private waiting: (() => void) | undefined;
  private readonly unwatch: () => void;

  constructor(invocation: Invocation, broker: Broker, random: Random, partition: Partition, after: Position) {
    this.invocation = invocation;
    this.broker = broker;
    this.random = random;
    this.partition = partition;
    this.sentUpTo = after;
    this.connectionAge = broker.connectionAge;
    this.unwatch = partition.watch(() => this.dispatch());
    this.dispatch();
  }

  poll(): Entry | undefined {
    const [first] = this.here;
    if (first?.unreadable !== undefined) {
      const position = formatPosition(first.position);
      throw new PulsehouseError(first.unreadable, 'nobody can read it', { where: { position } });
    }
    return this.here.shift();
  }

  async next(milliseconds: number): Promise<Entry | undefined> {
    if (!this.partition.knows(this.sentUpTo)) {
      throw new PulsehouseError('PH_PULSAR_POSITION_UNKNOWN', 'a ledger newer than the topic has');
    }
    const first = this.poll();
    if (first !== undefined || this.closed) return first;
    if (this.connectionAge !== this.broker.connectionAge) await this.reconnect(milliseconds);
    await new Promise<void>((resolve) => {
      const timer = this.invocation.deliver(milliseconds, `${this.invocation.name} reads nothing`, resolve);
      this.waiting = () => {
        timer.cancelled = true;
        resolve();
      };
    });
    this.waiting = undefined;
    return this.poll();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.unwatch();
  }

  private async reconnect(milliseconds: number): Promise<void> {
    const deadline = this.invocation.now() + milliseconds;
    const link = this.broker.linkTo(this.partition);
    await this.invocation.call(link, 'reader connects again', deadline, () => undefined);
    this.connectionAge = this.broker.connectionAge;
    this.dispatch();
  }

  /** The broker sends what follows, unless the connection is broken. */
  private dispatch(): void {
    if (
      this.travelling ||
      this.closed ||
      this.broker.isAway(this.partition) ||
      this.broker.isSilent ||
      !this.partition.knows(this.sentUpTo) ||
      this.connectionAge !== this.broker.connectionAge
    )
      return;
    const following = this.partition.entries.filter(({ position }) => isAfter(position, this.sentUpTo));
    const sent = following.slice(0, this.random.between(1, 6));
    const last = sent.at(-1);
    if (last === undefined) return;
    this.travelling = true;
    const age = this.connectionAge;
    this.invocation.deliver(this.broker.link.travel(), `${this.partition.name} sends ${sent.length}`, () => {
      this.travelling = false;
      // What travelled on a broken connection is lost, and sent again on the next.
      if (age === this.broker.connectionAge) {
        this.sentUpTo = last.position;
        this.here.push(...sent);
        this.waiting?.();
      }
      this.dispatch();
    });
  }
}
