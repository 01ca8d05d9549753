//! The pipeline: one module per stage, one type per stage that only it can make.

pub mod component;
pub mod environment;
pub mod repository;
pub mod source;
pub mod template;
