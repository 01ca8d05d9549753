//! `Chart.yaml` and `requirements.yaml`.

use std::collections::BTreeMap;
use std::sync::Arc;

use unicode_general_category::{GeneralCategory, get_general_category};

use super::values::shown;
use super::version::Version;
use crate::functions::json::kind;
use crate::value::{Entries, Object, Value};

/// What `Chart.yaml` says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metadata {
    /// `apiVersion`: `v1` where there is none.
    pub api_version: String,
    /// `name`
    pub name: String,
    /// `version`
    pub version: String,
    /// `kubeVersion`: the range of Kubernetes versions that it is made for.
    pub kube_version: String,
    /// `description`
    pub description: String,
    /// `type`: empty, `application` or `library`.
    pub kind: String,
    /// `keywords`
    pub keywords: Vec<String>,
    /// `home`
    pub home: String,
    /// `sources`
    pub sources: Vec<String>,
    /// `dependencies`; none is not the same as an empty list.
    pub dependencies: Option<Vec<Dependency>>,
    /// `maintainers`
    pub maintainers: Vec<Maintainer>,
    /// `icon`
    pub icon: String,
    /// `appVersion`
    pub app_version: String,
    /// `deprecated`
    pub deprecated: bool,
    /// `annotations`
    pub annotations: BTreeMap<String, String>,
    /// `condition`, which Helm reads and does not use.
    pub condition: String,
    /// `tags`, which Helm reads and does not use.
    pub tags: String,
}

/// Who maintains a chart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Maintainer {
    /// `name`
    pub name: String,
    /// `email`
    pub email: String,
    /// `url`
    pub url: String,
}

/// A chart that a chart needs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dependency {
    /// `name`
    pub name: String,
    /// `version`: a range.
    pub version: String,
    /// `repository`
    pub repository: String,
    /// `condition`: paths of values, separated by commas.
    pub condition: String,
    /// `tags`
    pub tags: Vec<String>,
    /// `import-values`
    pub import_values: Vec<ImportValue>,
    /// `alias`
    pub alias: String,
    /// Whether conditions and tags leave it in.
    pub enabled: bool,
}

/// What a chart takes from the values of a subchart.
#[derive(Debug, Clone, PartialEq)]
pub enum ImportValue {
    /// A name under the subchart's `exports`, whose values come to the root.
    Export(String),
    /// A table of the subchart, and where it goes to.
    Table {
        /// Where it is in the subchart.
        child: String,
        /// Where it goes in the parent.
        parent: String,
    },
    /// Something that Helm does not look at.
    Other,
}

fn mismatch(value: &Value, at: &str, wanted: &str) -> String {
    format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into Go struct field {at} of type {wanted}",
        kind(value)
    )
}

/// A number as Go's `strconv` writes it where YAML wants text.
pub(crate) fn number_text(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return format!("{value:.0}");
    }
    let short = format!("{value:e}");
    let Some((digits, exponent)) = short.split_once('e') else { return short };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..21).contains(&exponent) {
        format!("{value}")
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    }
}

/// Text where text is wanted: scalars of YAML are taken as they would be written.
pub(crate) fn string(value: &Value, at: &str) -> Result<Option<String>, String> {
    Ok(Some(match value {
        Value::Nil => return Ok(None),
        Value::String(text) => text.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) | Value::Sized(value, _) => value.to_string(),
        Value::Float(value) => number_text(*value),
        other => return Err(mismatch(other, at, "string")),
    }))
}

fn strings(value: &Value, at: &str) -> Result<Vec<String>, String> {
    match value {
        Value::Nil => Ok(Vec::new()),
        Value::List(items) => items.iter().map(|item| Ok(string(item, at)?.unwrap_or_default())).collect(),
        other => Err(mismatch(other, at, "[]string")),
    }
}

