//! Handlebars, strict: an unknown variable, helper or partial is a mistake at template:line:column.

mod plain_lines;
mod reads;
mod syntax;

use std::collections::HashMap;
use std::sync::OnceLock;

use base64::Engine as _;
use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError, RenderErrorReason,
    Renderable, ScopedJson, StringOutput, Template,
};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use self::reads::Reads;
use crate::diagnostic::{Diagnostic, FileId, Origin, closest};
use crate::yaml::write;

/// A compiled template, by the path of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateName {
    /// Path inside the repository.
    pub path: String,
    /// Its text in the sources.
    pub file: FileId,
}

/// All templates and partials, compiled once and shared between environments.
#[derive(Debug)]
pub struct Templates {
    registry: Handlebars<'static>,
    /// Files by the name under which they are registered: path, or short name of a partial.
    files: HashMap<String, FileId>,
    partials: Vec<String>,
    /// What each template reads, once somebody asks.
    reads: HashMap<String, OnceLock<Option<Reads>>>,
}

impl Default for Templates {
    fn default() -> Templates {
        Templates::new()
    }
}

impl Templates {
    /// No templates yet, all helpers.
    pub fn new() -> Templates {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.register_escape_fn(handlebars::no_escape);
        for function in FUNCTIONS {
            registry.register_helper(function.name, Box::new(function));
        }
        registry.register_helper("if", Box::new(Conditional { name: "if", positive: true }));
        registry.register_helper("unless", Box::new(Conditional { name: "unless", positive: false }));
        // `log` would print from inside a pure stage.
        registry.unregister_helper("log");
        Templates { registry, files: HashMap::new(), partials: Vec::new(), reads: HashMap::new() }
    }

    /// Compiles a text; separate from [`Templates::add`] so that it can run on many threads.
    pub fn compile(name: &str, file: FileId, text: &str) -> Result<Template, Box<Diagnostic>> {
        plain_lines::compile(name, text).map_err(|error| {
            let (line, column) = error.pos().unwrap_or((1, 1));
            let origin = Origin { file, line: line.max(1) as u32, column: column.max(1) as u32 };
            let place = |offset: usize| {
                let before = &text[..offset];
                let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u32 + 1;
                Origin { file, line: before.matches('\n').count() as u32 + 1, column }
            };
            if let Some(slip) = syntax::find(text) {
                let mut diagnostic = Diagnostic::new("template-syntax", slip.message).at(place(slip.at), "");
                if let Some((also, label)) = slip.also {
                    diagnostic = diagnostic.also(place(also), label);
                }
                return Box::new(diagnostic.help(slip.help));
            }
            let why = match error.reason() {
                handlebars::TemplateErrorReason::InvalidSyntax(reason) => match syntax::expected(reason) {
                    Some(words) => format!("this is not Handlebars: {words} is expected here"),
                    None => "this is not Handlebars".to_owned(),
                },
                handlebars::TemplateErrorReason::InvalidParam(what) => format!("`{what}` is not a parameter"),
                handlebars::TemplateErrorReason::NestedSubexpression => "a sub-expression cannot stand here".to_owned(),
                other => other.to_string(),
            };
            Box::new(
                Diagnostic::new("template-syntax", why)
                    .at(origin, "")
                    .help("every `{{#…}}` needs its `{{/…}}`; write `\\{{` for literal braces"),
            )
        })
    }

    /// Registers a template under its path, or a partial under its short name.
    pub fn add(&mut self, name: &str, file: FileId, template: Template, is_partial: bool) {
        self.registry.register_template(name, template);
        self.files.insert(name.to_owned(), file);
        self.reads.insert(name.to_owned(), OnceLock::new());
        if is_partial {
            self.partials.push(name.to_owned());
        }
    }

    /// Renders a template.
    pub fn render(&self, template: &TemplateName, context: &Context) -> Result<String, Box<Diagnostic>> {
        // A partial gets a copy of the context, so a small one is faster. What is wrong is said with all of it in view.
        if let Some(Ok(part)) = self.reads(template).map(|reads| Context::wraps(reads.part(context.data())))
            && let Ok(text) = self.registry.render_with_context(&template.path, &part)
        {
            return Ok(text);
        }
        self.registry
            .render_with_context(&template.path, context)
            .map_err(|error| Box::new(self.explain(template, &error)))
    }

