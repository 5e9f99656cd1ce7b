import type { Command } from 'commander';
import { isUp, readRecord } from '../../../infra/local/stack-record.ts';
import { EXIT } from '../exit-codes.ts';
import { table } from '../terminal.ts';
import { stackCommand } from './command.ts';

export function registerStackStatus(stack: Command): void {
  stackCommand(stack, 'status', 'what runs, and where', async ({ directory, terminal }) => {
    const record = await readRecord(directory);
    const servers = (record?.servers ?? []).map(({ name, version, ports, log, server }) => {
      const running = isUp({ server });
      return { name, version, up: running, pid: running ? server.pid : undefined, ports, log };
    });
    const up = servers.length > 0 && servers.every((one) => one.up);
    terminal.answer({ up, servers });
    if (servers.length === 0) terminal.say('No stack was started here.');
    else {
      const rows = servers.map(({ name, version, up, pid, ports, log }) => [
        ...[name, version, up ? 'up' : 'down', up ? String(pid) : '-', ports.join(' '), log],
      ]);
      terminal.say(table(terminal.colour, ['server', 'version', 'state', 'pid', 'ports', 'log'], rows));
    }
    if (!up) process.exitCode = EXIT.failed;
  });
}
