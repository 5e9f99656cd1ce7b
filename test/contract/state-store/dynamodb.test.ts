import { dynamoStateStore } from '../../../lib/dynamodb/state-store.ts';
import { stateStoreContract } from './contract.ts';
import { dynamodbLocal, ministack, readyTable, soon } from './emulators.ts';
import { faultContract } from './fault-contract.ts';
import { itemContract } from './item-contract.ts';
import { tableContract } from './table-contract.ts';

for (const emulator of [ministack, dynamodbLocal()]) {
  const { name } = emulator;
  let table: ReturnType<typeof readyTable> | undefined;
  const open = async () => {
    table ??= readyTable(emulator.endpoint());
    return await table;
  };
  stateStoreContract(name, async () => ({ store: dynamoStateStore(await open()), deadline: soon }));
  itemContract(name, open);
  tableContract(name, () => emulator.endpoint());
  faultContract(name, () => emulator.endpoint());
}
