import { cycleCodec } from '../../lib/dynamodb/cycle-item.ts';
import type { ItemCodec } from '../../lib/dynamodb/item-codec.ts';
import { cycleKey, type ItemKey, partitionKey } from '../../lib/dynamodb/keys.ts';
import { partitionCodec } from '../../lib/dynamodb/partition-codec.ts';
import type { CycleState } from '../../lib/pipeline/cycle-state.ts';
import type { Intent } from '../../lib/pipeline/intent.ts';
import type { PartitionState } from '../../lib/pipeline/partition-state.ts';
import type { StateStore } from '../../lib/ports/state-store.ts';
import type { Invariant } from './violation.ts';

export const KEPT: Invariant = 'fields of a later version are kept';

export type Version = 'this' | 'next';

/** The field that the next version has in each of its objects. */
interface Later {
  readonly later?: string;
}

/**
 * The state store as a build of this version or of the next one sees it: what is written is what stands after the real
 * codecs, and the next version writes a field more into states and intents, of which this one knows nothing.
 */
export function ofVersion(store: StateStore, version: Version): StateStore {
  const add = version === 'next';
  const partition = (state: PartitionState): PartitionState =>
    stored(
      partitionCodec,
      partitionKey(state.pipeline, state.partition),
      add ? laterPartition(state) : state,
    );
  const cycle = (state: CycleState): CycleState =>
    stored(cycleCodec, cycleKey(state.pipeline), add ? { ...state, ...by(state) } : state);
  return new Proxy(store, {
    get(target, name) {
      if (name === 'createPartition' || name === 'writePartition')
        return (state: PartitionState, deadline: number) => target[name](partition(state), deadline);
      if (name === 'createCycle' || name === 'writeCycle')
        return (state: CycleState, deadline: number) => target[name](cycle(state), deadline);
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function stored<T>(codec: ItemCodec<T>, key: ItemKey, value: T): T {
  return codec.decode(key, codec.encode(key, value));
}

function laterPartition(state: PartitionState): PartitionState {
  const totals = { ...state.totals, later: String(state.totals.batches) };
  return { ...state, ...by(state), totals, inFlight: state.inFlight.map(laterIntent) };
}

/** Tells whose write it is. */
function by({ writeId }: { readonly writeId: string }): Later {
  return { later: writeId };
}

function laterIntent(intent: Intent): Intent {
  const later: Later = { later: `${intent.generation} ${intent.seq}` };
  return { ...intent, ...later };
}

/** What of the next version's fields a write dropped or changed that is not the next version's own. */
export function droppedFromPartition(
  before: PartitionState | undefined,
  after: PartitionState,
): string | undefined {
  // A reset or a restore begins a state anew.
  if (before === undefined || before.generation !== after.generation) return undefined;
  const ofState = droppedFrom(before, after);
  if (ofState !== undefined || later(after) === after.writeId) return ofState;
  if (later(before.totals) !== later(after.totals)) return 'the field of its totals';
  const lost = after.inFlight.find((intent) => {
    const standing = before.inFlight.find(({ seq }) => seq === intent.seq);
    return standing !== undefined && later(standing) !== later(intent);
  });
  return lost && `the field of batch ${lost.seq}`;
}

export function droppedFromCycle(before: CycleState, after: CycleState): string | undefined {
  return before.generation === after.generation ? droppedFrom(before, after) : undefined;
}

function droppedFrom(before: object, after: { readonly writeId: string }): string | undefined {
  const known = later(before);
  if (known === undefined || later(after) === known || later(after) === after.writeId) return undefined;
  return 'the field of the state';
}

function later(of: object): string | undefined {
  return (of as Later).later;
}
