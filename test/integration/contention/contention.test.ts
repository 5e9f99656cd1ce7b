import { expect, vi } from 'vitest';
import { fight } from '../../contention/fight.ts';
import { dynamodbLocal, ministack } from '../../contract/state-store/emulators.ts';
import { test } from '../../support/place.ts';

/** The short form of `npm run contention`, which has 20 processes fight for a minute. */
const SHORT = { seconds: 8, contenders: 8, partitions: 3 };

for (const emulator of [ministack, dynamodbLocal()]) {
  test(`leases under contention on ${emulator.name}: one writer an epoch, every row once`, async ({
    place,
  }) => {
    const servers = { ...place.environment, AWS_ENDPOINT_URL_DYNAMODB: emulator.endpoint() };
    // The SDK finds region and credentials by itself, in the process's environment.
    for (const [name, value] of Object.entries(servers)) vi.stubEnv(name, value);
    const { topic, database } = place;
    const result = await fight({ ...SHORT, servers, topic: topic('contention'), database });
    expect(result).toMatchObject({ contradictions: [], missing: 0, doubled: 0, exact: true });
    expect(result.leases).toBeGreaterThan(SHORT.partitions);
    expect(result.freezes).toBeGreaterThan(0);
  });
}
