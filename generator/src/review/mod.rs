//! What a change does to what runs: two rendered trees, compared object by object. Pure; `cli::diff` prints it.

pub mod model;
