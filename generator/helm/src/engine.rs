//! The engine of templates with Helm's functions, as rendering uses it.

use std::sync::Arc;

use crate::functions::HelmFunctions;
use crate::reads::Tracer;
use crate::render::{Engine, EngineError};
use crate::template::{Limits, TemplateError, Templates};
use crate::value::Value;

/// Go's templates with all functions that Helm offers.
#[derive(Debug, Clone, Default)]
pub struct HelmEngine {
    templates: Arc<Templates>,
    limits: Limits,
}

impl HelmEngine {
    /// An engine without templates. The bounds hold for each template that is executed.
    pub fn new(limits: Limits) -> HelmEngine {
        HelmEngine { templates: Arc::default(), limits }
    }
}

impl Engine for HelmEngine {
    fn parse(&mut self, name: &str, text: &str) -> Result<(), EngineError> {
        Ok(Arc::make_mut(&mut self.templates).parse(name, text, &HelmFunctions)?)
    }

    fn execute(&mut self, name: &str, data: &Value) -> Result<String, EngineError> {
        Ok(self.templates.execute(name, data, &HelmFunctions, self.limits)?)
    }

    fn execute_traced(&mut self, name: &str, data: &Value, tracer: &mut Tracer) -> Option<Result<String, EngineError>> {
        let done = self.templates.execute_traced(name, data, &HelmFunctions, self.limits, tracer);
        Some(done.map_err(EngineError::from))
    }
}

impl From<Box<TemplateError>> for EngineError {
    fn from(error: Box<TemplateError>) -> EngineError {
        EngineError { message: error.message.clone(), said: None, source: Some(error) }
    }
}
