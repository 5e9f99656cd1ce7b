import { parseDeadLetters } from '../../../lib/consume/dead-letter-lines.ts';
import type { Intent } from '../../../lib/pipeline/intent.ts';
import type { Halt, PartitionState } from '../../../lib/pipeline/partition-state.ts';
import {
  BEFORE_ALL,
  formatPosition,
  isAfter,
  isSamePosition,
  LAST_OF_ALL,
  type Position,
  parsePosition,
} from '../../../lib/pipeline/position.ts';
import { replayScope } from '../../../lib/pipeline/replay.ts';
import type { Operation } from '../../../lib/replay/journal.ts';
import type { StoredRow } from '../fakes/clickhouse.ts';
import { UNREADABLE } from '../messages.ts';
import { droppedFromPartition, KEPT } from '../versions.ts';
import type { World } from '../world.ts';
import { CheckpointChecker } from './checkpoint-checker.ts';
import { Observed } from './observed.ts';
import { committedIntents, fencingFault, progressFault } from './progress.ts';
import { Rest, type Stage } from './rest.ts';

/**
 * Watches the true state of every server, which no invocation ever sees as a whole, and checks the invariants of the design
 * at every change of it.
 */
export class Checker {
  private readonly observed: Observed;
  private readonly rest: Rest;
  /** Batches that stood as intents when the state was lost: nobody knows of them, and they may still be stored. */
  private readonly orphans = new Map<number, readonly Intent[]>();
  /** Records of restores begun and not ended. */
  private readonly restores = new Set<string>();
  /** Partitions and generations whose batches in flight a person gave up. */
  private readonly givenUp = new Set<string>();

  constructor(world: World) {
    this.observed = new Observed(world);
    this.rest = new Rest(this.observed);
    const checkpoints = new CheckpointChecker(this.observed);
    world.table.onPartitionWritten = (before, after) => this.partitionWritten(before, after);
    world.clickhouse.onStored = (rows) => this.rowsStored(rows);
    world.bucket.onCreated = (key, body) => {
      if (key.includes('/operations/')) this.operationWritten(key, body);
      checkpoints.objectCreated(key, body);
    };
    world.clickhouse.onRemoved = (removed) => {
      for (const { partition, position, index } of removed)
        this.observed.ledger(partition).removeRow(position, index);
    };
    world.onForgotten = (partition, entries) => this.observed.ledger(partition).forget(entries);
    world.onStateLost = () => this.stateLost();
    world.onStateBack = (putBack) => this.stateBack(putBack);
  }

  get isAtRest(): boolean {
    return this.rest.unrest('healed') === undefined;
  }

  /**
   * When faults have stopped and everything had time to heal: nothing is left to do, and nothing is missing. Consumers that
   * follow their topics end only when no cycle starts others.
   */
  atRest(stage: Stage): void {
    const unrest = this.rest.unrest(stage);
    if (unrest !== undefined) this.observed.fail('at rest', unrest);
  }

  /** Invariants 2 and 3, seen from the table. */
  private rowsStored(rows: readonly StoredRow[]): void {
    for (const { partition, position, index } of rows) {
      const where = `${formatPosition(position)}:${index} of partition ${partition}`;
      if (!this.observed.ledger(partition).knows(position))
        this.observed.fail(
          '3 only intended rows above committed',
          `${where} is stored and is no message of ours`,
        );
      const count = this.observed.ledger(partition).addRow(position, index);
      if (count > 1)
        this.observed.fail('2 exactly once up to committed', `${where} is stored ${count} times`);
      const intended = this.standingIntents(partition).some(
        (intent) => isAfter(position, intent.after) && !isAfter(position, intent.to),
      );
      // A late copy of what was stored and lost is where it belongs.
      const lost = this.observed.world.rowsMayBeMissing && this.isCommitted(partition, position);
      if (!intended && !lost)
        this.observed.fail(
          '3 only intended rows above committed',
          `${where} is stored and stands in no intent`,
        );
    }
  }

  private isCommitted(partition: number, position: Position): boolean {
    return !isAfter(position, this.observed.state(partition)?.committed ?? BEFORE_ALL);
  }

