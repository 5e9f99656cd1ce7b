import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { ClickHouseOptions } from '../../infra/local/clickhouse.ts';

const NAME = 'rotated';
const PARAMETER = '/chaos/clickhouse-password';

/**
 * A ClickHouse user of the functions' own, whose password they fetch from the parameter store. The local server cannot
 * change users while it runs: it asks a directory (this server) for every login, and refuses by itself whom that refuses.
 */
export class RotatedUser {
  /** For a function process that works as this user. */
  readonly environment = {
    CLICKHOUSE_USER: NAME,
    CLICKHOUSE_PASSWORD: '',
    CLICKHOUSE_PASSWORD_FROM: `ssm:${PARAMETER}`,
  } as const;
  readonly clickhouse: ClickHouseOptions;
  private readonly directory: Server;
  private password = randomUUID();

  private constructor(directory: Server) {
    this.directory = directory;
    const { port } = directory.address() as AddressInfo;
    this.clickhouse = {
      users: `<${NAME}>
        <http_authentication><server>directory</server><scheme>basic</scheme></http_authentication>
        <networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>
      </${NAME}>`,
      configuration: `<http_authentication_servers>
        <directory><uri>http://127.0.0.1:${port}/</uri></directory>
      </http_authentication_servers>`,
    };
  }

  static async open(): Promise<RotatedUser> {
    const directory = createServer();
    directory.listen(0, '127.0.0.1');
    await once(directory, 'listening');
    const user = new RotatedUser(directory);
    directory.on('request', (asked, answer) => {
      const login = Buffer.from(`${NAME}:${user.password}`).toString('base64');
      answer.writeHead(asked.headers.authorization === `Basic ${login}` ? 200 : 401).end();
    });
    return user;
  }

  /** The server takes the new password alone from then on, and the parameter store has it. */
  async rotate(endpoint: string): Promise<void> {
    this.password = randomUUID();
    const parameters = new SSMClient({ endpoint });
    const parameter = {
      Name: PARAMETER,
      Value: this.password,
      Type: 'SecureString',
      Overwrite: true,
    } as const;
    await parameters.send(new PutParameterCommand(parameter));
    parameters.destroy();
  }

  async stop(): Promise<void> {
    this.directory.closeAllConnections();
    this.directory.close();
    await once(this.directory, 'close');
  }
}
