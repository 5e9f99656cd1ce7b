-- The reference workload's table: 25 columns, the position columns and the projection that answers questions about them.
-- `pulsehouse init` fills in the names; by hand: clickhouse-client --param_database=benchmark --param_table=sensors_local
CREATE DATABASE IF NOT EXISTS {database:Identifier};

CREATE TABLE IF NOT EXISTS {database:Identifier}.{table:Identifier}
(
    device_id String,
    device_type LowCardinality(String),
    customer_id LowCardinality(String),
    site_id LowCardinality(String),
    latitude Float64,
    longitude Float64,
    altitude Float64,
    time DateTime64(3),
    temperature Float64,
    humidity Float64,
    pressure Float64,
    co2_level Float64,
    noise_level Float64,
    light_level Float64,
    motion_detected UInt8,
    battery_level Float64,
    signal_strength Float64,
    memory_usage Float64,
    cpu_usage Float64,
    status UInt8,
    error_count UInt32,
    packets_sent UInt64,
    packets_received UInt64,
    bytes_sent UInt64,
    bytes_received UInt64,

    _partition UInt32,
    _ledger Int64,
    _entry Int64,
    _index UInt32,
    _row UInt32,

    PROJECTION _positions
    (
        SELECT _partition, _ledger, _entry, _index, _row
        ORDER BY _partition, _ledger, _entry, _index, _row
    )
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (device_id, time)
SETTINGS
    non_replicated_deduplication_window = 10000,
    lightweight_mutation_projection_mode = 'rebuild';
