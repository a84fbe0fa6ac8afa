//! The world stops behind every step of every act, and the vault starts again.
//!
//! A step is a call that a store's writer gets: begin, each change, each entry, the commit, and the moment after it, of
//! either store. The real SQLite writers run behind a [`world::Switch`], which counts the steps of an act once and then
//! plays the act again and again, each time with the world stopped at another one; so no list of names can forget one.
//!
//! | to see | look in |
//! |---|---|
//! | how the world is stopped | `world` |
//! | what is compared before and after | `observe` |
//! | what must hold of the two files | `checks` |
//! | how the steps are gone through | `drill` |
//! | the acts | `acts` |
//! | what is left in memory | `memory` |

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod acts;
mod checks;
mod drill;
mod memory;
mod observe;
mod world;
