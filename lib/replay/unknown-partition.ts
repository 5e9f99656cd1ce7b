import { PulsehouseError } from '../pipeline/errors.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';

export function unknownPartition(
  { name, topic }: Pick<Pipeline, 'name' | 'topic'>,
  partition: number,
): PulsehouseError {
  return new PulsehouseError('PH_RANGE_INVALID', `pipeline ${name} has no partition ${partition}`, {
    where: { topic, partition },
    nextStep: '`pulsehouse status` lists the partitions.',
  });
}
