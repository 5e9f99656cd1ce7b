import { expect } from 'vitest';
import { openEventsPipeline } from '../../support/events-pipeline.ts';
import { type Place, test } from '../../support/place.ts';

const PATIENCE = 240_000;

/** Gone as a TTL, a mutation or DROP PARTITION would have it: with the part that has the highest block number. */
async function dropNewestPart(place: Place): Promise<void> {
  const name = await place.query(
    `SELECT name FROM system.parts WHERE active AND database = '${place.database}' AND table = 'events' ORDER BY max_block_number DESC LIMIT 1`,
  );
  await place.query(`ALTER TABLE ${place.database}.events DROP PART '${name.trim()}'`);
}

test(
  'a table whose newest part goes away halts those whose rows went with it, and nobody else',
  async ({ place }) => {
    const events = await openEventsPipeline(place, 2);
    // Otherwise a merge may put the rows of both into one part.
    await place.query(`SYSTEM STOP MERGES ${place.database}.events`);
    await events.publish(2);
    for (const partition of [0, 1, 0]) {
      expect(await events.consume(partition)).toMatchObject({ outcome: 'drained' });
    }
    await dropNewestPart(place);
    await events.publish(1);
    expect(await events.consume(1)).toMatchObject({
      outcome: 'halted',
      halt: { code: 'PH_HALT_TABLE_BEHIND' },
    });
    expect(await events.consume(0)).toMatchObject({ outcome: 'drained', rows: 10 });
    await events.close();
  },
  PATIENCE,
);
