//! `.Files`.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;

use super::{File, glob::Glob, text};
use crate::value::{Object, Value};

/// The files of a chart that are no templates, as templates see them.
#[derive(Debug)]
pub(crate) struct Files {
    files: BTreeMap<Arc<str>, Arc<[u8]>>,
}

impl Files {
    pub(crate) fn new(files: &[File]) -> Files {
        let files = files.iter().map(|file| (Arc::from(file.name.as_str()), Arc::clone(&file.data))).collect();
        Files { files }
    }

    fn read(&self, name: &str) -> Result<&str, String> {
        match self.files.get(name) {
            None => Ok(""),
            Some(data) => string(name, data),
        }
    }
}

/// Text of the engine is UTF-8. Helm would pass the bytes on; to change them silently would be worse than to say so.
fn string<'a>(name: &str, data: &'a [u8]) -> Result<&'a str, String> {
    std::str::from_utf8(data).map_err(|_| format!("{name} is not UTF-8, and only AsSecrets can take such files in"))
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

impl Object for Files {
    fn kind(&self) -> &'static str {
        "engine.files"
    }

    fn field(&self, name: &str) -> Option<Value> {
        // A map of Go: what is no method is a key.
        Some(self.files.get(name).and_then(|data| string(name, data).ok()).map_or(Value::Nil, Value::from))
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
        let wanted = match name {
            "Get" | "GetBytes" | "Glob" | "Lines" => 1,
            "AsConfig" | "AsSecrets" => 0,
            _ => return None,
        };
        if arguments.len() != wanted {
            let got = arguments.len();
            return Some(Err(format!("wrong number of args for {name}: want {wanted} got {got}")));
        }
        let argument = match arguments.first() {
            None => "",
            Some(Value::String(text)) => text,
            Some(other) => {
                return Some(Err(format!("wrong type for value; expected string; got {}", other.type_name())));
            }
        };
        Some(match name {
            "Get" | "GetBytes" => self.read(argument).map(Value::from),
            "Glob" => {
                let glob = Glob::new(argument).unwrap_or_else(|_| Glob::all());
                let files = self.files.iter().filter(|(name, _)| glob.matches(name));
                let files = files.map(|(name, data)| (Arc::clone(name), Arc::clone(data))).collect();
                Ok(Value::Object(Arc::new(Files { files })))
            }
            "Lines" => self.read(argument).map(|text| {
                if text.is_empty() {
                    return Vec::new().into();
                }
                let text = text.strip_suffix('\n').unwrap_or(text);
                text.split('\n').map(Value::from).collect::<Vec<_>>().into()
            }),
            _ => self.as_yaml(name == "AsSecrets").map(Value::from),
        })
    }

    fn display(&self) -> String {
        let shown = |data: &[u8]| data.iter().map(u8::to_string).collect::<Vec<_>>().join(" ");
        let files: Vec<String> = self.files.iter().map(|(name, data)| format!("{name}:[{}]", shown(data))).collect();
        format!("map[{}]", files.join(" "))
    }

    fn as_map(&self) -> Option<BTreeMap<Arc<str>, Value>> {
        let value = |name: &str, data: &[u8]| string(name, data).map_or(Value::Nil, Value::from);
        Some(self.files.iter().map(|(name, data)| (Arc::clone(name), value(name, data))).collect())
    }
}

impl Files {
    fn as_yaml(&self, encoded: bool) -> Result<String, String> {
        let mut entries = BTreeMap::new();
        for (name, data) in &self.files {
            let value = if encoded {
                base64::engine::general_purpose::STANDARD.encode(data).into()
            } else {
                Value::from(string(name, data)?)
            };
            entries.insert(Arc::from(base(name)), value);
        }
        // Where it cannot be written, templates get nothing, as with `toYaml`.
        let text = text::write(&Value::from(entries)).unwrap_or_default();
        Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
    }
}
