/** What must never happen, by the number design.md gives it where it has one. */
export type Invariant =
  | '1 acknowledged <= snapshot <= committed'
  | '2 exactly once up to committed'
  | '3 only intended rows above committed'
  | '4 fenced by epoch and version'
  | '5 a batch is never cut again'
  | '6 contiguous'
  | '7 conservation'
  | 'a comparison tells the truth'
  | 'no programming error'
  | 'no halt without cause'
  | 'a bounded state'
  | 'progress of a healthy partition'
  | 'drained only when it is'
  | 'what lies before an unreadable entry is stored first'
  | 'fields of a later version are kept'
  | 'at rest';

export interface Violation {
  readonly invariant: Invariant;
  readonly message: string;
  readonly cause?: unknown;
}
