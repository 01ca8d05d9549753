//! Executes templates.

use std::marker::PhantomData;

use super::FunctionError;
use crate::value::Value;

/// A running execution. Functions are handed it, so that `include` and `tpl` can run templates.
pub struct Exec<'a> {
    templates: PhantomData<&'a ()>,
}

impl Exec<'_> {
    /// Helm's `include`: what a named template gives for this value.
    pub fn include(&mut self, _name: &str, _data: &Value) -> Result<String, FunctionError> {
        Err("not yet".into())
    }

    /// Helm's `tpl`: what a text gives as a template, which sees all named templates and may define its own.
    pub fn tpl(&mut self, _text: &str, _data: &Value) -> Result<String, FunctionError> {
        Err("not yet".into())
    }
}
