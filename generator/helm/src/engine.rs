//! The engine of templates with Helm's functions, as rendering uses it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::functions::HelmFunctions;
use crate::reads::Tracer;
use crate::render::{Engine, EngineError, text_of};
use crate::template::{Limits, ParsedFile, TemplateError, Templates};
use crate::value::Value;

/// Go's templates with all functions that Helm offers.
#[derive(Debug, Clone, Default)]
pub struct HelmEngine {
    templates: Arc<Templates>,
    limits: Limits,
    shared: Option<Arc<Parsed>>,
    allow_random: bool,
}

impl HelmEngine {
    /// An engine without templates. The bounds hold for each template that is executed.
    pub fn new(limits: Limits) -> HelmEngine {
        HelmEngine { templates: Arc::default(), limits, shared: None, allow_random: false }
    }

    /// An engine without templates, which need not parse what another one that shares with it has parsed.
    pub fn sharing(limits: Limits, parsed: Arc<Parsed>) -> HelmEngine {
        HelmEngine { templates: Arc::default(), limits, shared: Some(parsed), allow_random: false }
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
    #[expect(dead_code, reason = "it is held, and not read")]
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
        let mut same = Same::default();
        for (at, (name, data)) in files.iter().enumerate() {
            let known = {
                let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
                let key = (Arc::clone(name), data.as_ptr() as usize);
                let new = || Arc::new(KnownFile { data: Arc::clone(data), parsed: OnceLock::new() });
                Arc::clone(files.entry(key).or_insert_with(new))
            };
            let parsed = known.parsed.get_or_init(|| same.parse(name, data));
            match parsed {
                Ok(file) => templates.add(file),
                Err(error) => return Err((at, error.clone().into())),
            }
        }
        Ok(templates)
    }
}

/// Files that were parsed, by how long they are. Charts that are made of charts hold many a file more than once.
#[derive(Default)]
struct Same<'f>(HashMap<usize, Vec<Seen<'f>>>);

/// The name of a file, what it holds, and what came of it.
type Seen<'f> = (&'f str, &'f [u8], ParsedFile);

impl<'f> Same<'f> {
    fn parse(&mut self, name: &'f str, data: &'f [u8]) -> Result<ParsedFile, Box<TemplateError>> {
        let known = self.0.entry(data.len()).or_default();
        let same = known.iter().find(|(_, other, _)| *other == data);
        if let Some(renamed) = same.and_then(|(other, _, file)| file.renamed(other, name)) {
            return Ok(renamed);
        }
        let file = ParsedFile::new(name, &text_of(data), &HelmFunctions)?;
        known.push((name, data, file.clone()));
        Ok(file)
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
                let templates = Arc::make_mut(&mut self.templates);
                let mut same = Same::default();
                for (at, (name, data)) in files.iter().enumerate() {
                    templates.add(&same.parse(name, data).map_err(|error| (at, error.into()))?);
                }
            }
        }
        Ok(())
    }

    fn execute(&mut self, name: &str, data: &Value) -> Result<String, EngineError> {
        Ok(self.templates.execute_with(name, data, &HelmFunctions, self.limits, self.allow_random, None)?)
    }

    fn allow_random(&mut self, allow: bool) {
        self.allow_random = allow;
    }

    fn execute_traced(&mut self, name: &str, data: &Value, tracer: &mut Tracer) -> Option<Result<String, EngineError>> {
        let done =
            self.templates.execute_with(name, data, &HelmFunctions, self.limits, self.allow_random, Some(tracer));
        Some(done.map_err(EngineError::from))
    }
}

impl From<Box<TemplateError>> for EngineError {
    fn from(error: Box<TemplateError>) -> EngineError {
        EngineError { message: error.message.clone(), said: None, source: Some(error) }
    }
}
