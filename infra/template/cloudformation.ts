/** The little of CloudFormation's shape that this folder writes. */
export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

export type Resources = Readonly<Record<string, Resource>>;

export const NO_VALUE = Object.freeze({ Ref: 'AWS::NoValue' });

export function attribute(resource: string, name: string) {
  return { 'Fn::GetAtt': [resource, name] };
}

export function substitute(text: string) {
  return { 'Fn::Sub': text };
}

/** A logical id may hold letters and digits only: `iot-eu` becomes `IotEu`. */
export function logicalId(name: string): string {
  return name
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
