import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type AwsEndpoint, awsClientOptions } from '../aws/client-options.ts';
import { adviceOnRefusal, isPassingFailure } from '../aws/failure.ts';
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
 * @throws PulsehouseError PH_STATE_MISSING when there is no such table; PH_STATE_UNREACHABLE, in doubt, when there was
 * no answer, throttling or a server error: a write may have been carried out, or be carried out later; otherwise
 * PH_STATE_REFUSED. A condition that did not hold passes through as the SDK threw it.
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
  const message = `DynamoDB table "${table.name}": ${describeAwsError(error)}`;
  if (isPassingFailure(error)) {
    return new PulsehouseError('PH_STATE_UNREACHABLE', message, { where, cause: error });
  }
  const nextStep = adviceOnRefusal(error) ?? adviceOnValidation(error);
  return new PulsehouseError('PH_STATE_REFUSED', message, {
    where,
    cause: error,
    ...(nextStep === undefined ? {} : { nextStep }),
  });
}

function adviceOnValidation(error: unknown): string | undefined {
  if (!isAwsError(error, 'ValidationException')) return undefined;
  if (error instanceof Error && /item size/i.test(error.message))
    return 'An item of the state table may have 400 KB: lower batch.inFlight, or give the replay a smaller range.';
  return 'Check that PULSEHOUSE_STATE_TABLE names a table that `pulsehouse init` made.';
}
