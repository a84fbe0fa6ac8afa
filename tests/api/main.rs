//! The wire from outside: a client and a served vault in one process.

mod house;
mod streams;
mod unary;