/// A key of a map: exactly so, or else in any case, as Go's JSON looks for it.
pub(crate) fn field(entries: &Entries, name: &str) -> Value {
    entries
        .get(name)
        .or_else(|| entries.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
        .cloned()
        .unwrap_or_default()
}

/// Puts the metadata of a chart together from its files.
#[derive(Debug, Default)]
pub(super) struct Builder {
    found: Option<Metadata>,
}

impl Builder {
    pub(super) fn is_v1(&self) -> bool {
        self.found.as_ref().is_some_and(|found| found.api_version == "v1")
    }

    pub(super) fn default_version(&mut self) {
        if let Some(found) = &mut self.found
            && found.api_version.is_empty()
        {
            found.api_version = "v1".to_owned();
        }
    }

    /// Takes in a file: what it has replaces what was there.
    pub(super) fn add(&mut self, value: &Value) -> Result<(), String> {
        let metadata = self.found.get_or_insert_default();
        let entries = match value {
            Value::Nil => return Ok(()),
            Value::Map(map) => map.entries(),
            other => {
                return Err(format!(
                    "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into Go value of type \
                     chart.Metadata",
                    kind(other)
                ));
            }
        };
        let texts = [
            (&mut metadata.api_version, "apiVersion"),
            (&mut metadata.name, "name"),
            (&mut metadata.version, "version"),
            (&mut metadata.kube_version, "kubeVersion"),
            (&mut metadata.description, "description"),
            (&mut metadata.kind, "type"),
            (&mut metadata.home, "home"),
            (&mut metadata.icon, "icon"),
            (&mut metadata.app_version, "appVersion"),
            (&mut metadata.condition, "condition"),
            (&mut metadata.tags, "tags"),
        ];
        for (to, name) in texts {
            if let Some(text) = string(&field(&entries, name), &format!("Metadata.{name}"))? {
                *to = text;
            }
        }
        for (to, name) in [(&mut metadata.keywords, "keywords"), (&mut metadata.sources, "sources")] {
            let found = field(&entries, name);
            if found != Value::Nil {
                *to = strings(&found, &format!("Metadata.{name}"))?;
            }
        }
        match field(&entries, "deprecated") {
            Value::Nil => {}
            Value::Bool(deprecated) => metadata.deprecated = deprecated,
            other => return Err(mismatch(&other, "Metadata.deprecated", "bool")),
        }
        match field(&entries, "annotations") {
            Value::Nil => {}
            Value::Map(map) => {
                for (key, value) in map.entries().iter() {
                    let text = string(value, "Metadata.annotations")?.unwrap_or_default();
                    metadata.annotations.insert(key.to_string(), text);
                }
            }
            other => return Err(mismatch(&other, "Metadata.annotations", "map[string]string")),
        }
        match field(&entries, "maintainers") {
            Value::Nil => {}
            Value::List(items) => metadata.maintainers = items.iter().map(maintainer).collect::<Result<_, _>>()?,
            other => return Err(mismatch(&other, "Metadata.maintainers", "[]*chart.Maintainer")),
        }
        match field(&entries, "dependencies") {
            Value::Nil => {}
            Value::List(items) => {
                metadata.dependencies = Some(items.iter().map(dependency).collect::<Result<_, _>>()?);
            }
            other => return Err(mismatch(&other, "Metadata.dependencies", "[]*chart.Dependency")),
        }
        Ok(())
    }

    /// What was found, checked as Helm checks it.
    pub(super) fn finish(self) -> Result<Metadata, String> {
        let mut metadata = self.found.ok_or("Chart.yaml file is missing")?;
        let invalid = |message: &str| Err(format!("validation: {message}"));
        for text in [
            &mut metadata.name,
            &mut metadata.description,
            &mut metadata.home,
            &mut metadata.icon,
            &mut metadata.condition,
            &mut metadata.tags,
            &mut metadata.app_version,
            &mut metadata.kube_version,
        ]
        .into_iter()
        .chain(&mut metadata.sources)
        .chain(&mut metadata.keywords)
        {
            printable(text);
        }
        for maintainer in &mut metadata.maintainers {
            for text in [&mut maintainer.name, &mut maintainer.email, &mut maintainer.url] {
                printable(text);
            }
        }
        let name = &metadata.name;
        if metadata.api_version.is_empty() {
            return invalid("chart.metadata.apiVersion is required");
        }
        if name.is_empty() {
            return invalid("chart.metadata.name is required");
        }
        if name == "." || name == ".." {
            return invalid(&format!("chart.metadata.name {name:?} is not allowed"));
        }
        if name.contains('/') {
            return invalid(&format!("chart.metadata.name {name:?} is invalid"));
        }
        if metadata.version.is_empty() {
            return invalid("chart.metadata.version is required");
        }
        if Version::parse(&metadata.version).is_none() {
            return invalid(&format!("chart.metadata.version {:?} is invalid", metadata.version));
        }
        if !matches!(metadata.kind.as_str(), "" | "application" | "library") {
            return invalid("chart.metadata.type must be application or library");
        }
        let mut names = std::collections::BTreeSet::new();
        for dependency in metadata.dependencies.iter_mut().flatten() {
            for text in
                [&mut dependency.name, &mut dependency.version, &mut dependency.repository, &mut dependency.condition]
                    .into_iter()
                    .chain(&mut dependency.tags)
            {
                printable(text);
            }
            if !dependency.alias.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
                return invalid(&format!("dependency {:?} has disallowed characters in the alias", dependency.name));
            }
            let key = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
            if !names.insert(key.clone()) {
                return invalid(&format!("more than one dependency with name or alias {key:?}"));
            }
        }
        Ok(metadata)
    }
}

