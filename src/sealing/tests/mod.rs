//! Tests of the sealed formats through more than one module.

mod record;
mod wrap;
