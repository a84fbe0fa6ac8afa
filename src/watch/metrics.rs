//! What a monitor sees: numbers, and labels from closed sets. Never an id, a name or content.

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// The content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The counters and gauges of this process, in the OpenMetrics text format under the prefix `subrosa_`.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    wal_bytes: Family<DatabaseLabel, Size>,
    queued_bytes: Family<DatabaseLabel, Size>,
    queued_works: Family<DatabaseLabel, Size>,
    records_appended: Counter,
    records_read: Counter,
    findings: Family<ClassLabel, Counter>,
    calls: Family<CallLabel, Counter>,
    append_seconds: Histogram,
    expiry_lag: Gauge<f64, AtomicU64>,
    expiry_overdue: Size,
    buckets_destroyed: Counter,
    records_swept: Counter,
    cached_keys: Size,
    connections: Size,
    connections_refused: Family<CauseLabel, Counter>,
    reloads: Family<OutcomeLabel, Counter>,
    audit_unsigned: Size,
    serving: Size,
    down: Family<DownLabel, Size>,
}

type Size = Gauge<i64, AtomicI64>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DatabaseLabel {
    database: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DownLabel {
    database: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabel {
    class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabel {
    method: &'static str,
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CauseLabel {
    cause: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

/// Why a connection was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedConnection {
    /// Its source has as many as it may.
    Source,
    /// It did not shake hands, or not in time.
    Handshake,
    /// The system accepted none, such as for want of file descriptors.
    System,
}

impl RefusedConnection {
    fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Handshake => "handshake",
            Self::System => "system",
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Returns counters that stand at zero.
    pub fn new() -> Self {
        let append_buckets = exponential_buckets(0.000_5, 2.0, 15);
        let mut metrics = Self {
            registry: Registry::with_prefix("subrosa"),
            wal_bytes: Family::default(),
            queued_bytes: Family::default(),
            queued_works: Family::default(),
            records_appended: Counter::default(),
            records_read: Counter::default(),
            findings: Family::default(),
            calls: Family::default(),
            append_seconds: Histogram::new(append_buckets),
            expiry_lag: Gauge::default(),
            expiry_overdue: Gauge::default(),
            buckets_destroyed: Counter::default(),
            records_swept: Counter::default(),
            cached_keys: Gauge::default(),
            connections: Gauge::default(),
            connections_refused: Family::default(),
            reloads: Family::default(),
            audit_unsigned: Gauge::default(),
            serving: Gauge::default(),
            down: Family::default(),
        };
        metrics.register_traffic();
        metrics.register_state();
        metrics
    }

    /// Sets the size of a database's write-ahead log.
    pub fn set_wal_bytes(&self, database: &'static str, bytes: u64) {
        self.wal_bytes.get_or_create(&DatabaseLabel { database }).set(signed(bytes));
    }

    /// Sets how much work waits for a database's writer.
    pub fn set_queue(&self, database: &'static str, works: u64, bytes: u64) {
        self.queued_works.get_or_create(&DatabaseLabel { database }).set(signed(works));
        self.queued_bytes.get_or_create(&DatabaseLabel { database }).set(signed(bytes));
    }

    /// Counts records that became durable, and how long their call took.
    pub fn appended(&self, records: u64, took: Duration) {
        self.records_appended.inc_by(records);
        self.append_seconds.observe(took.as_secs_f64());
    }

    /// Counts records that left the vault.
    pub fn read(&self, records: u64) {
        self.records_read.inc_by(records);
    }

    /// Counts values of one class that were redacted.
    pub fn redacted(&self, class: &'static str, values: u64) {
        self.findings.get_or_create(&ClassLabel { class }).inc_by(values);
    }

    /// Counts a call that was answered. `method` is a name from the table of permissions, never one that a client made up;
    /// `code` is the name of a gRPC code.
    pub fn called(&self, method: &'static str, code: &'static str) {
        self.calls.get_or_create(&CallLabel { method, code }).inc();
    }

    /// Sets how late expiry is, and how many bucket keys are overdue.
    pub fn set_expiry(&self, lag: Duration, overdue: u64) {
        self.expiry_lag.set(lag.as_secs_f64());
        self.expiry_overdue.set(signed(overdue));
    }

    /// Counts what expiry did.
    pub fn expired(&self, buckets: u64, records: u64) {
        self.buckets_destroyed.inc_by(buckets);
        self.records_swept.inc_by(records);
    }

    /// Sets how many data keys are in memory.
    pub fn set_cached_keys(&self, keys: u64) {
        self.cached_keys.set(signed(keys));
    }

    /// Sets how many connections are open.
    pub fn set_connections(&self, open: u64) {
        self.connections.set(signed(open));
    }

    /// Counts a connection that was turned away.
    pub fn connection_refused(&self, why: RefusedConnection) {
        self.connections_refused.get_or_create(&CauseLabel { cause: why.as_str() }).inc();
    }

    /// Counts that configuration or certificates were read again, and whether they could be used.
    pub fn reloaded(&self, used: bool) {
        let outcome = if used { "used" } else { "refused" };
        self.reloads.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// Sets how many audit entries no signed checkpoint covers yet.
    pub fn set_audit_unsigned(&self, entries: u64) {
        self.audit_unsigned.set(signed(entries));
    }

    /// Sets whether the vault serves.
    pub fn set_serving(&self, serving: bool) {
        self.serving.set(i64::from(serving));
    }

    /// Sets which database cannot be used, and the reason, or that all can.
    pub fn set_down(&self, down: Option<(&'static str, &'static str)>) {
        self.down.clear();
        if let Some((database, reason)) = down {
            self.down.get_or_create(&DownLabel { database, reason }).set(1);
        }
    }

    /// Returns everything in the OpenMetrics text format.
    pub fn render(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(std::fmt::Error) => "# EOF\n".to_owned(),
        }
    }

    fn register_traffic(&mut self) {
        let r = &mut self.registry;
        r.register("records_appended", "Records that became durable", self.records_appended.clone());
        r.register("records_read", "Records that left the vault", self.records_read.clone());
        r.register("findings", "Values that were redacted, by class", self.findings.clone());
        r.register(
            "calls",
            "Calls answered, by method and gRPC code; a stream counts by how it began",
            self.calls.clone(),
        );
        r.register_with_unit(
            "append",
            "How long an append took until it was durable",
            Unit::Seconds,
            self.append_seconds.clone(),
        );
        r.register("connections", "Open gRPC connections", self.connections.clone());
        r.register("connections_refused", "Connections turned away, by cause", self.connections_refused.clone());
        r.register("reloads", "Times that configuration or certificates were read again", self.reloads.clone());
        r.register("audit_unsigned_entries", "Audit entries after the last checkpoint", self.audit_unsigned.clone());
    }

    fn register_state(&mut self) {
        let r = &mut self.registry;
        r.register_with_unit("wal", "Size of the write-ahead log", Unit::Bytes, self.wal_bytes.clone());
        r.register_with_unit("queue", "Work that waits for the writer", Unit::Bytes, self.queued_bytes.clone());
        r.register("queue_works", "Pieces of work that wait for the writer", self.queued_works.clone());
        r.register_with_unit("expiry_lag", "How late expiry is", Unit::Seconds, self.expiry_lag.clone());
        r.register("expiry_overdue_buckets", "Bucket keys that should be gone", self.expiry_overdue.clone());
        r.register("expiry_destroyed_buckets", "Bucket keys destroyed by expiry", self.buckets_destroyed.clone());
        r.register("expiry_swept_records", "Expired records swept", self.records_swept.clone());
        r.register("cached_keys", "Data keys in memory", self.cached_keys.clone());
        r.register("down", "1 for a database that cannot be used, with the reason", self.down.clone());
        r.register("serving", "1 while the vault serves", self.serving.clone());
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_rendered() {
        let metrics = Metrics::new();
        metrics.set_wal_bytes("vault", 4096);
        metrics.appended(3, Duration::from_millis(2));
        metrics.appended(4, Duration::from_millis(2));
        metrics.called("ReadConversation", "PermissionDenied");
        metrics.set_expiry(Duration::from_millis(1500), 2);
        metrics.set_serving(true);
        metrics.set_down(Some(("vault", "DISK_FULL")));
        metrics.set_down(Some(("keys", "STORE_REPLACED")));
        let text = metrics.render();
        for line in [
            "subrosa_wal_bytes{database=\"vault\"} 4096",
            "subrosa_records_appended_total 7",
            "subrosa_append_seconds_count 2",
            "subrosa_calls_total{method=\"ReadConversation\",code=\"PermissionDenied\"} 1",
            "subrosa_expiry_lag_seconds 1.5",
            "subrosa_expiry_overdue_buckets 2",
            "subrosa_serving 1",
            "subrosa_down{database=\"keys\",reason=\"STORE_REPLACED\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("reason=\"DISK_FULL\""), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }
}