/// White space becomes blanks; what cannot be printed goes.
fn printable(text: &mut String) {
    use GeneralCategory as G;
    let fine = |char: char| {
        !matches!(
            get_general_category(char),
            G::Control
                | G::Format
                | G::Surrogate
                | G::PrivateUse
                | G::Unassigned
                | G::LineSeparator
                | G::ParagraphSeparator
                | G::SpaceSeparator
        )
    };
    if text.is_ascii() && text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return;
    }
    *text = text
        .chars()
        .filter_map(|char| if char.is_whitespace() { Some(' ') } else { fine(char).then_some(char) })
        .collect();
}

fn maintainer(value: &Value) -> Result<Maintainer, String> {
    let entries = match value {
        Value::Map(map) => map.entries(),
        Value::Nil => return Err("validation: maintainers must not contain empty or null nodes".to_owned()),
        other => return Err(mismatch(other, "Metadata.maintainers", "chart.Maintainer")),
    };
    let text = |name: &str| {
        string(&field(&entries, name), &format!("Maintainer.maintainers.{name}")).map(Option::unwrap_or_default)
    };
    Ok(Maintainer { name: text("name")?, email: text("email")?, url: text("url")? })
}

fn dependency(value: &Value) -> Result<Dependency, String> {
    let entries = match value {
        Value::Map(map) => map.entries(),
        Value::Nil => return Err("validation: dependencies must not contain empty or null nodes".to_owned()),
        other => return Err(mismatch(other, "Metadata.dependencies", "chart.Dependency")),
    };
    let text = |name: &str| {
        string(&field(&entries, name), &format!("Dependency.dependencies.{name}")).map(Option::unwrap_or_default)
    };
    // What `fmt.Sprintf("%v")` makes of it.
    let any = |value: Value| match value {
        Value::Nil => "<nil>".to_owned(),
        value => string(&value, "").ok().flatten().unwrap_or_else(|| value.type_name().to_owned()),
    };
    let import_values = match field(&entries, "import-values") {
        Value::Nil => Vec::new(),
        Value::List(items) => items
            .iter()
            .map(|item| match item {
                Value::String(name) => ImportValue::Export(name.to_string()),
                Value::Map(map) => ImportValue::Table {
                    child: any(map.get("child").unwrap_or_default()),
                    parent: any(map.get("parent").unwrap_or_default()),
                },
                _ => ImportValue::Other,
            })
            .collect(),
        other => return Err(mismatch(&other, "Dependency.dependencies.import-values", "[]interface {}")),
    };
    Ok(Dependency {
        name: text("name")?,
        version: text("version")?,
        repository: text("repository")?,
        condition: text("condition")?,
        tags: strings(&field(&entries, "tags"), "Dependency.dependencies.tags")?,
        import_values,
        alias: text("alias")?,
        enabled: false,
    })
}

/// Names in Go, names in JSON, and values: a struct of Go for templates.
#[derive(Debug)]
pub(crate) struct Struct {
    pub(crate) kind: &'static str,
    pub(crate) fields: Vec<(&'static str, &'static str, Value)>,
    /// What JSON leaves out where it is empty: all but these.
    pub(crate) always: &'static [&'static str],
}

