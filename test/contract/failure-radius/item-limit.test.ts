import { dynamoStateStore } from '../../../lib/dynamodb/state-store.ts';
import { dynamodbLocal, ministack, readyTable, soon } from '../state-store/emulators.ts';
import { itemLimitContract } from './item-limit.ts';

for (const emulator of [ministack, dynamodbLocal()]) {
  itemLimitContract(emulator.name, async () => ({
    store: dynamoStateStore(await readyTable(emulator.endpoint())),
    deadline: soon,
  }));
}
