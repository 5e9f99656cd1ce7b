import type { CodeEntry } from './code-entry.ts';

/** Codes about state in DynamoDB, objects in S3, and what they say. */
export const STATE_CODES = {
  PH_STATE_LOST: {
    kind: 'terminal',
    nextStep:
      'Run `pulsehouse restore`, which rebuilds the state from the newest snapshot; to begin anew take another pipeline name and an empty table.',
  },
  PH_STATE_UNREACHABLE: {
    kind: 'in-doubt',
    nextStep:
      'Check that DynamoDB is reachable (AWS_ENDPOINT_URL_DYNAMODB, AWS_REGION, credentials); the next run goes on.',
  },
  PH_STATE_REFUSED: {
    kind: 'terminal',
    nextStep: 'Grant the right or mend the limit that DynamoDB names; then the next run goes on.',
  },
  PH_STATE_MISSING: {
    kind: 'terminal',
    nextStep: 'Run `pulsehouse init`; if the state was lost, `pulsehouse restore`.',
  },
  PH_INVARIANT: {
    kind: 'terminal',
    halts: true,
    nextStep:
      'Keep the state as it is and run `pulsehouse audit`; this should never happen, so please report it.',
  },
  PH_STATE_CORRUPT: {
    kind: 'terminal',
    nextStep: 'Bring the item back from a backup, or rebuild the state with `pulsehouse restore`.',
  },
  PH_STATE_LAYOUT: {
    kind: 'terminal',
    nextStep:
      'Run the version of Pulsehouse that wrote it, or the one that its changelog names for the upgrade.',
  },
  PH_STATE_TABLE_FOREIGN: {
    kind: 'terminal',
    nextStep: 'Name another table in PULSEHOUSE_STATE_TABLE; `pulsehouse init` creates it.',
  },
  PH_OBJECTS_UNREACHABLE: {
    kind: 'in-doubt',
    nextStep:
      'Check that S3 is reachable (AWS_ENDPOINT_URL_S3, AWS_REGION, credentials); the next run goes on.',
  },
  PH_OBJECTS_REFUSED: {
    kind: 'terminal',
    nextStep: 'Grant the right or mend the limit that S3 names; then the next run goes on.',
  },
  PH_BUCKET_MISSING: {
    kind: 'terminal',
    nextStep: 'Run `pulsehouse init`, or name the right bucket in PULSEHOUSE_BUCKET.',
  },
  PH_FENCED: { kind: 'terminal', nextStep: 'Nothing: another invocation holds this partition now.' },
  PH_STATE_BEHIND: {
    kind: 'terminal',
    nextStep:
      'The cycle item is older than the snapshots: `pulsehouse restore` rebuilds the state from the newest one.',
  },
  PH_SNAPSHOT_CORRUPT: {
    kind: 'terminal',
    nextStep:
      'Nothing at once: the next checkpoint begins the chain anew, and `pulsehouse restore` takes the newest snapshot that is whole.',
  },
  PH_SNAPSHOT_MISSING: {
    kind: 'terminal',
    nextStep: 'Bring the object back (the bucket is versioned); nothing is acknowledged until then.',
  },
  PH_OBJECT_CONFLICT: {
    kind: 'terminal',
    nextStep: 'Nobody else may write below this prefix of the bucket.',
  },
} as const satisfies Record<`PH_${string}`, CodeEntry>;
