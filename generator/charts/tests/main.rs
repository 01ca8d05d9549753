//! Fetching from servers on this machine: good ones, and ones with every fault that networks have.
#![allow(clippy::disallowed_methods, reason = "tests make files and run programs")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]
#![allow(missing_docs)]

mod faults;
mod logins;
mod oci;
mod registry;
mod repository;
mod server;
mod support;
mod tls;
