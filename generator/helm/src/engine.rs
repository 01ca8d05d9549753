//! The engine of templates with Helm's functions, as rendering uses it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::functions::HelmFunctions;
use crate::render::{Engine, EngineError, text_of};
use crate::template::{Limits, ParsedFile, TemplateError, Templates};
use crate::value::Value;

/// Go's templates with all functions that Helm offers.
#[derive(Debug, Clone, Default)]
pub struct HelmEngine {
    templates: Arc<Templates>,
    limits: Limits,
    shared: Option<Arc<Parsed>>,
}

impl HelmEngine {
    /// An engine without templates. The bounds hold for each template that is executed.
    pub fn new(limits: Limits) -> HelmEngine {
        HelmEngine { templates: Arc::default(), limits, shared: None }
    }

    /// An engine without templates, which need not parse what another one that shares with it has parsed.
    pub fn sharing(limits: Limits, parsed: Arc<Parsed>) -> HelmEngine {
        HelmEngine { templates: Arc::default(), limits, shared: Some(parsed) }
    }
}

/// What was parsed, kept for other renderings of the same charts.
#[derive(Debug, Default)]
pub struct Parsed {
    files: Mutex<HashMap<FileKey, Arc<KnownFile>>>,
    sets: Mutex<Vec<Arc<Set>>>,
}

/// The name of a file, and where its bytes lie in memory.
type FileKey = (Arc<str>, usize);

/// A file that is parsed once, by whoever needs it first. The bytes are held, so that nothing else comes to lie where they do.
#[derive(Debug)]
struct KnownFile {
    data: Arc<[u8]>,
    parsed: OnceLock<Result<ParsedFile, Box<TemplateError>>>,
}

/// Files that are rendered together, with all templates that they come to.
#[derive(Debug)]
struct Set {
    files: Vec<(Arc<str>, Arc<[u8]>)>,
    templates: OnceLock<Result<Arc<Templates>, (usize, EngineError)>>,
}

impl Set {
    fn is(&self, files: &[(&str, &Arc<[u8]>)]) -> bool {
        self.files.len() == files.len()
            && self.files.iter().zip(files).all(|(one, other)| Arc::ptr_eq(&one.1, other.1) && *one.0 == *other.0)
    }
}

/// More sets of files are not kept: values that switch subcharts on and off make some, but not that many.
const SETS: usize = 256;

impl Parsed {
    /// All templates of some files, of which later ones win.
    fn templates(&self, files: &[(&str, &Arc<[u8]>)]) -> Result<Arc<Templates>, (usize, EngineError)> {
        let set = {
            let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
            match sets.iter().find(|set| set.is(files)) {
                Some(set) => Arc::clone(set),
                None => {
                    let files = files.iter().map(|(name, data)| (Arc::from(*name), Arc::clone(data))).collect();
                    let set = Arc::new(Set { files, templates: OnceLock::new() });
                    if sets.len() < SETS {
                        sets.push(Arc::clone(&set));
                    }
                    set
                }
            }
        };
        set.templates.get_or_init(|| self.parse(&set.files).map(Arc::new)).clone()
    }

    fn parse(&self, files: &[(Arc<str>, Arc<[u8]>)]) -> Result<Templates, (usize, EngineError)> {
        let mut templates = Templates::new();
        for (at, (name, data)) in files.iter().enumerate() {
            let known = {
                let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
                let key = (Arc::clone(name), data.as_ptr() as usize);
                let new = || Arc::new(KnownFile { data: Arc::clone(data), parsed: OnceLock::new() });
                Arc::clone(files.entry(key).or_insert_with(new))
            };
            let parsed = known.parsed.get_or_init(|| ParsedFile::new(name, &text_of(&known.data), &HelmFunctions));
            match parsed {
                Ok(file) => templates.add(file),
                Err(error) => return Err((at, error.clone().into())),
            }
        }
        Ok(templates)
    }
}

impl Engine for HelmEngine {
    fn parse(&mut self, name: &str, text: &str) -> Result<(), EngineError> {
        Ok(Arc::make_mut(&mut self.templates).parse(name, text, &HelmFunctions)?)
    }

    fn parse_all(&mut self, files: &[(&str, &Arc<[u8]>)]) -> Result<(), (usize, EngineError)> {
        match &self.shared {
            Some(shared) => self.templates = shared.templates(files)?,
            None => {
                for (at, (name, data)) in files.iter().enumerate() {
                    self.parse(name, &text_of(data)).map_err(|error| (at, error))?;
                }
            }
        }
        Ok(())
    }

    fn execute(&mut self, name: &str, data: &Value) -> Result<String, EngineError> {
        Ok(self.templates.execute(name, data, &HelmFunctions, self.limits)?)
    }
}

impl From<Box<TemplateError>> for EngineError {
    fn from(error: Box<TemplateError>) -> EngineError {
        EngineError { message: error.message.clone(), said: None, source: Some(error) }
    }
}
