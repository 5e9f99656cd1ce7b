/** Shorter ones would be found in ordinary words. */
const SHORTEST = 6;

/**
 * Text of somebody else as it may be shown: a proxy or a server that repeats what it was sent repeats credentials too.
 * What is a credential by its form is taken out, and so are these, plain or encoded.
 */
export function redacted(text: string, secrets: readonly string[] = []): string {
  const spelled = secrets
    .filter((secret) => secret.length >= SHORTEST)
    .flatMap((secret) => [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]);
  return spelled
    .reduce((shown, secret) => shown.replaceAll(secret, '[secret]'), text)
    .replaceAll(/\b(Basic|Bearer) +[\w.~+/=-]+/gi, '$1 [secret]');
}
