import { isPulsehouseError, messageOf, PulsehouseError } from '../pipeline/errors.ts';
import type { Log, LogFields } from '../ports/log.ts';
import type { Terminal } from './terminal.ts';

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
type Level = (typeof LEVELS)[number];

/** What other programs call them. */
const OTHER_NAMES: ReadonlyMap<string, Level> = new Map([
  ['trace', 'debug'],
  ['warning', 'warn'],
  ['critical', 'error'],
  ['fatal', 'error'],
  ['off', 'silent'],
  ['none', 'silent'],
]);

/** The level a variable or option names. @throws PulsehouseError PH_SETTINGS_INVALID */
export function logLevel(text: string): Level {
  const name = text.trim().toLowerCase();
  const level = LEVELS.find((known) => known === name) ?? OTHER_NAMES.get(name);
  if (level) return level;
  throw new PulsehouseError(
    'PH_SETTINGS_INVALID',
    `LOG_LEVEL is "${text}"; set it to ${LEVELS.slice(0, -1).join(', ')} or silent`,
  );
}

/** Log lines for people, on stderr: time, message, fields. Machines get `--logs json` instead. */
export function createConsoleLog(terminal: Terminal, threshold: Level = 'info', common: LogFields = {}): Log {
  const lowest = LEVELS.indexOf(threshold);
  const line = (level: Level, message: string, fields: LogFields = {}) => {
    if (LEVELS.indexOf(level) < lowest) return;
    const { dim, red, yellow } = terminal.remarkColour;
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
