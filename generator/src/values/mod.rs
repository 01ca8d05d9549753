//! Values with memory: [`overlay`] lays one tree over another and keeps who lost, [`schema`] checks a tree
//! and fills in defaults, [`path`] names a place in a tree.

pub mod overlay;
pub mod path;
pub mod schema;