  private standingIntents(partition: number): readonly Intent[] {
    const { table, scenario } = this.observed.world;
    const replayed = table.partition(replayScope(scenario.pipeline.name), partition).value;
    const states = [this.observed.state(partition), replayed];
    return [...states.flatMap((state) => state?.inFlight ?? []), ...(this.orphans.get(partition) ?? [])];
  }

  private stateLost(): void {
    const { table, scenario } = this.observed.world;
    for (const { partition, inFlight, epoch } of table.partitions(scenario.pipeline.name)) {
      this.orphans.set(partition, inFlight);
      this.observed.lostEpochs.set(partition, epoch);
    }
    this.observed.restoring = true;
  }

  /** Nobody works meanwhile. What was decided above an older position is decided again. */
  private stateBack(putBack: () => void): void {
    const { table, scenario } = this.observed.world;
    for (const { partition, epoch } of table.partitions(scenario.pipeline.name)) {
      this.observed.lostEpochs.set(partition, epoch);
    }
    putBack();
    this.observed.epochPutBack = this.observed.cycle?.epoch;
    for (const { partition, committed } of table.partitions(scenario.pipeline.name)) {
      this.observed.ledger(partition).mayDecideAgainAbove(committed);
    }
  }

  private operationWritten(key: string, body: Uint8Array): void {
    const id = key.slice(0, key.lastIndexOf('.'));
    if (key.endsWith('.done')) {
      // A restore cut off before its record was seen leaves another one to finish: it is over when the last of them is.
      if (this.restores.delete(id) && this.restores.size === 0) this.restored();
      return;
    }
    const operation = JSON.parse(Buffer.from(body).toString('utf8')) as Operation;
    if (operation.kind === 'restore') {
      this.restores.add(id);
      this.observed.restoring = true;
    } else if (operation.kind === 'reset') {
      this.observed.wasReset = true;
      for (const { dropped, partition, fromGeneration } of operation.partitions)
        if (dropped !== undefined) this.givenUp.add(`${partition} ${fromGeneration}`);
    }
  }

  /** Whoever held a lease before the loss must never be taken for a holder again. */
  private restored(): void {
    this.observed.restoring = false;
    this.orphans.clear();
    for (const [partition, lost] of this.observed.lostEpochs) {
      const epoch = this.observed.state(partition)?.epoch ?? 0;
      if (lost === 0 || epoch > lost) continue;
      this.observed.fail(
        '4 fenced by epoch and version',
        `epoch ${lost} of partition ${partition} was given out; it is at ${epoch}`,
      );
    }
  }

  private partitionWritten(before: PartitionState | undefined, after: PartitionState): void {
    if (after.halted !== undefined && before?.halted === undefined) this.halted(after, after.halted);
    const fencing = before && fencingFault(before, after);
    if (fencing !== undefined) this.observed.world.fail(fencing);
    const dropped = droppedFromPartition(before, after);
    if (dropped !== undefined) this.observed.fail(KEPT, `partition ${after.partition} lost ${dropped}`);
    const isReplay = after.pipeline !== this.observed.world.scenario.pipeline.name;
    if (before === undefined || before.generation !== after.generation) {
      if (!isReplay) this.generationBegun(before, after);
      return;
    }
    for (const intent of committedIntents(before, after) ?? []) this.batchCommitted(after, intent, isReplay);
    this.assertBounded(after);
    if (isReplay) return;
    const ledger = this.observed.ledger(after.partition);
    const known = this.observed.lostEpochs.size === 0;
    // The end of a restore may be recorded, late, while the same restore is gone through once more.
    const restoring = this.observed.restoring || before.owner?.startsWith('operator restore');
    const fault = progressFault(before, after, ledger, { conserved: known, contiguous: !restoring });
    if (fault !== undefined) this.observed.world.fail(fault);
    const inexact = ledger.fault(before.committed, after.committed, this.observed.world.rowsMayBeMissing);
    if (inexact !== undefined) this.observed.fail('2 exactly once up to committed', inexact);
  }

