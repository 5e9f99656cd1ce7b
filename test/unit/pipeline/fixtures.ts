import type { Intent } from '../../../lib/pipeline/intent.ts';
import { newPartitionState } from '../../../lib/pipeline/partition-transitions.ts';
import { BEFORE_ALL, parsePosition } from '../../../lib/pipeline/position.ts';

export const GENERATION = '20261122T000000000Z-abc';

export const emptyPartition = newPartitionState({
  pipeline: 'iot',
  partition: 3,
  topic: 'persistent://public/default/iot-partition-3',
  generation: GENERATION,
  cluster: undefined,
  origin: BEFORE_ALL,
  writeId: 'first',
});

/** A batch of one message an entry, from `after` to `to` of one ledger. */
export function intentOf(seq: number, after: string, to: string, change: Partial<Intent> = {}): Intent {
  const messages = parsePosition(to).entry - Math.max(-1, parsePosition(after).entry);
  return {
    seq,
    generation: GENERATION,
    after: parsePosition(after),
    to: parsePosition(to),
    entries: messages,
    messages,
    rows: messages,
    filtered: 0,
    bytes: messages * 100,
    digest: `digest-${seq}`,
    mapping: 'mapping',
    publishedUpTo: 1_000 + seq,
    attempt: 1,
    notAfter: 10_000,
    tokens: { table: 'uuid', window: 1_000, oldestBlock: 1, newestBlock: 10 },
    deadLetters: undefined,
    ...change,
  };
}
