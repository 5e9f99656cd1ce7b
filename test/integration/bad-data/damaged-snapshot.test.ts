import { describe, expect } from 'vitest';
import { snapshotKey } from '../../../lib/checkpoint/snapshot.ts';
import { readStatus } from '../../../lib/replay/status.ts';
import { test } from '../../support/place.ts';
import { openSubject, soon } from '../replay/subject.ts';

describe('status', () => {
  test('shows all that is known when the acknowledged snapshot is gone or damaged, and names the damage', async ({
    place,
  }) => {
    const subject = await openSubject(place);
    await subject.publish(5);
    await subject.consumeAll();
    await subject.cycle();
    const { dependencies, pipeline } = subject;
    const key = snapshotKey(pipeline.name, 1);
    const status = () => readStatus(dependencies, soon());
    expect(await status()).toMatchObject({ damages: [], partitions: [{ acknowledged: expect.any(String) }] });

    await dependencies.objects.delete(key, soon());
    const gone = await status();
    expect(gone.damages).toEqual([
      expect.stringMatching(/000001\.json is not there \(PH_SNAPSHOT_MISSING\)/),
    ]);
    expect(gone).toMatchObject({ acknowledged: 1, partitions: [{ rows: 50, drained: true }] });
    expect(gone.partitions[0]?.acknowledged).toBeUndefined();

    await dependencies.objects.create(key, Buffer.from('{"number":'), soon());
    expect((await status()).damages).toEqual([expect.stringContaining('(PH_SNAPSHOT_CORRUPT)')]);
    await subject.close();
  });
});