  /** A state is one item of 400 KB at most: however long the oldest batch is in doubt, only so many wait behind it. */
  private assertBounded({ partition, inFlight }: PartitionState): void {
    const most = this.observed.world.scenario.pipeline.batch.inFlight + 2;
    if (inFlight.length > most)
      this.observed.fail(
        'a bounded state',
        `${inFlight.length} batches of partition ${partition} are in flight`,
      );
  }

  private halted(state: PartitionState, { code, reason, position }: Halt): void {
    const { partition } = state;
    this.observed.haltCodes.add(`${partition} ${code}`);
    if (UNREADABLE.some((unreadable) => unreadable === code)) this.haltedAtEntry(state, code, position);
    if (!this.observed.world.expected.has(code))
      this.observed.fail('no halt without cause', `partition ${partition}: ${code}, ${reason}`);
    this.observed.world.onTrouble(code);
  }

  /** At an entry that cannot be read: everything before it is stored first, so that whoever gives it up gives up it alone. */
  private haltedAtEntry(state: PartitionState, code: string, position: Position | undefined): void {
    const { partition, committed, inFlight } = state;
    const [next] = this.observed.ledger(partition).entries(committed, LAST_OF_ALL);
    const isThere = next?.unreadable === code && position && isSamePosition(next.position, position);
    if (isThere && inFlight.length === 0) return;
    const where = `committed ${formatPosition(committed)}, ${inFlight.length} in flight, next ${next && formatPosition(next.position)}`;
    const message = `partition ${partition} halted with ${code} at ${position && formatPosition(position)}: ${where}`;
    this.observed.fail('what lies before an unreadable entry is stored first', message);
  }

  /** By init, a reset or a restore. */
  private generationBegun(before: PartitionState | undefined, after: PartitionState): void {
    if (before !== undefined && before.inFlight.length > 0) this.batchesLeft(before);
    const ledger = this.observed.ledger(after.partition);
    // After a loss of state another restore may yet go by what was decided before.
    if (this.observed.lostEpochs.has(after.partition)) ledger.mayDecideAgainAbove(after.committed);
    else ledger.forgetDeadLettersAbove(after.committed);
  }

  /** A restore leaves them, and outlives them before it looks at the table. */
  private batchesLeft({ partition, generation, inFlight }: PartitionState): void {
    if (this.observed.restoring) {
      this.orphans.set(partition, [...(this.orphans.get(partition) ?? []), ...inFlight]);
      return;
    }
    // Nothing of a topic that is gone can be read again.
    if (this.observed.world.topicIsReplaced && this.givenUp.has(`${partition} ${generation}`)) return;
    const message = `generation ${generation} ended with batches in flight`;
    this.observed.fail('5 a batch is never cut again', message);
  }

  private batchCommitted(state: PartitionState, intent: Intent, isReplay: boolean): void {
    const { partition, generation } = state;
    const { deadLetters, messages, after, to } = intent;
    const mode = this.observed.world.table
      .replays(this.observed.world.scenario.pipeline.name)
      .get(generation)?.mode;
    if (mode === 'replace' || mode === 'redrive')
      this.observed.ledger(partition).supersedeDeadLetters(after, to);
    if (deadLetters === undefined) return;
    const { enabled, minimum, maxRatio } = this.observed.world.pipeline.deadLetters;
    const tolerated = enabled ? Math.max(minimum, Math.floor(messages * maxRatio)) : 0;
    if (deadLetters.count > tolerated) {
      const message = `${deadLetters.count} of ${messages} messages were dead-lettered; ${tolerated} are tolerated`;
      this.observed.fail('6 contiguous', message);
    }
    for (const { key } of deadLetters.parts) this.deadLettersCommitted(partition, key, isReplay);
  }

  private deadLettersCommitted(partition: number, key: string, byReplay: boolean): void {
    const body = this.observed.world.bucket.objects.get(key);
    if (body === undefined) {
      this.observed.fail('6 contiguous', `${key} is committed and not durable`);
      return;
    }
    for (const { position, index } of parseDeadLetters(body)) {
      this.observed.ledger(partition).addDeadLetter(parsePosition(position), index, byReplay);
    }
  }
}
