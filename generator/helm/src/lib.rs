//! Renders Helm charts as `helm template` does: a chart, values, a release and what a cluster can do go in; objects in Helm's order,
//! hooks and notes come out. No Helm, no network, no clock, no chance: the same input gives the same bytes.

pub mod capabilities;
pub mod chart;
pub mod engine;
pub mod functions;
pub mod reads;
pub mod render;
pub mod template;
pub mod value;
pub mod yaml;
