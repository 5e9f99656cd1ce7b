/** The parameters of serverless.yml that decide more than one value; empty text means "not wanted". */
export interface Parameters {
  readonly service: string;
  readonly stage: string;
  readonly pipelines: string;
  readonly pulsarTokenFrom: string;
  readonly pulsarOauth2ClientSecretFrom: string;
  readonly pulsarTlsCaFrom: string;
  readonly pulsarTlsCertFrom: string;
  readonly pulsarTlsKeyFrom: string;
  readonly clickhousePasswordFrom: string;
  readonly clickhouseTlsCaFrom: string;
  readonly clickhouseTlsCertFrom: string;
  readonly clickhouseTlsKeyFrom: string;
  readonly subnetIds: string;
  readonly securityGroupIds: string;
  readonly kmsKeyArn: string;
  readonly alarmTopicArn: string;
  readonly dashboard: string;
  readonly tracing: string;
  readonly scheduleState: string;
}
