//! Values with memory: [`overlay`] lays one tree over another and keeps who lost, [`schema`] checks a tree
//! and fills in defaults, [`facts`] know what charts and custom resources take, [`path`] names a place in a tree,
//! [`edit`] says what differs between two.

pub mod edit;
pub mod facts;
pub mod overlay;
pub mod path;
pub mod schema;
