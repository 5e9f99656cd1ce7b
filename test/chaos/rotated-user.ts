import { randomUUID } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';

const NAME = 'rotated';
const PARAMETER = '/chaos/clickhouse-password';

/** A ClickHouse user of the functions' own, whose password they fetch from the parameter store. */
export class RotatedUser {
  /** For a function process that works as this user. */
  readonly environment = {
    CLICKHOUSE_USER: NAME,
    CLICKHOUSE_PASSWORD: '',
    CLICKHOUSE_PASSWORD_FROM: `ssm:${PARAMETER}`,
  } as const;
  private readonly clickhouse: ClickHouseClient;
  private readonly parameters: SSMClient;

  constructor(clickhouse: ClickHouseClient, endpoint: string) {
    this.clickhouse = clickhouse;
    this.parameters = new SSMClient({ endpoint });
  }

  /** Made once and kept by the server. */
  async create(): Promise<void> {
    await this.command(`CREATE USER IF NOT EXISTS ${NAME}`);
    await this.command(`GRANT ALL ON *.* TO ${NAME}`);
    await this.rotate();
  }

  /** The server knows the new password alone from then on, and so does the parameter store. */
  async rotate(): Promise<void> {
    const password = randomUUID();
    await this.command(`ALTER USER ${NAME} IDENTIFIED WITH sha256_password BY '${password}'`);
    await this.parameters.send(
      new PutParameterCommand({ Name: PARAMETER, Value: password, Type: 'SecureString', Overwrite: true }),
    );
  }

  stop(): void {
    this.parameters.destroy();
  }

  private async command(query: string): Promise<void> {
    await this.clickhouse.command({ query });
  }
}
