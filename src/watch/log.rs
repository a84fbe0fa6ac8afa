//! The log: to standard error, and made so that content does not get into it by accident.
//!
//! Two rules stand in front of every line, whatever `log.filter` says:
//!
//! - Libraries log at `info` and above only. At `trace` and `debug`, h2 and hyper print headers, among them credentials,
//!   and rustls and SQLite print what passes through them.
//! - An event or span of our own with a field named like content or a secret ([`FORBIDDEN_FIELDS`]) is dropped whole. A test
//!   reads the source for such fields, so that no line is dropped that somebody counts on.

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, ParseError, filter_fn};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry};

use crate::config::{Log, LogFormat};

/// Names that no field of a log line may have.
pub const FORBIDDEN_FIELDS: &[&str] = &[
    "api_key",
    "arguments",
    "authorization",
    "body",
    "content",
    "credential",
    "headers",
    "labels",
    "metadata",
    "note",
    "passphrase",
    "password",
    "plaintext",
    "secret",
    "subject",
    "text",
    "token",
];

/// Why the log cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// `log.filter` does not parse.
    #[error("log.filter: {0}")]
    Filter(#[from] ParseError),
    /// A log is set up already.
    #[error("the log is set up already")]
    Twice,
    /// The log that the filter belongs to is gone.
    #[error("the log is gone")]
    Gone,
}

/// The filter of a log that is set up.
#[derive(Debug, Clone)]
pub struct Filter(reload::Handle<EnvFilter, Registry>);

impl Filter {
    /// Replaces it by `log.filter` of `config`.
    ///
    /// # Errors
    ///
    /// The filter does not parse; the log goes on as it was.
    pub fn set(&self, config: &Log) -> Result<(), LogError> {
        self.0.reload(EnvFilter::try_new(&config.filter)?).map_err(|_| LogError::Gone)
    }
}

/// Tells whether a log could be set up like this.
///
/// # Errors
///
/// The filter does not parse.
pub fn check(config: &Log) -> Result<(), LogError> {
    Ok(EnvFilter::try_new(&config.filter).map(drop)?)
}

/// Sets up the log of this process, and returns its filter.
///
/// # Errors
///
/// The filter does not parse, or there is a log already.
pub fn init(config: &Log) -> Result<Filter, LogError> {
    let (subscriber, filter) = subscriber(config, std::io::stderr)?;
    subscriber.try_init().map_err(|_| LogError::Twice)?;
    Ok(filter)
}

/// Returns what `init` installs, writing to `writer`.
fn subscriber<W>(config: &Log, writer: W) -> Result<(impl Subscriber + Send + Sync + 'static, Filter), LogError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (wanted, handle) = reload::Layer::new(EnvFilter::try_new(&config.filter)?);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match config.format {
        LogFormat::Human => fmt::layer().with_ansi(false).with_writer(writer).boxed(),
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(writer).boxed(),
    };
    let registry = tracing_subscriber::registry().with(layer.with_filter(wanted.and(filter_fn(may_be_logged))));
    Ok((registry, Filter(handle)))
}

/// Tells whether a line may be written at all, by what is known of it before it has values.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    if !is_ours(metadata.target()) {
        return *metadata.level() <= Level::INFO;
    }
    !metadata.fields().iter().any(|field| FORBIDDEN_FIELDS.contains(&field.name()))
}

