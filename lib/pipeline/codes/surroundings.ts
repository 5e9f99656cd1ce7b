import type { CodeEntry } from './code-entry.ts';

/** Codes about the file, variables, events, secrets and the local stack. */
export const SURROUNDINGS_CODES = {
  PH_POSITION_INVALID: {
    kind: 'terminal',
    nextStep: 'Give the position as ledger:entry, for example 12:345.',
  },
  PH_CONFIG_INVALID: { kind: 'terminal', nextStep: 'Correct the named key in pipeline.yml.' },
  PH_SETTINGS_INVALID: {
    kind: 'terminal',
    nextStep: 'Set the named environment variables; `pulsehouse stack env` prints those of the local stack.',
  },
  PH_EVENT_INVALID: {
    kind: 'terminal',
    nextStep: 'Send the event as docs/deploy.md shows it, for example {"pipeline":"iot"}.',
  },
  PH_INVOKE_FAILED: {
    kind: 'retryable',
    nextStep:
      'Nothing at once: the next cycle starts the consumer. If it goes on, read the cause in the log.',
  },
  PH_INVOKE_REFUSED: {
    kind: 'terminal',
    nextStep:
      'Grant the checkpoint function lambda:InvokeFunction on the function that is named, or deploy it.',
  },
  PH_SECRET_UNREACHABLE: {
    kind: 'retryable',
    nextStep: 'Check that the service that keeps the secret is reachable; the next run goes on.',
  },
  PH_SECRET_REFUSED: {
    kind: 'terminal',
    nextStep: 'Create the secret under the name that is given, or grant the role to read it.',
  },
  PH_STACK_PREREQUISITE: { kind: 'terminal', nextStep: 'Install what the local stack needs.' },
  PH_STACK_FETCH: {
    kind: 'terminal',
    nextStep:
      'Check the way to the package registries and run it again; what was half fetched is thrown away.',
  },
  PH_STACK_PORT_TAKEN: {
    kind: 'terminal',
    nextStep: 'End what listens there, or leave out --well-known-ports so that free ports are taken.',
  },
  PH_STACK_NOT_READY: { kind: 'terminal', nextStep: 'Read the log named above, then start it again.' },
  PH_STACK_UNSUPPORTED: {
    kind: 'terminal',
    nextStep: 'Bring that server yourself: pulsehouse stack up --help says how.',
  },
  PH_STACK_DOWN: { kind: 'terminal', nextStep: 'Start it with `pulsehouse stack up`.' },
} as const satisfies Record<`PH_${string}`, CodeEntry>;
