//! Metrics as text, written by `prometheus-client`.
//!
//! That library writes OpenMetrics, in which a counter's family is named without `_total`. Prometheus' own format, which
//! is older and read by more programs, has the suffix in the family's name as well, and no `# EOF`.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text},
    metrics::MetricType,
    registry::Registry,
};
use sightline_core::{
    histogram::{BOUNDS_MICROS, HistogramSnapshot},
    operations::{MetricFamily, MetricKind, MetricSample, MetricValue},
};

const MICROS_PER_SECOND: f64 = 1e6;

/// A format of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus' text format 0.0.4.
    Prometheus,
}

impl Format {
    /// As `Content-Type` has it.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// Why metrics have no form as text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExposeError {
    #[error("the metric {family} has a value of another kind than it says; this is an error in Sightline")]
    Kind { family: &'static str },
    #[error("the metrics cannot be written as text")]
    Text,
}

/// `families` as text in `format`.
pub(super) fn expose(families: Vec<MetricFamily>, format: Format) -> Result<String, ExposeError> {
    if let Some(family) = families.iter().find(|family| !family.samples.iter().all(|sample| fits(family.kind, sample)))
    {
        return Err(ExposeError::Kind { family: family.name });
    }
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Families { families, format }));
    let mut written = String::new();
    let outcome = match format {
        Format::OpenMetrics => text::encode(&mut written, &registry),
        Format::Prometheus => text::encode_registry(&mut written, &registry),
    };
    outcome.map(|()| written).map_err(|fmt::Error| ExposeError::Text)
}

const fn fits(kind: MetricKind, sample: &MetricSample) -> bool {
    matches!(
        (kind, sample.value),
        (MetricKind::Counter, MetricValue::Count(_))
            | (MetricKind::Gauge, MetricValue::Gauge(_))
            | (MetricKind::Histogram, MetricValue::Histogram(_))
    )
}

/// The families of one scrape.
#[derive(Debug)]
struct Families {
    families: Vec<MetricFamily>,
    format: Format,
}

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        self.families.iter().try_for_each(|family| encode_family(family, self.format, &mut encoder))
    }
}

fn encode_family(family: &MetricFamily, format: Format, encoder: &mut DescriptorEncoder) -> fmt::Result {
    let (kind, suffix) = match (family.kind, format) {
        (MetricKind::Counter, Format::Prometheus) => (MetricType::Counter, "_total"),
        (MetricKind::Counter, Format::OpenMetrics) => (MetricType::Counter, ""),
        (MetricKind::Gauge, _) => (MetricType::Gauge, ""),
        (MetricKind::Histogram, _) => (MetricType::Histogram, ""),
    };
    let name = format!("{}{suffix}", family.name);
    let mut samples = encoder.encode_descriptor(&name, family.help, None, kind)?;
    for MetricSample { labels, value } in &family.samples {
        if labels.is_empty() {
            encode_value(*value, format, &mut samples)?;
        } else {
            let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
            encode_value(*value, format, &mut samples.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn encode_value(value: MetricValue, format: Format, encoder: &mut MetricEncoder) -> fmt::Result {
    match (value, format) {
        (MetricValue::Count(count), Format::OpenMetrics) => encoder.encode_counter::<NoLabelSet, _, f64>(&count, None),
        // A gauge's value is written under the family's own name, which has `_total` already.
        (MetricValue::Count(count), Format::Prometheus) => encoder.encode_gauge(&count),
        (MetricValue::Gauge(value), _) => encoder.encode_gauge(&value),
        (MetricValue::Histogram(snapshot), _) => {
            let sum_secs = snapshot.sum_micros as f64 / MICROS_PER_SECOND;
            encoder.encode_histogram::<NoLabelSet>(sum_secs, snapshot.count(), &buckets_by_seconds(&snapshot), None)
        }
    }
}

/// Upper bounds in seconds, the last infinite, and how many are in each bucket; the encoder adds them up.
fn buckets_by_seconds(snapshot: &HistogramSnapshot) -> Vec<(f64, u64)> {
    let bounds = BOUNDS_MICROS.iter().map(|micros| *micros as f64 / MICROS_PER_SECOND);
    bounds.chain([f64::INFINITY]).zip(snapshot.buckets).collect()
}
