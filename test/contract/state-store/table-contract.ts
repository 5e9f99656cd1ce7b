import { CreateTableCommand, DescribeTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { dynamoStateStore } from '../../../lib/dynamodb/state-store.ts';
import { ensureStateTable } from '../../../lib/dynamodb/table-setup.ts';
import { soon, tableAt } from './emulators.ts';
import { cycleState, partitionState, uniquePipeline } from './states.ts';

export function tableContract(name: string, endpoint: () => string): void {
  describe(`${name}: table`, () => {
    it('is created once, by two at once too, and expires items by their attribute', async () => {
      const table = tableAt(endpoint());
      const made = await Promise.all([ensureStateTable(table, soon()), ensureStateTable(table, soon())]);
      expect(made).toContain('created');
      expect(await ensureStateTable(table, soon())).toBe('found');
      const question = new DescribeTimeToLiveCommand({ TableName: table.name });
      const { TimeToLiveDescription } = await table.client.send(question);
      expect(TimeToLiveDescription).toMatchObject({ AttributeName: 'expires', TimeToLiveStatus: 'ENABLED' });
    });

    it('of somebody else is refused', async () => {
      const table = tableAt(endpoint());
      await table.client.send(
        new CreateTableCommand({
          TableName: table.name,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
          KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        }),
      );
      await expect(ensureStateTable(table, soon())).rejects.toMatchObject({
        code: 'PH_STATE_TABLE_FOREIGN',
        message: expect.stringContaining('id (HASH)'),
      });
      await expect(dynamoStateStore(table).readCycle('p', soon())).rejects.toMatchObject({
        nextStep: expect.stringContaining('PULSEHOUSE_STATE_TABLE'),
      });
    });

    it('that is missing is told apart from one that does not answer', async () => {
      const store = dynamoStateStore(tableAt(endpoint()));
      const pipeline = uniquePipeline();
      const missing = { code: 'PH_STATE_MISSING', kind: 'terminal' };
      await expect(store.readCycle(pipeline, soon())).rejects.toMatchObject(missing);
      await expect(store.readPartitions(pipeline, 3, soon())).rejects.toMatchObject(missing);
      await expect(store.createCycle(cycleState(pipeline), soon())).rejects.toMatchObject(missing);
      await expect(store.writePartition(partitionState(pipeline), soon())).rejects.toMatchObject(missing);
    });
  });
}
