import { PulsehouseError } from '../pipeline/errors.ts';

/** Where a secret is kept. The name goes into configuration, the secret itself never does. */
export interface SecretPlace {
  readonly service: 'ssm' | 'secretsmanager';
  readonly name: string;
}

/**
 * Reads `ssm:/name/of/parameter` or `secretsmanager:name`.
 * @throws PulsehouseError PH_CONFIG_INVALID
 */
export function parseSecretPlace(text: string): SecretPlace {
  const match = /^(ssm|secretsmanager):([\w/.+=@-]+)$/.exec(text);
  const [, service, name] = match ?? [];
  if (name !== undefined && (service === 'ssm' || service === 'secretsmanager')) return { service, name };
  // The text is not repeated: somebody may have put the secret itself where its place belongs.
  throw new PulsehouseError('PH_CONFIG_INVALID', 'a secret is named in a form that is not known', {
    nextStep: 'Name it as ssm:/name/of/parameter or secretsmanager:name.',
  });
}
