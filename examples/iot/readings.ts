const encoder = new TextEncoder();
const DEVICES = 2_000;
const TYPES = ['temperature', 'humidity', 'pressure', 'air-quality'];
const STATUSES = ['online', 'online', 'online', 'online', 'offline', 'maintenance', 'degraded'];

/**
 * The n-th reading as a sensor sends it, about 260 bytes of JSON with the fields most sensors fill. The same `index`
 * and `sentAt` (ms since the epoch) give the same bytes.
 */
export function reading(index: number, sentAt: number): Uint8Array {
  const device = mix(index) % DEVICES;
  const wave = Math.sin(index / 500);
  return encoder.encode(
    `{"sensorId":"sensor-${String(device).padStart(6, '0')}","sensorType":"${pick(TYPES, device)}"` +
      `,"customer_id":"cust-${device % 40}","site_id":"site-${device % 200}"` +
      `,"metadata":{"latitude":${(47 + (device % 700) / 100).toFixed(2)},"longitude":${(6 + (device % 900) / 100).toFixed(2)}}` +
      `,"timestamp":${sentAt},"temperature":${(20 + 5 * wave).toFixed(2)},"humidity":${(50 + 20 * wave).toFixed(1)}` +
      `,"pressure":${(1013 + 8 * wave).toFixed(1)},"batteryLevel":${(100 - (index % 1000) / 10).toFixed(1)},"status":"${pick(STATUSES, mix(index + 7))}"}`,
  );
}

function pick(values: readonly string[], number: number): string {
  return values[number % values.length] ?? '';
}

/** Spreads neighbouring numbers (the finaliser of MurmurHash3). */
function mix(number: number): number {
  let hash = number | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
