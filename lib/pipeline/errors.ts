import type { ErrorKind } from './codes/code-entry.ts';
import { ERROR_CODES, type ErrorCode } from './error-codes.ts';

/** Whatever is known of the place an error concerns. */
export interface ErrorWhere {
  readonly pipeline?: string | undefined;
  readonly topic?: string | undefined;
  readonly partition?: number | undefined;
  readonly position?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly server?: string | undefined;
}

export interface ErrorDetails {
  readonly where?: ErrorWhere;
  /** Overrides the code's usual next step where this case allows a more exact one. */
  readonly nextStep?: string | undefined;
  readonly cause?: unknown;
}

const BRAND: unique symbol = Symbol.for('pulsehouse.error') as never;

/** The only error this project throws on purpose. Its code, kind and next step come from `ERROR_CODES`. */
export class PulsehouseError extends Error {
  readonly [BRAND] = true;
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly where: ErrorWhere;
  readonly nextStep: string;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'PulsehouseError';
    this.code = code;
    this.kind = ERROR_CODES[code].kind;
    this.where = details.where ?? {};
    this.nextStep = details.nextStep ?? ERROR_CODES[code].nextStep;
  }

  /** The same error with more of the place filled in; what is already known wins. */
  at(where: ErrorWhere): PulsehouseError {
    return new PulsehouseError(this.code, this.message, {
      where: { ...where, ...this.where },
      nextStep: this.nextStep,
      cause: this.cause,
    });
  }
}

/** By brand and not by class, so that two copies of the package in one process still know each other's errors. */
export function isPulsehouseError(error: unknown): error is PulsehouseError {
  return typeof error === 'object' && error !== null && BRAND in error;
}

/** What Pulsar did not answer, or answered with an error: it concerns the partition it was asked about. */
export function isPulsarError(error: unknown): error is PulsehouseError {
  return isPulsehouseError(error) && error.code.startsWith('PH_PULSAR_');
}

export function isRetryable(error: unknown): boolean {
  return isPulsehouseError(error) && error.kind === 'retryable';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
