import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { METRICS, type MetricName } from './metric-names.ts';

const UNITS: Partial<Record<MetricName, 'Seconds'>> = {
  [METRICS.oldestUncommitted]: MetricUnit.Seconds,
  [METRICS.checkpointAge]: MetricUnit.Seconds,
};

/**
 * Writes one EMF line with those values that are not zero, and none when all are. Properties (the partition) can be
 * queried in the logs; as dimensions each would be a metric of its own, and cost more than the pipeline.
 */
export function publishMetrics(
  pipeline: string,
  values: Partial<Record<MetricName, number>>,
  properties: Readonly<Record<string, string>> = {},
): void {
  // Namespace and service come from the POWERTOOLS_ variables. One object a call: nothing is left for the next invocation.
  const metrics = new Metrics({ defaultDimensions: { pipeline } });
  for (const name of Object.values(METRICS)) {
    const value = values[name];
    if (value) metrics.addMetric(name, UNITS[name] ?? MetricUnit.Count, value);
  }
  if (!metrics.hasStoredMetrics()) return;
  for (const [key, value] of Object.entries(properties)) metrics.addMetadata(key, value);
  metrics.publishStoredMetrics();
}