    /// Stands for everything that a template reads of a context, and for `beside`: where it is the same, the template gives the
    /// same text. Nothing where it could read anything.
    pub fn fingerprint(&self, template: &TemplateName, context: &Context, beside: &str) -> Option<[u8; 32]> {
        let mut text = Vec::with_capacity(1024);
        text.extend_from_slice(beside.as_bytes());
        text.push(b'\n');
        self.reads(template)?.write(context.data(), &mut text);
        Some(Sha256::digest(&text).into())
    }

    fn reads(&self, template: &TemplateName) -> Option<&Reads> {
        let reads = self.reads.get(&template.path)?.get_or_init(|| {
            Reads::of(self.registry.get_template(&template.path)?, &|name| self.registry.get_template(name))
        });
        reads.as_ref()
    }

    /// Whether a sub-expression such as `(and cluster.aws settings.x)` is true.
    pub fn holds(&self, expression: &str, at: Origin, context: &Context) -> Result<bool, Box<Diagnostic>> {
        let name = TemplateName { path: String::new(), file: at.file };
        let text = format!("{{{{#if {expression}}}}}1{{{{/if}}}}");
        let placed = |mut diagnostic: Box<Diagnostic>| {
            diagnostic.at = Some((at, String::new()));
            diagnostic
        };
        let template = Templates::compile("", at.file, &text).map_err(placed)?;
        let mut out = StringOutput::new();
        let rendered = template.render(&self.registry, context, &mut RenderContext::new(None), &mut out);
        rendered.map_err(|error| placed(Box::new(self.explain(&name, &error))))?;
        Ok(!out.into_string().unwrap_or_default().is_empty())
    }

    fn explain(&self, template: &TemplateName, error: &RenderError) -> Diagnostic {
        let file =
            error.template_name.as_deref().and_then(|name| self.files.get(name).copied()).unwrap_or(template.file);
        let origin = Origin {
            file,
            line: error.line_no.unwrap_or(1).max(1) as u32,
            column: error.column_no.unwrap_or(1).max(1) as u32,
        };
        let diagnostic = match innermost(error.reason()) {
            RenderErrorReason::MissingVariable(path) => {
                let name = path.clone().unwrap_or_else(|| "this".to_owned());
                Diagnostic::new("template-variable", format!("the template reads `{name}`, which does not exist")).help(
                    "a property exists when a schema declares it: add it to `settings.schema.yaml`, or mend the name",
                )
            }
            RenderErrorReason::HelperNotFound(name) => {
                let known: Vec<&str> = self.helper_names();
                Diagnostic::new("template-helper", format!("there is no helper or variable `{name}`"))
                    .did_you_mean(name, known)
            }
            RenderErrorReason::PartialNotFound(name) => {
                Diagnostic::new("template-partial", format!("there is no partial `{name}`"))
                    .did_you_mean(name, self.partials.iter().map(String::as_str))
                    .help("partials are `components/partials/<name>.hbs`")
            }
            RenderErrorReason::Other(message) => Diagnostic::new("template-value", message.clone()),
            other => Diagnostic::new("template-value", other.to_string()),
        };
        diagnostic.at(origin, "")
    }

