import { isPulsehouseError, messageOf } from '../pipeline/errors.ts';
import type { Log, LogFields } from '../ports/log.ts';
import type { Terminal } from './terminal.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];

/** Log lines for people, on stderr: time, message, fields. Machines get `--logs json` instead. */
export function createConsoleLog(
  terminal: Terminal,
  threshold: string = 'info',
  common: LogFields = {},
): Log {
  const lowest = Math.max(0, LEVELS.indexOf(threshold.toLowerCase() as Level));
  const line = (level: Level, message: string, fields: LogFields = {}) => {
    if (LEVELS.indexOf(level) < lowest) return;
    const { dim, red, yellow } = terminal.colour;
    const time = dim(new Date().toISOString().slice(11, 19));
    const text = level === 'error' ? red(message) : level === 'warn' ? yellow(message) : message;
    const rest = Object.entries({ ...common, ...fields }).filter(([, value]) => value !== undefined);
    const shown = rest.map(([name, value]) => `${name}=${show(value, message)}`).join(' ');
    terminal.complain(shown === '' ? `${time} ${text}` : `${time} ${text}  ${dim(shown)}`);
  };
  return {
    debug: (message, fields) => line('debug', message, fields),
    info: (message, fields) => line('info', message, fields),
    warn: (message, fields) => line('warn', message, fields),
    error: (message, fields) => line('error', message, fields),
    with: (fields) => createConsoleLog(terminal, threshold, { ...common, ...fields }),
  };
}

/** An error that the line's message tells already is named by its code alone. */
function show(value: unknown, message: string): string {
  if (value instanceof Error) {
    if (!isPulsehouseError(value)) return messageOf(value);
    return message.includes(value.message) ? value.code : `${value.code}: ${value.message}`;
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
