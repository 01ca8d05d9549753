//! The Kubernetes objects we write: Argo CD's types with the fields that we emit, any other object as a
//! [`manifest`], and the rules that Argo CD applies to them.

pub mod application;
pub mod cloudformation;
pub mod git_url;
pub mod go_glob;
pub mod manifest;
pub mod policy;
pub mod project_rules;
pub mod sync_wave;