impl Object for Struct {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields.iter().find(|(field, ..)| *field == name).map(|(.., value)| value.clone())
    }

    fn call(&self, _name: &str, _arguments: &[Value]) -> Option<Result<Value, String>> {
        None
    }

    fn display(&self) -> String {
        let fields: Vec<String> =
            self.fields.iter().filter(|(_, json, _)| !json.is_empty()).map(|(.., value)| shown(value)).collect();
        format!("{}{{{}}}", if self.kind.starts_with('*') { "&" } else { "" }, fields.join(" "))
    }

    fn as_map(&self) -> Option<BTreeMap<Arc<str>, Value>> {
        let kept = self
            .fields
            .iter()
            .filter(|(name, json, value)| !json.is_empty() && (value.truth() || self.always.contains(name)));
        Some(kept.map(|(_, json, value)| (Arc::from(*json), value.clone())).collect())
    }
}

fn texts(values: &[String]) -> Value {
    values.iter().map(|text| Value::from(text.as_str())).collect::<Vec<_>>().into()
}

/// `.Chart`: a struct in Helm 3, a map in Helm 4, where a field that is not there is nil and no mistake.
pub(crate) fn template_value(metadata: &Metadata, root: bool, as_map: bool) -> Value {
    let wrap =
        |kind: &'static str, always: &'static [&'static str], fields: Vec<(&'static str, &'static str, Value)>| {
            if as_map {
                Value::map(fields.into_iter().map(|(name, _, value)| (name, value)))
            } else {
                Value::Object(Arc::new(Struct { kind, fields, always }))
            }
        };
    let text = |text: &String| Value::from(text.as_str());
    let maintainers = metadata.maintainers.iter().map(|one| {
        let fields = vec![
            ("Name", "name", text(&one.name)),
            ("Email", "email", text(&one.email)),
            ("URL", "url", text(&one.url)),
        ];
        wrap("*chart.Maintainer", &[], fields)
    });
    let dependencies = metadata.dependencies.iter().flatten().map(|one| {
        let imports = one.import_values.iter().map(|import| match import {
            ImportValue::Export(name) => Value::map([("child", format!("exports.{name}").as_str()), ("parent", ".")]),
            ImportValue::Table { child, parent } => {
                Value::map([("child", child.as_str()), ("parent", parent.as_str())])
            }
            ImportValue::Other => Value::Nil,
        });
        let fields = vec![
            ("Name", "name", text(&one.name)),
            ("Version", "version", text(&one.version)),
            ("Repository", "repository", text(&one.repository)),
            ("Condition", "condition", text(&one.condition)),
            ("Tags", "tags", texts(&one.tags)),
            ("Enabled", "enabled", one.enabled.into()),
            (
                "ImportValues",
                "import-values",
                imports.filter(|import| *import != Value::Nil).collect::<Vec<_>>().into(),
            ),
            ("Alias", "alias", text(&one.alias)),
        ];
        wrap("*chart.Dependency", &["Name", "Repository"], fields)
    });
    let annotations = Value::map(metadata.annotations.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let mut fields = vec![
        ("Name", "name", text(&metadata.name)),
        ("Home", "home", text(&metadata.home)),
        ("Sources", "sources", texts(&metadata.sources)),
        ("Version", "version", text(&metadata.version)),
        ("Description", "description", text(&metadata.description)),
        ("Keywords", "keywords", texts(&metadata.keywords)),
        ("Maintainers", "maintainers", maintainers.collect::<Vec<_>>().into()),
        ("Icon", "icon", text(&metadata.icon)),
        ("APIVersion", "apiVersion", text(&metadata.api_version)),
        ("Condition", "condition", text(&metadata.condition)),
        ("Tags", "tags", text(&metadata.tags)),
        ("AppVersion", "appVersion", text(&metadata.app_version)),
        ("Deprecated", "deprecated", metadata.deprecated.into()),
        ("Annotations", "annotations", annotations),
        ("KubeVersion", "kubeVersion", text(&metadata.kube_version)),
        ("Dependencies", "dependencies", dependencies.collect::<Vec<_>>().into()),
        ("Type", "type", text(&metadata.kind)),
    ];
    if !as_map {
        let inner = Value::Object(Arc::new(Struct { kind: "chart.Metadata", fields: fields.clone(), always: &[] }));
        fields.push(("Metadata", "", inner));
    }
    fields.push(("IsRoot", "IsRoot", root.into()));
    wrap("struct { chart.Metadata; IsRoot bool }", &["IsRoot"], fields)
}
