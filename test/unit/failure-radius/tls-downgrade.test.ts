import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { expect, it, onTestFinished } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { COMMAND, decodeCommand, encodeCommand } from '../../../lib/pulsar/wire/commands/command.ts';
import { commandFrame } from '../../../lib/pulsar/wire/frame/frame-writer.ts';
import { tokenAuthentication } from '../../../lib/pulsar/wire/net/authentication.ts';
import { connectToOwner } from '../../../lib/pulsar/wire/net/lookup.ts';
import { ConnectionPool } from '../../../lib/pulsar/wire/net/pool.ts';
import { MessageWriter, readFields } from '../../../lib/pulsar/wire/protobuf/fields.ts';
import { Authority } from '../../support/credentials.ts';
import { silentLog } from '../../support/events-pipeline.ts';

const TOPIC = 'persistent://public/default/events';

async function listening(server: net.Server): Promise<number> {
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

/** Speaks just enough of the protocol to be asked who serves a topic, and names the plain address. */
function answerLookups(socket: net.Socket, url: string): void {
  socket.on('error', () => undefined);
  socket.on('data', (frame: Buffer) => {
    const { type, body } = decodeCommand(frame.subarray(8));
    if (type === COMMAND.connect) {
      const connected = new MessageWriter().string(1, 'a broker').uint(2, 19);
      socket.write(commandFrame(encodeCommand(COMMAND.connected, connected)));
    } else if (type === COMMAND.lookup) {
      let requestId = 0;
      readFields(body, {
        2: (reader) => {
          requestId = Number(reader.uint64());
        },
      });
      const answer = new MessageWriter().string(1, url).string(2, url).uint(3, 1).uint(4, requestId);
      socket.write(commandFrame(encodeCommand(COMMAND.lookupResponse, answer)));
    }
  });
}

it('a lookup that names a plain address where TLS is asked for is refused, and nothing is sent there', async () => {
  const authority = new Authority(mkdtempSync(join(tmpdir(), 'pulsehouse-downgrade-')));
  const own = authority.issue('broker', 'IP:127.0.0.1');
  let connections = 0;
  const eavesdropper = net.createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  const plain = await listening(eavesdropper);
  const broker = tls.createServer({ cert: own.cert, key: own.key }, (socket) =>
    answerLookups(socket, `pulsar://127.0.0.1:${plain}`),
  );
  const port = await listening(broker);
  const pool = new ConnectionPool({
    serviceUrl: `pulsar+ssl://127.0.0.1:${port}`,
    authentication: tokenAuthentication('the token'),
    tls: { ca: authority.cert },
    environment,
    log: silentLog,
  });
  onTestFinished(() => pool.close());
  await expect(connectToOwner(pool, TOPIC, undefined, environment.now() + 30_000)).rejects.toMatchObject({
    code: 'PH_PULSAR_REFUSED',
    kind: 'terminal',
    message: expect.stringContaining('plain address'),
  });
  expect(connections).toBe(0);
});
