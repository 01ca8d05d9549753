//! The one integration binary: every file beside it is a module of it (`architecture.rs` checks that).
#![allow(clippy::disallowed_methods, reason = "tests make files and run programs")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]
#![allow(missing_docs)]

mod architecture;
mod argocd_schema;
mod bootstrap;
mod chart_store;
mod charts;
mod cli;
mod combinations;
mod commit;
mod components;
mod contributions;
mod crash;
mod crd_rules;
mod delivery;
mod determinism;
mod docs;
mod faults;
mod golden;
mod hostile;
mod kubernetes_schema;
mod mistakes;
mod objects;
mod permissions;
mod placement;
mod platform;
mod references;
mod review;
mod review_rules;
mod scaffolds;
mod support;
mod trees;
mod upstream_values;
