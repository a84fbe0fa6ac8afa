//! The gate against a real store: who gets in, what is denied, and what the audit log says of it.

mod credentials;
mod house;
mod keys;
mod matrix;
mod scope;