    fn helper_names(&self) -> Vec<&'static str> {
        FUNCTIONS.iter().map(|f| f.name).chain(["if", "unless", "each", "with", "lookup", "raw"]).collect()
    }

    /// For each line of the output, the line of the template that it comes from.
    ///
    /// Marks are put before the lines of the template, rendered along, and taken out again. Where the
    /// marks would change the output nothing is known, and nothing is claimed.
    pub fn line_map(&self, text: &str, context: &Context) -> Option<Vec<u32>> {
        const OPEN: char = '\u{e000}';
        const CLOSE: char = '\u{e001}';
        if text.contains(OPEN) {
            return None;
        }
        let mut marked = String::with_capacity(text.len() + 512);
        let mut inside_tag = false;
        for (index, line) in text.lines().enumerate() {
            let trimmed = line.trim_start();
            let is_block_tag =
                ["{{#", "{{/", "{{else", "{{!", "{{>", "{{~", "{{^", "{{{{"].iter().any(|tag| trimmed.starts_with(tag));
            if !inside_tag && !trimmed.is_empty() && !is_block_tag {
                marked.push(OPEN);
                marked.push_str(&(index + 1).to_string());
                marked.push(CLOSE);
            }
            marked.push_str(line);
            marked.push('\n');
            let (opened, closed) = (line.matches("{{").count(), line.matches("}}").count());
            inside_tag = if inside_tag { closed <= opened } else { opened > closed };
        }
        let rendered = self.registry.render_template_with_context(&marked, context).ok()?;
        let plain = self.registry.render_template_with_context(text, context).ok()?;
        let mut lines = Vec::new();
        let mut unmarked = String::with_capacity(plain.len());
        let mut current = 1u32;
        for line in rendered.split_inclusive('\n') {
            let mut rest = line;
            let mut of_line = None;
            while let Some(start) = rest.find(OPEN) {
                unmarked.push_str(&rest[..start]);
                let end = rest[start..].find(CLOSE)? + start;
                current = rest[start + OPEN.len_utf8()..end].parse().ok()?;
                of_line.get_or_insert(current);
                rest = &rest[end + CLOSE.len_utf8()..];
            }
            unmarked.push_str(rest);
            lines.push(of_line.unwrap_or(current));
        }
        (unmarked.trim_end() == plain.trim_end()).then_some(lines)
    }
}

/// Handlebars wraps errors of nested calls; the innermost says what happened.
fn innermost(reason: &RenderErrorReason) -> &RenderErrorReason {
    match reason {
        RenderErrorReason::NestedError(inner) => match inner.downcast_ref::<RenderError>() {
            Some(error) => innermost(error.reason()),
            None => reason,
        },
        other => other,
    }
}

fn refuse(message: impl Into<String>) -> RenderError {
    RenderErrorReason::Other(message.into()).into()
}

fn missing(path: Option<&String>) -> RenderError {
    RenderErrorReason::MissingVariable(path.cloned()).into()
}

/// `{{#if}}` that refuses a variable which does not exist, as everything else does.
struct Conditional {
    name: &'static str,
    positive: bool,
}

impl HelperDef for Conditional {
    fn call<'reg: 'rc, 'rc>(
        &self,
        h: &Helper<'rc>,
        r: &'reg Handlebars<'reg>,
        ctx: &'rc Context,
        rc: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let param = h.param(0).ok_or_else(|| refuse(format!("`{}` needs a condition", self.name)))?;
        if param.is_value_missing() {
            return Err(missing(param.relative_path()));
        }
        let chosen = if truthy(param.value()) == self.positive { h.template() } else { h.inverse() };
        match chosen {
            Some(template) => template.render(r, ctx, rc, out),
            None => Ok(()),
        }
    }
}

/// What counts as true: everything but false, null, 0, and what is empty.
fn truthy(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(value) => *value,
        Json::Number(number) => number.as_f64().is_some_and(|n| n != 0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(map) => !map.is_empty(),
    }
}

/// What a function is called with.
struct Arguments<'a> {
    positional: Vec<&'a Json>,
    named: Vec<(&'a str, &'a Json)>,
    context: &'a Json,
}

impl<'a> Arguments<'a> {
    fn text(&self, index: usize) -> Result<&'a str, String> {
        self.positional[index]
            .as_str()
            .ok_or_else(|| format!("argument {} must be a string, found {}", index + 1, brief(self.positional[index])))
    }

    fn number(&self, index: usize) -> Result<i64, String> {
        self.positional[index].as_i64().ok_or_else(|| {
            format!("argument {} must be an integer, found {}", index + 1, brief(self.positional[index]))
        })
    }
}

fn brief(value: &Json) -> String {
    let text = value.to_string();
    if text.chars().count() > 40 { text.chars().take(37).chain("...".chars()).collect() } else { text }
}

