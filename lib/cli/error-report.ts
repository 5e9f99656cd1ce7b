import { isPulsehouseError, messageOf, type PulsehouseError } from '../pipeline/errors.ts';
import type { Terminal } from './terminal.ts';

const HANDBOOK = 'docs/operations.md';

/** Where the handbook speaks of a code: each has a section of its own. */
export function handbookSection(code: string): string {
  return `${HANDBOOK}#${code.toLowerCase()}`;
}

/** Code, what happened, where, what to do next, where to read on. The stack only with `--debug`. */
export function reportError(terminal: Terminal, error: unknown, debug: boolean): void {
  const known = isPulsehouseError(error) ? error : undefined;
  terminal.answer({ error: known ? describe(known) : { code: 'UNEXPECTED', message: messageOf(error) } });
  const { red, bold, dim } = terminal.remarkColour;
  terminal.complain(`${red(bold('error'))} ${known ? bold(known.code) : 'unexpected'}  ${messageOf(error)}`);
  if (known) {
    for (const [name, value] of Object.entries(known.where)) {
      if (value !== undefined) terminal.complain(`  ${dim(name.padEnd(9))} ${value}`);
    }
    terminal.complain(`  ${dim('next'.padEnd(9))} ${known.nextStep}`);
    terminal.complain(`  ${dim('more'.padEnd(9))} ${handbookSection(known.code)}`);
  } else if (!debug) {
    terminal.complain(
      `  ${dim('next'.padEnd(9))} This is a defect: run it again with --debug and report the trace.`,
    );
  }
  if (debug) terminal.complain(traceOf(error));
}

function describe(error: PulsehouseError): Record<string, unknown> {
  const { code, kind, message, where, nextStep } = error;
  return { code, kind, message, where, nextStep, docs: handbookSection(code) };
}

function traceOf(error: unknown): string {
  if (!(error instanceof Error)) return messageOf(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\ncaused by: ${traceOf(error.cause)}`;
}
