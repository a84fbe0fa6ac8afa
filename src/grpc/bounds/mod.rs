//! How much a call may hold: the sizes of messages, and one budget of memory for all calls of the process.
//!
//! | to see | look in |
//! |---|---|
//! | what one message of a method may be | `table` |
//! | how many fields a message has, before it is decoded | `fields` |
//! | what all calls together may hold | `budget` |
//! | how a request's body is held to both | `body` |

mod body;
mod budget;
mod fields;
mod table;

pub use body::{Bounded, Charged};
pub use budget::Budget;
pub(super) use table::STREAM_WINDOW;

pub(super) use budget::{Account, Charge, Held, held, held_by};
pub(super) use table::{Bounds, Reserve, bounds, largest, open_bounds};