/// A pure function that templates can call.
#[derive(Clone, Copy)]
struct Function {
    name: &'static str,
    least: usize,
    most: usize,
    /// Whether a variable that does not exist may be handed over (it is null then).
    tolerant: bool,
    call: fn(&Arguments<'_>) -> Result<Json, String>,
}

impl HelperDef for Function {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        h: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        ctx: &'rc Context,
        rc: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let count = h.params().len();
        if count < self.least || count > self.most {
            let wanted = match (self.least, self.most) {
                (least, usize::MAX) => format!("at least {least}"),
                (least, most) if least == most => least.to_string(),
                (least, most) => format!("{least} to {most}"),
            };
            return Err(refuse(format!("`{}` takes {wanted} argument(s), {count} given", self.name)));
        }
        static NULL: Json = Json::Null;
        let mut positional = Vec::with_capacity(count);
        for param in h.params() {
            if param.is_value_missing() {
                if !self.tolerant {
                    return Err(missing(param.relative_path()));
                }
                positional.push(&NULL);
            } else {
                positional.push(param.value());
            }
        }
        let mut named = Vec::with_capacity(h.hash().len());
        for (key, value) in h.hash() {
            if value.is_value_missing() {
                return Err(missing(value.relative_path()));
            }
            named.push((*key, value.value()));
        }
        // Inside a partial with parameters the context is the partial's own.
        let root = rc.context();
        let context = root.as_deref().filter(|c| c.data().get("components").is_some()).unwrap_or(ctx).data();
        let arguments = Arguments { positional, named, context };
        (self.call)(&arguments).map(ScopedJson::Derived).map_err(|why| refuse(format!("`{}`: {why}", self.name)))
    }

    fn call<'reg: 'rc, 'rc>(
        &self,
        h: &Helper<'rc>,
        r: &'reg Handlebars<'reg>,
        ctx: &'rc Context,
        rc: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let result = self.call_inner(h, r, ctx, rc)?;
        let value = result.as_json();
        if h.is_block() {
            let chosen = if truthy(value) { h.template() } else { h.inverse() };
            return match chosen {
                Some(template) => template.render(r, ctx, rc, out),
                None => Ok(()),
            };
        }
        match value {
            Json::String(text) => out.write(text)?,
            Json::Null => out.write("null")?,
            Json::Array(_) | Json::Object(_) => {
                return Err(refuse(format!("`{}` gives a list or a map: write it with `json` or `yaml`", self.name)));
            }
            scalar => out.write(&scalar.to_string())?,
        }
        Ok(())
    }
}

