//! `.Files`.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;

use super::{File, glob::Glob, text};
use crate::template::Type;
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

/// Text of the engine is UTF-8. To change bytes silently would be worse than to say so.
fn string<'a>(name: &str, data: &'a [u8]) -> Result<&'a str, String> {
    std::str::from_utf8(data).map_err(|_| format!("{name} is not UTF-8, so that it has no lines"))
}

/// A file that is no text. To templates it is a string, that can be passed on and encoded.
#[derive(Debug)]
struct Binary(Arc<[u8]>);

impl Object for Binary {
    fn kind(&self) -> &'static str {
        "string"
    }

    fn reflected(&self) -> &'static str {
        "string"
    }

    fn truth(&self) -> bool {
        !self.0.is_empty()
    }

    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    fn call(&self, _name: &str, _arguments: &[Value]) -> Option<Result<Value, String>> {
        None
    }

    fn display(&self) -> String {
        replaced(&self.0)
    }

    fn as_map(&self) -> Option<BTreeMap<Arc<str>, Value>> {
        None
    }

    fn bytes(&self) -> Option<&[u8]> {
        Some(&self.0)
    }

    fn text(&self) -> Option<String> {
        Some(replaced(&self.0))
    }
}

/// A file as JSON has it, by way of which it becomes YAML: a byte that is no text is replaced.
fn replaced(data: &[u8]) -> String {
    let mut text = String::new();
    for chunk in data.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
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
        Some(Value::bytes(self.files.get(name).map_or(&[], |data| data)))
    }

    fn reflected(&self) -> &'static str {
        "map"
    }

    fn truth(&self) -> bool {
        !self.files.is_empty()
    }

    fn method(&self, name: &str) -> Option<&'static [Type]> {
        match name {
            "Get" | "GetBytes" | "Glob" | "Lines" => Some(&[Type::String]),
            "AsConfig" | "AsSecrets" => Some(&[]),
            _ => None,
        }
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
        self.method(name)?;
        let argument = match arguments.first() {
            Some(Value::String(text)) => text,
            _ => "",
        };
        Some(match name {
            "Get" => Ok(match self.files.get(argument) {
                Some(data) => match std::str::from_utf8(data) {
                    Ok(text) => text.into(),
                    Err(_) => Value::Object(Arc::new(Binary(Arc::clone(data)))),
                },
                None => "".into(),
            }),
            "GetBytes" => Ok(Value::bytes(self.files.get(argument).map_or(&[], |data| data))),
            "Glob" => {
                let glob = Glob::new(argument).unwrap_or_else(|_| Glob::all());
                let files = self.files.iter().filter(|(name, _)| glob.matches(name));
                let files = files.map(|(name, data)| (Arc::clone(name), Arc::clone(data))).collect();
                Ok(Value::Object(Arc::new(Files { files })))
            }
            "Lines" => self.read(argument).and_then(|text| {
                if text.is_empty() {
                    // Go's code looks at the last byte of a file that has none.
                    let there = self.files.contains_key(argument);
                    return if there {
                        Err("runtime error: index out of range [-1]".to_owned())
                    } else {
                        Ok(Value::strings::<&str>([]))
                    };
                }
                let text = text.strip_suffix('\n').unwrap_or(text);
                Ok(Value::strings(text.split('\n')))
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
        Some(self.files.iter().map(|(name, data)| (Arc::clone(name), Value::bytes(data))).collect())
    }
}

impl Files {
    fn as_yaml(&self, encoded: bool) -> Result<String, String> {
        let mut entries = BTreeMap::new();
        for (name, data) in &self.files {
            let value = if encoded {
                base64::engine::general_purpose::STANDARD.encode(data).into()
            } else {
                Value::from(replaced(data))
            };
            entries.insert(Arc::from(base(name)), value);
        }
        // Where it cannot be written, templates get nothing, as with `toYaml`.
        let text = text::write(&Value::from(entries)).unwrap_or_default();
        Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
    }
}
