//! YAML with places: [`node`] is the tree, [`parse`] reads it, [`write`] prints any value canonically, [`written`] reads that back
//! without places.
//!
//! Only `parse.rs` knows the parser's crate. Nothing here knows what a value means.

pub mod node;
pub mod parse;
pub mod write;
pub mod written;

pub use node::{Entry, Map, Node, Step, Value, dotted};
pub use parse::{ParseError, parse, parse_all};
