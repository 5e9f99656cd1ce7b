import { FunctionProcess } from './function-process.ts';
import { PARTITIONS, type World } from './world.ts';

export const EVERY_PARTITION: readonly number[] = Array.from(
  { length: PARTITIONS },
  (_, partition) => partition,
);

/** A consumer for each until all of theirs is stored. @throws Error when one of them fails. */
export async function drain(world: World, partitions = EVERY_PARTITION): Promise<void> {
  const consumers = partitions.map((partition) => FunctionProcess.consume(world, partition));
  await Promise.all(consumers.map((consumer) => consumer.succeeded()));
}