const fn function(
    name: &'static str,
    least: usize,
    most: usize,
    call: fn(&Arguments<'_>) -> Result<Json, String>,
) -> Function {
    Function { name, least, most, tolerant: false, call }
}

const MANY: usize = usize::MAX;

/// Every function that templates have. `docs/add-a-component.md` lists them; a test compares.
const FUNCTIONS: [Function; 46] = [
    function("json", 1, 1, |a| Ok(Json::String(json_text(a.positional[0])))),
    function("yaml", 1, 1, yaml),
    function("quote", 1, 1, |a| Ok(Json::String(json_text(&Json::String(text_of(a.positional[0])?))))),
    Function {
        tolerant: true,
        ..function("default", 2, 2, |a| {
            Ok(if a.positional[0].is_null() { a.positional[1].clone() } else { a.positional[0].clone() })
        })
    },
    Function {
        tolerant: true,
        ..function("required", 2, 2, |a| {
            if a.positional[1].is_null() { Err(a.text(0)?.to_owned()) } else { Ok(a.positional[1].clone()) }
        })
    },
    function("join", 1, 2, |a| {
        let separator = if a.positional.len() > 1 { a.text(1)? } else { "," };
        let items = list_of(a.positional[0])?;
        Ok(Json::String(items.iter().map(text_of).collect::<Result<Vec<_>, _>>()?.join(separator)))
    }),
    function("concat", 1, MANY, |a| {
        Ok(Json::String(a.positional.iter().map(|v| text_of(v)).collect::<Result<String, _>>()?))
    }),
    function("b64encode", 1, 1, |a| Ok(Json::String(base64::engine::general_purpose::STANDARD.encode(a.text(0)?)))),
    function("eq", 2, 2, |a| Ok(Json::Bool(a.positional[0] == a.positional[1]))),
    function("ne", 2, 2, |a| Ok(Json::Bool(a.positional[0] != a.positional[1]))),
    function("gt", 2, 2, |a| Ok(Json::Bool(a.number(0)? > a.number(1)?))),
    function("gte", 2, 2, |a| Ok(Json::Bool(a.number(0)? >= a.number(1)?))),
    function("lt", 2, 2, |a| Ok(Json::Bool(a.number(0)? < a.number(1)?))),
    function("lte", 2, 2, |a| Ok(Json::Bool(a.number(0)? <= a.number(1)?))),
    function("and", 1, MANY, |a| Ok(Json::Bool(a.positional.iter().all(|v| truthy(v))))),
    function("or", 1, MANY, |a| Ok(Json::Bool(a.positional.iter().any(|v| truthy(v))))),
    function("not", 1, 1, |a| Ok(Json::Bool(!truthy(a.positional[0])))),
    function("len", 1, 1, |a| match a.positional[0] {
        Json::String(text) => Ok(text.chars().count().into()),
        Json::Array(items) => Ok(items.len().into()),
        Json::Object(map) => Ok(map.len().into()),
        Json::Null => Ok(0.into()),
        other => Err(format!("{} has no length", brief(other))),
    }),
    function("add", 2, 2, |a| arithmetic(a, i64::checked_add)),
    function("sub", 2, 2, |a| arithmetic(a, i64::checked_sub)),
    function("mul", 2, 2, |a| arithmetic(a, i64::checked_mul)),
    function("div", 2, 2, |a| arithmetic(a, i64::checked_div)),
    function("mod", 2, 2, |a| arithmetic(a, i64::checked_rem)),
    function("min", 2, 2, |a| arithmetic(a, |x, y| Some(x.min(y)))),
    function("max", 2, 2, |a| arithmetic(a, |x, y| Some(x.max(y)))),
    function("ternary", 3, 3, |a| Ok(a.positional[if truthy(a.positional[0]) { 1 } else { 2 }].clone())),
    function("lower", 1, 1, |a| Ok(Json::String(a.text(0)?.to_lowercase()))),
    function("upper", 1, 1, |a| Ok(Json::String(a.text(0)?.to_uppercase()))),
    function("replace", 3, 3, |a| Ok(Json::String(a.text(0)?.replace(a.text(1)?, a.text(2)?)))),
    function("contains", 2, 2, |a| match a.positional[0] {
        Json::String(text) => Ok(Json::Bool(text.contains(a.text(1)?))),
        Json::Object(map) => Ok(Json::Bool(map.contains_key(a.text(1)?))),
        other => Ok(Json::Bool(list_of(other)?.contains(a.positional[1]))),
    }),
    function("startsWith", 2, 2, |a| Ok(Json::Bool(a.text(0)?.starts_with(a.text(1)?)))),
    function("split", 2, 2, |a| {
        Ok(Json::Array(a.text(0)?.split(a.text(1)?).map(|s| Json::String(s.to_owned())).collect()))
    }),
    function("keys", 1, 1, |a| {
        Ok(Json::Array(map_of(a.positional[0])?.map(|(k, _)| Json::String(k.clone())).collect()))
    }),
    function("values", 1, 1, |a| Ok(Json::Array(map_of(a.positional[0])?.map(|(_, v)| v.clone()).collect()))),
    function("object", 0, 0, |a| {
        Ok(Json::Object(a.named.iter().map(|(k, v)| ((*k).to_owned(), (*v).clone())).collect()))
    }),
    function("list", 0, MANY, |a| Ok(Json::Array(a.positional.iter().map(|v| (*v).clone()).collect()))),
    function("merge", 2, MANY, |a| {
        let mut merged: std::collections::BTreeMap<String, Json> = Default::default();
        for map in &a.positional {
            merged.extend(map_of(map)?.map(|(k, v)| (k.clone(), v.clone())));
        }
        Ok(Json::Object(merged.into_iter().collect()))
    }),
    function("sorted", 1, 1, |a| {
        let mut items = list_of(a.positional[0])?.to_vec();
        items.sort_by_key(Json::to_string);
        items.dedup();
        Ok(Json::Array(items))
    }),
    function("string", 1, 1, |a| Ok(Json::String(text_of(a.positional[0])?))),
    function("fail", 1, 1, |a| Err(a.text(0)?.to_owned())),
    function("cidrsOverlap", 2, 2, |a| {
        let (x, y) = (range(a, 0)?, range(a, 1)?);
        Ok(Json::Bool(x.contains(&y) || y.contains(&x)))
    }),
    function("cidrHost", 2, 2, |a| {
        let (range, number) = (range(a, 0)?, a.number(1)?);
        let past = || format!("{range} has no address number {number}");
        let offset = u32::try_from(number).map_err(|_| past())?;
        let address = u32::from(range.network()).checked_add(offset).map(std::net::Ipv4Addr::from);
        let address = address.filter(|address| range.contains(address)).ok_or_else(past)?;
        Ok(Json::String(address.to_string()))
    }),
    // The shell takes everything between single quotes as it is.
    function("shell", 1, 1, |a| Ok(Json::String(format!("'{}'", text_of(a.positional[0])?.replace('\'', r"'\''"))))),
    function("cidrSize", 1, 1, |a| Ok(Json::from(1u64 << (32 - range(a, 0)?.prefix_len())))),
    function("enabled", 1, 1, |a| {
        let name = a.text(0)?;
        match (a.context["components"].get(name), a.context["capabilities"].get(name)) {
            // Where a component has the name of what it gives, whoever gives it counts.
            (_, Some(provider)) => Ok(Json::Bool(!provider.is_null())),
            (Some(component), None) => Ok(Json::Bool(component["enabled"] == Json::Bool(true))),
            (None, None) => Err(unknown_name(a.context, name)),
        }
    }),
    function("provider", 1, 1, |a| {
        let name = a.text(0)?;
        match a.context["capabilities"].get(name) {
            Some(Json::Null) => Err(format!("no enabled component provides `{name}`: ask with `enabled` first")),
            Some(provider) => Ok(provider.clone()),
            None => Err(unknown_name(a.context, name)),
        }
    }),
];

/// The functions that look at more than their arguments.
const READS_CONTEXT: [&str; 2] = ["enabled", "provider"];

/// The names of all functions, for the documentation's test.
pub fn function_names() -> Vec<&'static str> {
    FUNCTIONS.iter().map(|function| function.name).collect()
}

