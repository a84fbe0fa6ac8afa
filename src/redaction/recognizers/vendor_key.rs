//! Keys that look like any hash, told by the name of their vendor before them: `DATADOG_API_KEY=…`, "my Heroku token is …".

use std::ops::Range;

use super::super::Class;
use super::super::explain::Stage;
use super::super::scan::View;
use super::Hit;
use super::secret::{assignment, entropy};
use super::secrets::families::Body;
use super::secrets::vendors::Shape;

/// Pushes the key that follows the vendor's name at `name`, if it has one of the vendor's `shapes`.
pub(crate) fn find(view: &View<'_>, shapes: &[Shape], name: &Range<usize>, hits: &mut Vec<Hit>) {
    let tail = view.bytes[name.end..].iter().take(MAX_TAIL).take_while(|byte| Body::Dotted.holds(**byte)).count();
    let tail = view.bytes[name.end..name.end + tail].iter().take_while(|byte| **byte != b'=').count();
    let assigned = assignment(view, name.end + tail);
    if !(assigned.strong || assigned.copula) {
        return;
    }
    let between = view.bytes[name.end..assigned.start].to_ascii_lowercase();
    let keyed = KEYED.iter().any(|word| memchr::memmem::find(&between, word.as_bytes()).is_some());
    let rest = &view.bytes[assigned.start..];
    let length =
        rest.iter().take(MAX_KEY + 1).take_while(|byte| Body::Dotted.holds(**byte) || b"+/".contains(byte)).count();
    let value = rest[..length].strip_suffix(b".").unwrap_or(&rest[..length]);
    if keyed && shapes.iter().any(|shape| shape.holds(value)) {
        hits.push(Hit {
            class: Class::Secret,
            rule: "vendor_key",
            score: 85,
            span: assigned.start..assigned.start + value.len(),
            stage: Stage::Cue,
            verdict: "vendor's name and form hold",
            word: None,
        });
    }
}

impl Shape {
    fn holds(&self, value: &[u8]) -> bool {
        match *self {
            Shape::Uuid => is_uuid(value),
            Shape::Run(body, least, most) => {
                let digits = value.iter().any(u8::is_ascii_digit);
                (least..=most).contains(&value.len())
                    && value.iter().all(|byte| body.holds(*byte))
                    && digits
                    && entropy(value) >= if body == Body::Digits { 2.0 } else { MIN_ENTROPY }
            }
        }
    }
}

/// Returns whether `value` is written as RFC 9562 writes a UUID.
pub(crate) fn is_uuid(value: &[u8]) -> bool {
    let hyphen = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| if hyphen(at) { *byte == b'-' } else { byte.is_ascii_hexdigit() })
}

/// Words of which one must stand between the vendor's name and the key.
const KEYED: [&str; 10] = ["key", "token", "secret", "auth", "pat", "api", "credential", "password", "access", "sid"];
/// Bytes of an identifier that may follow the vendor's name.
const MAX_TAIL: usize = 32;
/// The longest key of any vendor.
const MAX_KEY: usize = 96;
/// Bits a byte; words and repeated values stay below.
const MIN_ENTROPY: f64 = 3.0;