fn is_ours(target: &str) -> bool {
    target == "subrosa" || target.starts_with("subrosa::")
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter: &str, format: LogFormat, act: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let config = Log { filter: filter.to_owned(), format };
        let (subscriber, _) = subscriber(&config, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, act);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn libraries_stay_silent_below_info_whatever_the_filter_says() {
        for filter in ["trace", "h2=trace,hyper=trace,tonic=debug,rustls=trace,rusqlite=trace,log=trace,subrosa=trace"]
        {
            let text = logged(filter, LogFormat::Human, || {
                tracing::trace!(target: "h2::codec::framed_read", "LEAK");
                tracing::debug!(target: "hyper::proto", "LEAK");
                tracing::debug!(target: "tonic::transport", "LEAK");
                tracing::debug!(target: "rustls::client", "LEAK");
                tracing::trace!(target: "log", "LEAK");
                tracing::debug!(target: "subrosax", "LEAK");
                tracing::warn!(target: "hyper::proto", "warned");
                tracing::trace!(target: "subrosa::vault", "ours");
            });
            assert!(!text.contains("LEAK"), "{text}");
            assert!(text.contains("ours"), "{text}");
            assert_eq!(text.contains("warned"), filter == "trace" || filter.contains("hyper"), "{text}");
        }
    }

    #[test]
    fn a_field_named_like_content_drops_the_line() {
        let text = logged("trace", LogFormat::Json, || {
            tracing::info!(target: "subrosa::vault", text = "LEAK", "a record");
            tracing::error!(target: "subrosa::access", token = "LEAK", "a login");
            tracing::info!(target: "subrosa::vault", records = 3, "appended");
        });
        assert!(!text.contains("LEAK"), "{text}");
        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(line["records"], 3);
        assert_eq!(line["message"], "appended");
    }

    #[test]
    fn a_filter_is_replaced_and_a_bad_one_changes_nothing() {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = |filter: &str| Log { filter: filter.to_owned(), format: LogFormat::Human };
        let (subscriber, filter) = subscriber(&log("warn"), move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "subrosa::vault", "before");
            filter.set(&log("subrosa=info")).unwrap();
            tracing::info!(target: "subrosa::vault", "between");
            assert!(filter.set(&log("subrosa=loud")).is_err());
            tracing::info!(target: "subrosa::vault", "after");
            filter.set(&log("trace")).unwrap();
            tracing::trace!(target: "h2", "LEAK");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(!text.contains("before") && text.contains("between") && text.contains("after"), "{text}");
        assert!(!text.contains("LEAK"), "{text}");
    }

    #[test]
    fn a_filter_that_does_not_parse_is_refused() {
        let config = Log { filter: "subrosa=loud".to_owned(), format: LogFormat::Human };
        assert!(matches!(subscriber(&config, io::sink), Err(LogError::Filter(_))));
    }

    /// Returns the arguments of every `tracing` macro in Rust source, with texts taken out.
    fn calls_in(source: &str) -> Vec<String> {
        let texts = regex::Regex::new(r#""(?:[^"\\]|\\.)*""#).unwrap();
        let starts = regex::Regex::new(r"\b(?:info|warn|error|debug|trace|event|span|info_span)!\(").unwrap();
        let source = texts.replace_all(source, "");
        let arguments = |from: usize| {
            let mut open = 1;
            let inside = source[from..].chars().take_while(|c| {
                open += i32::from(*c == '(') - i32::from(*c == ')');
                open > 0
            });
            inside.collect()
        };
        starts.find_iter(&source).map(|start| arguments(start.end())).collect()
    }

    /// Returns the names of fields in a macro's arguments, as far as they are forbidden.
    fn forbidden_in(arguments: &str) -> Vec<&str> {
        let names = arguments.split(',').map(|argument| argument.split('=').next().unwrap_or_default());
        let names = names.map(|name| name.trim().trim_start_matches(['%', '?']));
        names.filter(|name| FORBIDDEN_FIELDS.contains(name)).collect()
    }

    #[test]
    fn no_line_of_ours_has_a_forbidden_field() {
        let sample = r#"a(warn!(n = f(3), %token, "text, body"), text); info!(target: "x", body = ?x)"#;
        let found: Vec<_> = calls_in(sample).iter().map(|call| forbidden_in(call).join(" ")).collect();
        assert_eq!(found, ["token", "body"]);
        let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
        let mut calls = 0;
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension() == Some("rs".as_ref()) && !path.ends_with("watch/log.rs") {
                    for call in calls_in(&std::fs::read_to_string(&path).unwrap()) {
                        calls += 1;
                        assert!(forbidden_in(&call).is_empty(), "{}: {call}", path.display());
                    }
                }
            }
        }
        assert!(calls > 5, "the calls were not found: {calls}");
    }

    #[test]
    fn the_forbidden_names_are_in_order() {
        assert!(FORBIDDEN_FIELDS.is_sorted());
    }
}
