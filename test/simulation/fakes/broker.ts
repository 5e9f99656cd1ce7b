import type { InitialPosition } from '../../../lib/pipeline/pipeline.ts';
import { BEFORE_ALL, isAfter, laterOf, type Position } from '../../../lib/pipeline/position.ts';
import type { SubscriptionState } from '../../../lib/ports/transport.ts';
import type { Invocation } from '../invocation.ts';
import type { Link } from '../link.ts';
import type { SimulatedEntry } from '../messages.ts';
import type { Random } from '../random.ts';

/** A consumer attached to the durable subscription; at most one is. */
export interface Attachment {
  readonly by: Invocation;
}

interface Subscription {
  markDelete: Position;
  /** What a broker that is killed comes back with: cursors are written now and then. */
  persisted: Position;
  attached: Attachment | undefined;
}

/** One partition: its entries, its one durable subscription, and whoever waits for more. */
export class Partition {
  readonly name: string;
  /** In order; those below the mark-delete position may be gone. */
  entries: SimulatedEntry[] = [];
  /** Every entry there ever was: the truth that the checker goes by. */
  readonly everything: SimulatedEntry[] = [];
  subscription: Subscription | undefined;
  /** Where the next entry goes. Ids skip where a transaction marker was written. */
  private ledger: number;
  private entry = -1;
  private lastId: Position = BEFORE_ALL;
  /** What another cluster's topic is given is none of the truth to go by. */
  private isOurs = true;
  /** Ledgers up to this one are deleted. */
  private trimmed: number;
  private readonly readers = new Set<() => void>();

  constructor(name: string, firstLedger: number) {
    this.name = name;
    this.ledger = firstLedger;
    this.trimmed = firstLedger - 1;
  }

  /** BEFORE_ALL as well when everything there was is deleted. */
  get last(): Position {
    return this.lastId.ledger > this.trimmed ? this.lastId : BEFORE_ALL;
  }

  hasEntryAbove(after: Position): boolean {
    return this.entries.some(({ position }) => isAfter(position, after));
  }

  get currentLedger(): number {
    return this.ledger;
  }

  /** Whether a position can be one of this topic's. */
  knows(position: Position): boolean {
    return position.ledger <= this.ledger;
  }

  append(make: (position: Position) => SimulatedEntry): void {
    this.entry += 1;
    this.lastId = { ledger: this.ledger, entry: this.entry };
    const entry = make(this.lastId);
    this.entries.push(entry);
    if (this.isOurs) this.everything.push(entry);
    this.wake();
  }

  wake(): void {
    for (const wake of this.readers) wake();
  }

  /** An id that no reader is ever shown; brokers before 4.0 say all the same that it is the last. */
  appendMarker(isNamedAsLast: boolean): void {
    this.entry += 1;
    if (isNamedAsLast) this.lastId = { ledger: this.ledger, entry: this.entry };
  }

  /** Deleted and made anew: empty, without the subscription, and with ledgers from `firstLedger`. */
  replace(firstLedger: number, isOurs: boolean): void {
    this.isOurs = isOurs;
    this.entries = [];
    this.subscription = undefined;
    this.rollLedger(firstLedger - this.ledger);
    this.trimmed = firstLedger - 1;
    this.lastId = BEFORE_ALL;
  }

  rollLedger(by: number): void {
    this.ledger += by;
    this.entry = -1;
  }

  /**
   * Closes the ledger and deletes those that no subscription holds, whole ledgers only. Answers the entries that were in
   * them.
   */
  trim(): readonly SimulatedEntry[] {
    const { subscription } = this;
    this.rollLedger(1);
    const held =
      subscription && this.entries.find(({ position }) => isAfter(position, subscription.markDelete));
    this.trimmed = (held?.position.ledger ?? this.ledger) - 1;
    const gone = this.entries.filter(({ position }) => position.ledger <= this.trimmed);
    this.entries = this.entries.filter(({ position }) => position.ledger > this.trimmed);
    if (subscription === undefined || held !== undefined) return gone;
    // The broker's way to write the end of the ledger before.
    subscription.markDelete = { ledger: this.ledger, entry: -1 };
    subscription.persisted = subscription.markDelete;
    return gone;
  }

