/** Halts by which the topic may be another one than the one that was read: deleted and made anew, or another cluster's. */
const CODES: readonly string[] = [
  'PH_HALT_TOPIC_REPLACED',
  'PH_HALT_REREAD_DIFFERS',
  'PH_PULSAR_POSITION_UNKNOWN',
];

/** Whether stored positions may mean nothing on the topic that stands there now. */
export function mayBeAnotherTopic(code: string): boolean {
  return CODES.includes(code);
}
