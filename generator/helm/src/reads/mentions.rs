//! The names that templates know.

use std::collections::HashSet;
use std::sync::Arc;

use crate::chart::Chart;
use crate::functions::HelmFunctions;
use crate::template;
use crate::value::Value;

/// Names that stand in templates as fields, or within texts there, which may be keys as well (`get .Values "key"`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    names: HashSet<Arc<str>>,
    /// Parts of names that `printf` puts together.
    parts: HashSet<Arc<str>>,
}

/// Files that no template can be in are not looked through beyond this.
const FILE: usize = 1 << 20;

impl Mentions {
    /// What the templates of a chart mention, without its subcharts. What named templates mention, which other charts may use as
    /// well, comes to `shared`.
    pub(super) fn of(chart: &Chart, shared: &mut Mentions) -> Mentions {
        let mut own = Mentions::default();
        for file in &chart.templates {
            let Ok(text) = std::str::from_utf8(&file.data) else { continue };
            let seen = template::names(&file.name, text, &HelmFunctions, &mut |name, defined, literal| {
                let to = if defined { &mut *shared } else { &mut own };
                if literal { to.text(name) } else { to.name(name) }
            });
            if !seen {
                own.text(text);
            }
        }
        // What `tpl (.Files.Get …)` would run.
        for file in chart.files.iter().filter(|file| file.data.len() < FILE && !file.name.ends_with(".md")) {
            if let Ok(text) = std::str::from_utf8(&file.data)
                && text.contains("{{")
            {
                own.text(text);
            }
        }
        own
    }

    /// Whether a name is mentioned.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name) || self.parts.iter().any(|part| name.starts_with(&**part) || name.ends_with(&**part))
    }

    pub(super) fn extend(&mut self, other: Mentions) {
        self.names.extend(other.names);
        self.parts.extend(other.parts);
    }

    fn name(&mut self, name: &str) {
        if !self.names.contains(name) {
            self.names.insert(name.into());
        }
    }

    /// A text as a whole, its words, and what is left of it where something is put into it.
    fn text(&mut self, text: &str) {
        if text.len() < 200 {
            self.name(text);
        }
        let word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
        let mut from = text;
        while let Some(start) = from.find(|letter| word(letter) || letter == '%') {
            from = &from[start..];
            let end = from.find(|letter| !word(letter) && letter != '%').unwrap_or(from.len());
            let (found, rest) = from.split_at(end);
            from = rest;
            if !found.contains('%') {
                self.name(found);
                continue;
            }
            // `%s` and its kin are one letter.
            for (at, part) in found.split('%').enumerate() {
                let part = if at == 0 { part } else { part.get(1..).unwrap_or_default() };
                if part.len() > 2 {
                    self.parts.insert(part.into());
                }
            }
        }
    }

    /// The texts in values, which may be names of keys, or templates.
    pub(super) fn texts(&mut self, value: &Value) {
        match value {
            Value::String(text) if text.len() < 100 || text.contains("{{") => self.text(text),
            Value::Map(map) => map.entries().values().for_each(|value| self.texts(value)),
            Value::List(list) => list.iter().for_each(|value| self.texts(value)),
            _ => {}
        }
    }
}

impl Chart {
    /// The names that the chart's own templates mention: fields, and words of the texts in their actions.
    pub fn mentions(&self) -> Mentions {
        let mut shared = Mentions::default();
        let mut mentions = Mentions::of(self, &mut shared);
        mentions.extend(shared);
        mentions
    }
}
