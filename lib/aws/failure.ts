import { isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry';

/**
 * Whether the same request may succeed later: throttling, 5xx, time-outs, lost connections. It is a whitelist: everything
 * else (a missing right, a disabled key, an item over the limit, credentials that ran out) stays refused until somebody
 * changes something. Of a passing failure nobody knows whether the request was carried out.
 */
export function isPassingFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Our own deadline, see `withinDeadline`.
  if (error.name === 'AbortError') return true;
  const thrown = error as Parameters<typeof isThrottlingError>[0];
  return isThrottlingError(thrown) || isTransientError(thrown) || isServerError(thrown);
}

/** What to do about a refusal, where its name says more than "refused"; AWS's own message names the right or the limit. */
export function adviceOnRefusal(error: unknown): string | undefined {
  const name = error instanceof Error ? error.name : '';
  const message = error instanceof Error ? error.message : '';
  if (/kms/i.test(name) || /\bkms\b/i.test(message))
    return 'Enable the key and grant the role its use again (kms:Decrypt, kms:GenerateDataKey).';
  if (/^AccessDenied|^Unauthorized|^Forbidden$/.test(name) || name === '403')
    return 'Grant the role the right that the message names (docs/deploy.md lists them).';
  if (/^(Expired|InvalidClientTokenId|UnrecognizedClient|CredentialsProvider|TokenProvider)/.test(name))
    return 'Give valid credentials: a role, a profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.';
  if (/^(SignatureDoesNotMatch|InvalidSignature|RequestTimeTooSkewed)/.test(name))
    return 'Check the secret access key, the region and the clock of this machine.';
  return undefined;
}
