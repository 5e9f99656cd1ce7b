import { isSamePosition } from '../../pipeline/position.ts';
import type { PlanDependencies } from '../replay/plan.ts';
import type { FoundLetter } from './find.ts';

const LONGEST_WAIT = 5_000;
const BUFFERED_BYTES = 1024 * 1024;

/**
 * The letter with key, properties, times and producer of its message, where it was recorded without them and Pulsar still has
 * the message; otherwise as it is. Moves nothing.
 */
export async function withMetadata(
  { state, transport, pipeline, log }: Pick<PlanDependencies, 'state' | 'transport' | 'pipeline' | 'log'>,
  found: FoundLetter,
  deadline: number,
): Promise<FoundLetter> {
  const { partition, position, index, letter } = found;
  if (letter.sequenceId !== undefined) return found;
  try {
    const own = await state.readPartition(pipeline.name, partition, deadline);
    if (!own) return found;
    const options = {
      after: { ...position, entry: position.entry - 1 },
      maxBufferedBytes: BUFFERED_BYTES,
    };
    const reader = await transport.openReader(own.topic, options, deadline);
    try {
      const entry = await reader.next(LONGEST_WAIT);
      if (!entry || !isSamePosition(entry.position, position) || index >= entry.count) return found;
      const { key, properties, eventTime, sequenceId, producer } = entry.metadata(index);
      const known = {
        ...(key !== undefined && { key }),
        ...(Object.keys(properties).length > 0 && { properties }),
        ...(eventTime > 0 && { eventTime }),
        ...(producer !== undefined && { producer }),
      };
      return { ...found, letter: { ...letter, ...known, sequenceId } };
    } finally {
      await reader.close();
    }
  } catch (error) {
    log.debug('Pulsar could not be asked for what the message carried besides its payload', { error });
    return found;
  }
}
