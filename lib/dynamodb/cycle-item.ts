import * as z from 'zod';
import type { CycleState } from '../pipeline/cycle-state.ts';
import { itemCodec } from './item-codec.ts';
import { count, fencedFields, object } from './item-fields.ts';
import { cycleKey } from './keys.ts';
import type { StateItem } from './state-item.ts';
import type { StateTable } from './state-table.ts';

export const cycleCodec = itemCodec<CycleState>(
  object({
    ...fencedFields,
    pipeline: z.string().min(1),
    generation: z.string().min(1),
    partitions: count,
    flushRequested: count,
    latest: count,
    opened: count,
    acknowledging: count,
    acknowledged: count,
    unacknowledged: z.array(count).optional(),
    paused: z.boolean(),
  }),
);

export function cycleItem(table: StateTable, pipeline: string): StateItem<CycleState> {
  return { table, key: cycleKey(pipeline), codec: cycleCodec };
}