fn unknown_name(context: &Json, name: &str) -> String {
    let known = ["components", "capabilities"];
    let names = known.iter().filter_map(|key| context[*key].as_object()).flat_map(|map| map.keys());
    match closest(name, names.map(String::as_str)) {
        Some(near) => format!("no component or capability is called `{name}`: did you mean `{near}`?"),
        None => format!("no component or capability is called `{name}`"),
    }
}

/// An IPv4 range such as `10.244.0.0/16`.
fn range(a: &Arguments<'_>, index: usize) -> Result<ipnet::Ipv4Net, String> {
    let text = a.text(index)?;
    text.parse().map_err(|_| format!("`{text}` is not an IPv4 range such as 10.244.0.0/16"))
}

fn arithmetic(a: &Arguments<'_>, operation: fn(i64, i64) -> Option<i64>) -> Result<Json, String> {
    let (x, y) = (a.number(0)?, a.number(1)?);
    operation(x, y).map(Json::from).ok_or_else(|| format!("{x} and {y} have no integer result"))
}

/// JSON that is YAML too: characters that JSON allows as they are and YAML does not are escaped.
fn json_text(value: &Json) -> String {
    let text = value.to_string();
    let foreign =
        |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    if !text.contains(foreign) {
        return text;
    }
    text.chars().map(|c| if foreign(c) { format!("\\u{:04x}", c as u32) } else { c.to_string() }).collect()
}