  /** By a TTL, a backlog quota or a person. */
  moveCursor(to: Position): void {
    if (this.subscription === undefined) return;
    this.subscription.markDelete = to;
    this.subscription.persisted = to;
  }

  /** Calls `wake` on every new entry and disconnection until it is told to forget it. */
  watch(wake: () => void): () => void {
    this.readers.add(wake);
    return () => this.readers.delete(wake);
  }

  subscribe(initial: InitialPosition): SubscriptionState {
    const at = this.positionOf(initial);
    this.subscription ??= { markDelete: at, persisted: at, attached: undefined };
    return { markDelete: this.subscription.markDelete, last: this.last };
  }

  private positionOf(initial: InitialPosition): Position {
    switch (initial.at) {
      case 'earliest':
        return { ledger: this.entries[0]?.position.ledger ?? this.ledger, entry: -1 };
      case 'latest':
        return this.last;
      case 'position':
        return initial.position;
      case 'time': {
        const earlier = this.entries.filter(({ publishTime }) => publishTime < initial.publishTime);
        return earlier.at(-1)?.position ?? this.positionOf({ at: 'earliest' });
      }
    }
  }
}

/** The broker and its topic. */
export class Broker {
  readonly link: Link;
  /** The way to partitions that cannot be loaded: nobody gets an answer. */
  private readonly toNowhere: Link;
  private readonly away = new Set<Partition>();
  readonly partitions: Partition[] = [];
  onAcknowledged: (partition: Partition, position: Position) => void = () => {};
  /** Raised by everything that breaks connections; a reader opened before it has to connect again. */
  connectionAge = 0;
  /** While its bookies are away it answers, and sends no entry. */
  isSilent = false;
  /** Undefined where nobody can be asked. */
  topicIdentity: string | undefined = 'topic 1';
  private readonly random: Random;

  constructor(link: Link, random: Random, toNowhere = link) {
    this.link = link;
    this.toNowhere = toNowhere;
    this.random = random;
  }

  linkTo(partition: Partition): Link {
    return this.away.has(partition) ? this.toNowhere : this.link;
  }

  isAway(partition: Partition): boolean {
    return this.away.has(partition);
  }

  /** Its ledger cannot be opened, or its bundle keeps unloading: whatever is asked of it has no answer. */
  takeAway(partition: Partition): void {
    this.away.add(partition);
    if (partition.subscription !== undefined) partition.subscription.attached = undefined;
  }

  bringBack(partition: Partition): void {
    if (this.away.delete(partition)) partition.wake();
  }

  speak(): void {
    this.isSilent = false;
    for (const partition of this.partitions) partition.wake();
  }

  addPartition(firstLedger: number): void {
    this.partitions.push(new Partition(`topic-partition-${this.partitions.length}`, firstLedger));
  }

  acknowledge(partition: Partition, attachment: Attachment, position: Position): boolean {
    const { subscription } = partition;
    if (subscription === undefined || subscription.attached !== attachment) return false;
    this.onAcknowledged(partition, position);
    // What lies beyond the topic's end moves no cursor.
    if (!partition.knows(position)) return true;
    subscription.markDelete = laterOf(subscription.markDelete, position);
    if (this.random.chance(0.6)) subscription.persisted = subscription.markDelete;
    return true;
  }

  /** Each partition's ledgers begin that far above its own, which of the same cluster they always do, or below. */
  replaceTopic(above: number): void {
    this.connectionAge += 1;
    if (this.topicIdentity !== undefined) this.topicIdentity = 'topic 2';
    for (const partition of this.partitions) {
      partition.replace(partition.currentLedger + above, above > 0);
    }
  }

  /** Topics move to another broker: cursors are written, connections break. */
  unload(): void {
    this.connectionAge += 1;
    for (const { subscription } of this.partitions) {
      if (subscription === undefined) continue;
      subscription.persisted = subscription.markDelete;
      subscription.attached = undefined;
    }
  }

  /** Killed: what was acknowledged since the cursors were last written is forgotten. */
  crash(): void {
    this.connectionAge += 1;
    for (const { subscription } of this.partitions) {
      if (subscription === undefined) continue;
      subscription.markDelete = subscription.persisted;
      subscription.attached = undefined;
    }
  }
}
