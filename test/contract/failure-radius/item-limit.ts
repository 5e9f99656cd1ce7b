import { expect, it } from 'vitest';
import type { StateStoreSubject } from '../state-store/contract.ts';
import { intent, partitionState, uniquePipeline } from '../state-store/states.ts';

/** DynamoDB takes no item over 400 KB, and says so in a way that is no outage. */
export function itemLimitContract(name: string, open: () => Promise<StateStoreSubject>): void {
  it(`${name}: a state over 400 KB is refused, and the one before it stands`, async () => {
    const { store, deadline } = await open();
    const state = partitionState(uniquePipeline());
    await store.createPartition(state, deadline());
    const many = Array.from({ length: 2_000 }, (_, at) => intent({ seq: at + 1 }));
    const next = { ...state, version: state.version + 1, follows: state.writeId, writeId: 'next' };
    await expect(store.writePartition({ ...next, inFlight: many }, deadline())).rejects.toMatchObject({
      code: 'PH_STATE_REFUSED',
      kind: 'terminal',
      nextStep: expect.stringContaining('400 KB'),
    });
    expect(await store.readPartition(state.pipeline, 0, deadline())).toStrictEqual(state);
    const few = { ...next, inFlight: many.slice(0, 100) };
    expect(await store.writePartition(few, deadline())).toEqual({ written: true });
  });
}