fn yaml(a: &Arguments<'_>) -> Result<Json, String> {
    let mut indent = 0;
    for (key, value) in &a.named {
        match (*key, value.as_u64()) {
            ("indent", Some(columns)) if columns <= 64 => indent = columns as usize,
            ("indent", _) => return Err("indent must be a number of columns".to_owned()),
            (other, _) => return Err(format!("there is no option `{other}`, only `indent`")),
        }
    }
    let value = a.positional[0];
    let text = match value {
        Json::Array(_) | Json::Object(_) => write::to_string(value).map_err(|error| error.to_string())?,
        // On one line, because a block literal would need to know its key.
        scalar => json_text(scalar),
    };
    let mut lines = text.trim_end_matches('\n').split('\n');
    let mut indented = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        indented.push('\n');
        if !line.is_empty() {
            indented.push_str(&" ".repeat(indent));
            indented.push_str(line);
        }
    }
    Ok(Json::String(indented))
}

fn text_of(value: &Json) -> Result<String, String> {
    match value {
        Json::String(text) => Ok(text.clone()),
        Json::Number(_) | Json::Bool(_) => Ok(value.to_string()),
        Json::Null => Err("null has no text: use `default` or `required`".to_owned()),
        other => Err(format!("{} has no text", brief(other))),
    }
}

fn list_of(value: &Json) -> Result<&[Json], String> {
    match value {
        Json::Array(items) => Ok(items),
        Json::Null => Ok(&[]),
        other => Err(format!("expected a list, found {}", brief(other))),
    }
}

