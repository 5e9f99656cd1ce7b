import type { Snapshot } from '../../../lib/checkpoint/snapshot.ts';
import type { CycleState } from '../../../lib/pipeline/cycle-state.ts';
import type { PartitionState } from '../../../lib/pipeline/partition-state.ts';
import type { Invariant } from '../violation.ts';
import type { World } from '../world.ts';
import { Ledger } from './ledger.ts';

/** What was seen so far, by whoever checks: the true states of the servers, and what became of every message. */
export class Observed {
  readonly world: World;
  /** Every snapshot there ever was, by number. */
  readonly snapshots = new Map<number, Snapshot>();
  /** Every partition and code of a halt there was. */
  readonly haltCodes = new Set<string>();
  /** Epochs given out before the state was lost. */
  readonly lostEpochs = new Map<number, number>();
  /** Epoch of a cycle's state that was put back: whoever had it then, frozen since, may wake and write by it once. */
  epochPutBack: number | undefined;
  restoring = false;
  tellingCutOff = false;
  /** Somebody moved positions by hand. */
  wasReset = false;
  private readonly ledgers: Ledger[] = [];

  constructor(world: World) {
    this.world = world;
  }

  fail(invariant: Invariant, message: string): void {
    this.world.fail({ invariant, message });
  }

  wasHalted(partition: number, code: string): boolean {
    return this.haltCodes.has(`${partition} ${code}`);
  }

  ledger(partition: number): Ledger {
    const known = this.ledgers[partition];
    if (known !== undefined) return known;
    const subject = this.world.broker.partitions[partition];
    if (subject === undefined) throw new Error(`there is no partition ${partition}`);
    const ledger = new Ledger(subject);
    this.ledgers[partition] = ledger;
    return ledger;
  }

  state(partition: number): PartitionState | undefined {
    return this.world.table.partition(this.world.scenario.pipeline.name, partition).value;
  }

  get cycle(): CycleState | undefined {
    return this.world.table.cycle(this.world.scenario.pipeline.name).value;
  }
}
