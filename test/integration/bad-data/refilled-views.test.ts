import { describe, expect } from 'vitest';
import { publishEvents } from '../../support/events.ts';
import { type Place, test } from '../../support/place.ts';
import { prepare } from '../cli/subject.ts';

const POSITIONS = '_partition, _ledger, _entry, _index, _row';

/** A table of ids with or without positions, and a view that fills it. */
async function createView(place: Place, name: string, query: string, positions: boolean): Promise<void> {
  const types = '_partition UInt32, _ledger Int64, _entry Int64, _index UInt32, _row UInt32';
  await place.query(
    `CREATE TABLE IF NOT EXISTS ${place.database}.${name} (x UInt64${positions ? `, ${types}` : ''}) ENGINE = MergeTree ORDER BY x`,
  );
  const select = `${query}${positions ? `, ${POSITIONS}` : ''}`;
  await place.query(
    `CREATE MATERIALIZED VIEW ${place.database}.${name}_mv TO ${place.database}.${name} AS SELECT ${select} FROM ${place.database}.events AS e`,
  );
}

describe('pulsehouse views', () => {
  test('gives views the rows they lack, each once, and leaves alone what it cannot judge', async ({
    place,
    signal,
  }) => {
    const { commands, ddl, topic } = await prepare(place, signal);
    await commands.run('init', '--ddl', ddl);
    const publish = (from: number) =>
      publishEvents(place.environment, `${topic}-partition-0`, { entries: 3, messagesAnEntry: 10, from });
    const consume = () => commands.run('consume', '--until', 'drained');
    const rowsOf = async (name: string) => {
      const counts = `SELECT count(), uniqExact(x) FROM ${place.database}.${name} FORMAT TSV`;
      return (await place.query(counts)).trim().split('\t').map(Number);
    };
    await publish(0);
    await consume();
    // What was stored before there were views is no lack of theirs.
    await createView(place, 'failing', "if(throwIf(id = 37, 'no 37'), 0, id) AS x", true);
    await createView(place, 'good', 'id AS x', true);
    await createView(place, 'plain', 'id AS x', false);
    await publish(30);
    expect(await consume()).toMatchObject({ code: 0 });
    expect(await rowsOf('good')).toEqual([0, 0]);

    const name = (view: string) => `${place.database}.${view}_mv`;
    const lack = (view: string, more: object) =>
      expect.objectContaining({ view: name(view), partition: 0, answered: true, ...more });
    const failing = lack('failing', { leftAlone: expect.stringContaining('its query fails') });
    const plain = lack('plain', { rows: 30, leftAlone: expect.stringContaining('--unchecked') });
    const all = [failing, lack('good', { rows: 30, missing: 30 }), plain];
    expect(await commands.run('views', 'list')).toMatchObject({ code: 3, answer: { lacks: all } });
    expect(await commands.run('views', 'refill')).toMatchObject({ code: 3, answer: { dryRun: true } });
    expect(await rowsOf('good')).toEqual([0, 0]);

    const filled = await commands.run('views', 'refill', '--yes');
    expect(filled).toMatchObject({ code: 3, answer: { filled: [all[1]], lacks: [failing, plain] } });
    expect(await rowsOf('good')).toEqual([30, 30]);

    await place.query(`DROP TABLE ${name('failing')} SYNC`);
    await createView(place, 'failing', 'id AS x', true);
    // Some of it was brought by hand already.
    await place.query(
      `INSERT INTO ${place.database}.failing SELECT id, ${POSITIONS} FROM ${place.database}.events WHERE id = 37`,
    );
    const mended = lack('failing', { rows: 30, missing: 29 });
    expect(await commands.run('views', 'refill', '--yes')).toMatchObject({ answer: { filled: [mended] } });
    expect(await rowsOf('failing')).toEqual([30, 30]);
    expect(await commands.run('status')).toMatchObject({
      answer: { partitions: [{ viewGaps: [{ views: [name('plain')], rows: 30 }] }] },
    });
    expect(await commands.run('views', 'refill', '--unchecked', '--yes')).toMatchObject({ code: 0 });
    expect(await rowsOf('plain')).toEqual([30, 30]);
    expect(await commands.run('views', 'list')).toMatchObject({ code: 0, answer: { lacks: [] } });

    await publish(60);
    await consume();
    for (const view of ['good', 'failing', 'plain']) expect(await rowsOf(view)).toEqual([60, 60]);
    expect(await commands.run('audit')).toMatchObject({ code: 0, answer: { exact: true, rows: 90 } });
  });
});
