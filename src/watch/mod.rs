//! Observing the process: its tasks, its log, its metrics.
//!
//! | to do this | use |
//! |---|---|
//! | start a task or a thread | [`task::spawn`], [`task::thread`]: named, and a panic is reported |
//! | set up the log, once, in `main` or a command, and change its filter later | [`log::init`], [`log::Filter`] |
//! | keep the memory out of files | [`core_dumps::forbid`] |
//! | count something | [`Metrics`]: plain functions; [`Metrics::render`] is what a monitor scrapes |

pub mod core_dumps;
pub mod log;
mod metrics;
pub mod task;

pub use metrics::{CONTENT_TYPE as METRICS_CONTENT_TYPE, Metrics, RefusedConnection};
