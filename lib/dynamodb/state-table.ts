import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type AwsEndpoint, awsClientOptions } from '../aws/client-options.ts';
import { describeAwsError, isAwsError, withinDeadline } from '../aws/request.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import type { Environment } from '../ports/environment.ts';

/** The state table as the files of this folder see it. */
export interface StateTable {
  readonly client: DynamoDBClient;
  readonly name: string;
  /** Where the table is, for messages. */
  readonly server: string;
  readonly environment: Environment;
}

export interface StateTableOptions extends AwsEndpoint {
  readonly table: string;
  readonly environment: Environment;
}

export function openStateTable(options: StateTableOptions): StateTable {
  return {
    client: new DynamoDBClient(awsClientOptions(options)),
    name: options.table,
    server: options.endpoint ?? `DynamoDB ${options.region ?? ''}`.trim(),
    environment: options.environment,
  };
}

/**
 * One request to the table, over by `deadline`.
 * @throws PulsehouseError PH_STATE_MISSING when there is no such table; otherwise PH_STATE_UNREACHABLE, in doubt: a
 * write may have been carried out, or be carried out later. A condition that did not hold passes through as the SDK
 * threw it.
 */
export async function ask<T>(
  table: StateTable,
  deadline: number,
  send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  try {
    return await withinDeadline(deadline, table.environment.now(), send);
  } catch (error) {
    if (isAwsError(error, 'ConditionalCheckFailedException')) throw error;
    throw stateError(table, error);
  }
}

function stateError(table: StateTable, error: unknown): PulsehouseError {
  const where = { table: table.name, server: table.server };
  if (isAwsError(error, 'ResourceNotFoundException')) {
    return new PulsehouseError('PH_STATE_MISSING', `there is no DynamoDB table "${table.name}"`, {
      where,
      cause: error,
    });
  }
  return new PulsehouseError(
    'PH_STATE_UNREACHABLE',
    `DynamoDB table "${table.name}": ${describeAwsError(error)}`,
    {
      where,
      cause: error,
      ...(isAwsError(error, 'ValidationException')
        ? { nextStep: 'Check that PULSEHOUSE_STATE_TABLE names a table that `pulsehouse init` made.' }
        : {}),
    },
  );
}