fn map_of(value: &Json) -> Result<impl Iterator<Item = (&String, &Json)>, String> {
    match value {
        Json::Object(map) => Ok(Some(map).into_iter().flatten()),
        Json::Null => Ok(None.into_iter().flatten()),
        other => Err(format!("expected a map, found {}", brief(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rendered(text: &str) -> Result<String, String> {
        let mut templates = Templates::new();
        let name = TemplateName { path: "t".to_owned(), file: FileId(0) };
        let part = Templates::compile("part", FileId(1), "{{settings.a}}-{{x}}-{{enabled \"istio\"}}").unwrap();
        templates.add("part", FileId(1), part, true);
        let template = Templates::compile("t", FileId(0), text).map_err(|error| error.message)?;
        templates.add("t", FileId(0), template, false);
        let context = json!({
            "settings": {"a": 1, "text": "x: \"y\"\n- {{z", "none": null, "list": ["b", "a"], "map": {"k": {"v": [1]}}},
            "components": {"istio": {"enabled": true}, "metrics": {"enabled": false}, "identity": {"enabled": false}},
            "capabilities": {"ingress": "istio", "certificates": null, "identity": "kiam"},
        });
        let context = Context::wraps(context).unwrap();
        templates.render(&name, &context).map_err(|error| error.message)
    }

    #[test]
    fn functions() {
        let cases = [
            ("{{json settings.text}}", "\"x: \\\"y\\\"\\n- {{z\""),
            ("{{json settings.none}}", "null"),
            ("{{settings.text}}", "x: \"y\"\n- {{z"),
            ("a:\n  {{yaml settings.map indent=2}}", "a:\n  k:\n    v:\n    - 1"),
            ("{{default settings.none 5}} {{default settings.nope 6}}", "5 6"),
            ("{{join settings.list \"-\"}} {{concat \"a\" 1 true}}", "b-a a1true"),
            ("{{add 1 (mul 2 3)}} {{div 7 2}} {{min 1 2}}", "7 3 1"),
            ("{{ternary (gt settings.a 0) \"yes\" \"no\"}}", "yes"),
            ("{{#if (and (enabled \"istio\") (not (enabled \"metrics\")))}}on{{/if}}", "on"),
            ("{{enabled \"ingress\"}} {{enabled \"certificates\"}} {{provider \"ingress\"}}", "true false istio"),
            ("{{enabled \"identity\"}} {{components.identity.enabled}}", "true false"),
            ("{{#each settings.map as |v k|}}{{k}}={{json v}}{{/each}}", "k={\"v\":[1]}"),
            ("{{json (object a=1 b=(list 1 2))}}", "{\"a\":1,\"b\":[1,2]}"),
            ("{{json (merge settings.map (object z=1))}}", "{\"k\":{\"v\":[1]},\"z\":1}"),
            ("{{#if settings.none}}x{{else}}y{{/if}}", "y"),
            ("{{> part x=2}}", "1-2-true"),
            ("{{#each settings.list}}{{> part x=this settings=@root.settings}},{{/each}}", "1-b-true,1-a-true,"),
            ("{{{{raw}}}}{{ $labels.x }}{{{{/raw}}}}", "{{ $labels.x }}"),
            ("\\{{ $x }}", "{{ $x }}"),
            ("{{cidrsOverlap \"10.0.0.0/8\" \"10.2.0.0/16\"}} {{cidrHost \"10.96.0.0/12\" 10}}", "true 10.96.0.10"),
            ("{{cidrsOverlap \"10.0.0.0/16\" \"10.1.0.0/16\"}} {{cidrSize \"10.96.0.0/12\"}}", "false 1048576"),
            ("{{shell \"it's $x\"}} {{shell settings.a}}", r"'it'\''s $x' '1'"),
            ("{{b64encode \"hello\"}} {{len settings.list}} {{json (keys settings.map)}}", "aGVsbG8= 2 [\"k\"]"),
        ];
        for (text, wanted) in cases {
            assert_eq!(rendered(text), Ok(wanted.to_owned()), "{text}");
        }
    }

    #[test]
    fn everything_unknown_is_refused() {
        let cases = [
            ("{{settings.b}}", "the template reads `settings.b`, which does not exist"),
            ("{{json settings.b}}", "the template reads `settings.b`, which does not exist"),
            ("{{#if settings.b}}x{{/if}}", "the template reads `settings.b`, which does not exist"),
            ("{{#if (eq settings.b 1)}}x{{/if}}", "the template reads `settings.b`, which does not exist"),
            ("{{#each settings.b}}x{{/each}}", "the template reads `settings.b`, which does not exist"),
            ("{{jsn settings.a}}", "there is no helper or variable `jsn`"),
            ("{{> prt}}", "there is no partial `prt`"),
            ("{{#if settings.a}}", "the block `{{#if}}` is not closed"),
            ("{{#if settings.a}}x{{/each}}", "`{{#if}}` is closed by `{{/each}}`"),
            (
                "{{json (enabled \"isto\")}}",
                "`enabled`: no component or capability is called `isto`: did you mean `istio`?",
            ),
            ("{{required \"set it\" settings.none}}", "`required`: set it"),
            (
                "{{provider \"certificates\"}}",
                "`provider`: no enabled component provides `certificates`: ask with `enabled` first",
            ),
            ("{{gt \"a\" 1}}", "`gt`: argument 1 must be an integer, found \"a\""),
            ("{{add 1}}", "`add` takes 2 argument(s), 1 given"),
            ("{{list 1}}", "`list` gives a list or a map: write it with `json` or `yaml`"),
            ("{{fail \"not so\"}}", "`fail`: not so"),
            ("{{cidrHost \"10.0.0.0/30\" 4}}", "`cidrHost`: 10.0.0.0/30 has no address number 4"),
            ("{{cidrSize \"10.0.0.0\"}}", "`cidrSize`: `10.0.0.0` is not an IPv4 range such as 10.244.0.0/16"),
            ("{{div 1 0}}", "`div`: 1 and 0 have no integer result"),
        ];
        for (text, wanted) in cases {
            assert_eq!(rendered(text), Err(wanted.to_owned()), "{text}");
        }
    }

    #[test]
    fn lines_of_the_output_know_their_template_line() {
        let templates = Templates::new();
        let context = Context::wraps(json!({"list": [1, 2], "on": true})).unwrap();
        let text = "a: 1\n{{#each list}}\n- {{this}}\n{{/each}}\n{{#if on}}\nb: 2\n{{/if}}\nc: 3\n";
        assert_eq!(templates.line_map(text, &context), Some(vec![1, 3, 3, 6, 8]));
    }
}
