//! The functions of the language itself.

use super::literal::is_print;
use super::print::{self, Unprintable};
use crate::value::{List, Of, Value, Width};

/// A value on its way through a pipeline, with what Go's reflection knows of it.
#[derive(Debug, Clone, Default)]
pub(super) enum Item {
    /// There is none: the first command of a pipeline is handed nothing.
    Missing,
    /// Nothing at all: Go's zero reflection value, which prints as `<no value>` and has no fields, but asking for them is no mistake.
    #[default]
    Invalid,
    /// A value of its own type; never nil.
    Plain(Value),
    /// What a map or list holds: of type `interface {}`. Fields of a nil one are a mistake.
    Inner(Value),
}

impl Item {
    /// A value whose type is known only at run time.
    pub fn of(value: Value) -> Item {
        match value {
            Value::Nil => Item::Invalid,
            value => Item::Plain(value),
        }
    }

    /// What a list or map gives, which has a type of its own only where all that it holds has.
    pub fn held(of: Of, value: Value) -> Item {
        match of {
            Of::Anything | Of::Values => Item::Inner(value),
            _ => Item::Plain(value),
        }
    }

    /// Without the interface around it, as the end of a pipeline gives it.
    pub fn bare(self) -> Item {
        match self {
            Item::Inner(value) => Item::of(value),
            other => other,
        }
    }

    /// The value; nil where there is none.
    pub fn value(&self) -> &Value {
        match self {
            Item::Plain(value) | Item::Inner(value) => value,
            Item::Missing | Item::Invalid => &Value::Nil,
        }
    }

    /// The value; nil where there is none.
    pub fn into_value(self) -> Value {
        match self {
            Item::Plain(value) | Item::Inner(value) => value,
            Item::Missing | Item::Invalid => Value::Nil,
        }
    }

    /// Its type, as messages name it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Item::Inner(_) => "interface {}",
            item => item.value().type_name(),
        }
    }
}

/// The functions of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Builtin {
    And,
    Call,
    Eq,
    Ge,
    Gt,
    Html,
    Index,
    Js,
    Le,
    Len,
    Lt,
    Ne,
    Not,
    Or,
    Print,
    Printf,
    Println,
    Slice,
    Urlquery,
}

/// What a function of the language takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parameter {
    /// Anything, with what is known of its type.
    Reflected,
    /// Anything.
    Any,
    String,
}

impl Builtin {
    pub fn named(name: &str) -> Option<Builtin> {
        Some(match name {
            "and" => Builtin::And,
            "call" => Builtin::Call,
            "eq" => Builtin::Eq,
            "ge" => Builtin::Ge,
            "gt" => Builtin::Gt,
            "html" => Builtin::Html,
            "index" => Builtin::Index,
            "js" => Builtin::Js,
            "le" => Builtin::Le,
            "len" => Builtin::Len,
            "lt" => Builtin::Lt,
            "ne" => Builtin::Ne,
            "not" => Builtin::Not,
            "or" => Builtin::Or,
            "print" => Builtin::Print,
            "printf" => Builtin::Printf,
            "println" => Builtin::Println,
            "slice" => Builtin::Slice,
            "urlquery" => Builtin::Urlquery,
            _ => return None,
        })
    }

    /// Its parameters, and the type of any number of further ones.
    pub fn parameters(self) -> (&'static [Parameter], Option<Parameter>) {
        use Parameter::{Any, Reflected, String};
        match self {
            Builtin::And | Builtin::Or | Builtin::Call | Builtin::Eq | Builtin::Index | Builtin::Slice => {
                (&[Reflected], Some(Reflected))
            }
            Builtin::Ge | Builtin::Gt | Builtin::Le | Builtin::Lt | Builtin::Ne => (&[Reflected, Reflected], None),
            Builtin::Len | Builtin::Not => (&[Reflected], None),
            Builtin::Html | Builtin::Js | Builtin::Print | Builtin::Println | Builtin::Urlquery => (&[], Some(Any)),
            Builtin::Printf => (&[String], Some(Any)),
        }
    }
}

/// Why a function of the language gave nothing.
#[derive(Debug)]
pub(super) enum Failed {
    /// In Go's words.
    Message(String),
    Unprintable(Unprintable),
}

impl From<Unprintable> for Failed {
    fn from(reason: Unprintable) -> Failed {
        Failed::Unprintable(reason)
    }
}

fn fail<T>(message: impl Into<String>) -> Result<T, Failed> {
    Err(Failed::Message(message.into()))
}

/// Calls one; `and` and `or` are not called, because they do not want all arguments. `most` bounds what is printed; `callee` is
/// how the first argument is written.
pub(super) fn call(builtin: Builtin, arguments: Vec<Item>, callee: &str, most: usize) -> Result<Item, Failed> {
    let mut arguments = arguments.into_iter();
    let mut next = || arguments.next().unwrap_or_default();
    let truth = |truth| Ok(Item::Plain(Value::Bool(truth)));
    match builtin {
        Builtin::And | Builtin::Or => fail("unreachable"),
        Builtin::Call => match next().bare() {
            Item::Plain(value) => fail(format!("non-function {callee} of type {}", value.type_name())),
            _ => fail("call of nil"),
        },
        Builtin::Eq => {
            let first = next().bare();
            truth(equal_to_any(&first, arguments, most)?)
        }
        Builtin::Ne => {
            let first = next().bare();
            truth(!equal_to_any(&first, arguments, most)?)
        }
        Builtin::Lt => truth(less(&next(), &next())?),
        Builtin::Le => truth(less_or_equal(next(), next(), most)?),
        Builtin::Gt => truth(!less_or_equal(next(), next(), most)?),
        Builtin::Ge => truth(!less(&next(), &next())?),
        Builtin::Not => truth(!next().value().truth()),
        Builtin::Len => length(&next()),
        Builtin::Index => {
            let item = next();
            index(item, arguments)
        }
        Builtin::Slice => {
            let item = next();
            slice(item, arguments.collect())
        }
        Builtin::Print => text(print::print(&values(arguments), most)?),
        Builtin::Println => text(print::println(&values(arguments), most)?),
        Builtin::Printf => {
            let format = next().into_value();
            let Value::String(format) = format else {
                return fail("no format");
            };
            text(print::printf(&format, &values(arguments), most)?)
        }
        Builtin::Html => text(html(&plain_text(arguments, most)?)),
        Builtin::Js => text(js(&plain_text(arguments, most)?)),
        Builtin::Urlquery => text(url_query(&plain_text(arguments, most)?)),
    }
}

fn text(text: String) -> Result<Item, Failed> {
    Ok(Item::Plain(Value::String(text.into())))
}

fn values(arguments: impl Iterator<Item = Item>) -> Vec<Value> {
    arguments.map(Item::into_value).collect()
}

/// What `html`, `js` and `urlquery` work on: the arguments printed as an action prints them.
fn plain_text(arguments: impl Iterator<Item = Item>, most: usize) -> Result<String, Unprintable> {
    let values: Vec<Value> = arguments
        .map(|argument| match argument.into_value() {
            Value::Nil => Value::from("<no value>"),
            value => value,
        })
        .collect();
    print::print(&values, most)
}

// Comparison

/// Go's basic kinds, which are all that can be compared by order.
#[derive(Debug, PartialEq, Eq)]
enum Basic {
    Bool,
    Int,
    Uint,
    Float,
    String,
}

fn basic(value: &Value) -> Option<Basic> {
    match value {
        Value::Bool(_) => Some(Basic::Bool),
        Value::Int(_) => Some(Basic::Int),
        Value::Sized(_, Width::Int64) => Some(Basic::Int),
        Value::Sized(_, Width::Uint8 | Width::Uint64) => Some(Basic::Uint),
        Value::Float(_) => Some(Basic::Float),
        Value::String(_) => Some(Basic::String),
        Value::Nil | Value::List(_) | Value::Map(_) | Value::Object(_) => None,
    }
}

fn incompatible<T>(left: &Value, right: &Value) -> Result<T, Failed> {
    fail(format!("incompatible types for comparison: {} and {}", left.type_name(), right.type_name()))
}

fn equal_to_any(first: &Item, others: impl Iterator<Item = Item>, most: usize) -> Result<bool, Failed> {
    let mut none = true;
    let left = first.value();
    for other in others {
        none = false;
        let right = other.value();
        let nil = matches!(left, Value::Nil) || matches!(right, Value::Nil);
        let equal = match (basic(left), basic(right)) {
            // A number without a sign is compared by what it is worth.
            (Some(Basic::Int | Basic::Uint), Some(Basic::Int | Basic::Uint)) => left.whole() == right.whole(),
            (left_kind, right_kind) if left_kind != right_kind => {
                if !nil {
                    return incompatible(left, right);
                }
                false
            }
            (Some(_), _) => left == right,
            _ if nil => matches!((left, right), (Value::Nil, Value::Nil)),
            _ if left.kind() != right.kind() => {
                let (left_shown, right_shown) = (print::verb(left, 's', most)?, print::value(right, most)?);
                return fail(format!(
                    "non-comparable types {left_shown}: {}, {}: {right_shown}",
                    left.type_name(),
                    right.type_name()
                ));
            }
            _ => match right {
                Value::Object(_) => left == right,
                right => {
                    let shown = print::verb(right, 's', most)?;
                    return fail(format!("non-comparable type {shown}: {}", right.type_name()));
                }
            },
        };
        if equal {
            return Ok(true);
        }
    }
    if none { fail("missing argument for comparison") } else { Ok(false) }
}

fn less(left: &Item, right: &Item) -> Result<bool, Failed> {
    const BAD: &str = "invalid type for comparison";
    let (left, right) = (left.value(), right.value());
    if basic(left).is_none() || basic(right).is_none() {
        return fail(BAD);
    }
    match (left, right) {
        (Value::Int(left) | Value::Sized(left, _), Value::Int(right) | Value::Sized(right, _)) => Ok(left < right),
        (Value::Float(left), Value::Float(right)) => Ok(left < right),
        (Value::String(left), Value::String(right)) => Ok(left < right),
        (Value::Bool(_), Value::Bool(_)) => fail(BAD),
        _ => incompatible(left, right),
    }
}

fn less_or_equal(left: Item, right: Item, most: usize) -> Result<bool, Failed> {
    Ok(less(&left, &right)? || equal_to_any(&left.bare(), std::iter::once(right), most)?)
}

// Parts

fn length(item: &Item) -> Result<Item, Failed> {
    let length = match item {
        Item::Inner(Value::Nil) => return fail("len of nil pointer"),
        item => match item.value() {
            Value::String(text) => text.len(),
            Value::List(values) => values.len(),
            Value::Map(map) => map.len(),
            Value::Nil => return fail("reflect: call of reflect.Value.Type on zero Value"),
            Value::Object(object) => match object.as_map() {
                Some(map) if object.reflected() == "map" => map.len(),
                _ => return fail(format!("len of type {}", object.kind())),
            },
            value => return fail(format!("len of type {}", value.type_name())),
        },
    };
    Ok(Item::Plain(Value::Int(i64::try_from(length).unwrap_or(i64::MAX))))
}

/// An index into something so long.
fn position(index: &Item, length: usize) -> Result<usize, Failed> {
    match index {
        Item::Plain(Value::Int(number) | Value::Sized(number, _)) => match usize::try_from(*number) {
            Ok(position) if position <= length => Ok(position),
            _ => fail(format!("index out of range: {number}")),
        },
        Item::Missing | Item::Invalid => fail("cannot index slice/array with nil"),
        index => fail(format!("cannot index slice/array with type {}", index.type_name())),
    }
}

fn index(item: Item, indexes: impl Iterator<Item = Item>) -> Result<Item, Failed> {
    let mut item = item.bare();
    if matches!(item, Item::Invalid) {
        return fail("index of untyped nil");
    }
    for index in indexes {
        let index = index.bare();
        item = match item.value() {
            Value::Nil => return fail("index of nil pointer"),
            Value::List(values) => match values.get(position(&index, values.len())?) {
                Some(value) => Item::held(values.item_type(), value.clone()),
                None => return fail("reflect: slice index out of range"),
            },
            Value::String(text) => match text.as_bytes().get(position(&index, text.len())?) {
                Some(byte) => Item::Plain(Value::Sized(i64::from(*byte), Width::Uint8)),
                None => return fail("reflect: string index out of range"),
            },
            Value::Map(map) => Item::held(map.item_type(), map.get_or_zero(key(&index)?)),
            value => match value {
                Value::Object(object) if object.reflected() == "map" => {
                    Item::Inner(object.field(key(&index)?).unwrap_or_default())
                }
                value => return fail(format!("can't index item of type {}", value.type_name())),
            },
        };
    }
    Ok(item)
}

fn key(index: &Item) -> Result<&str, Failed> {
    match index.value() {
        Value::String(key) => Ok(key),
        Value::Nil => fail("value is nil; should be of type string"),
        value => fail(format!("value has type {}; should be string", value.type_name())),
    }
}

fn slice(item: Item, indexes: Vec<Item>) -> Result<Item, Failed> {
    let item = item.bare();
    if matches!(item, Item::Invalid) {
        return fail("slice of untyped nil");
    }
    if indexes.len() > 3 {
        return fail(format!("too many slice indexes: {}", indexes.len()));
    }
    let length = match item.value() {
        Value::String(_) if indexes.len() == 3 => return fail("cannot 3-index slice a string"),
        Value::String(text) => text.len(),
        Value::List(values) => values.len(),
        value => return fail(format!("can't slice item of type {}", value.type_name())),
    };
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(&indexes) {
        *bound = position(index, length)?;
    }
    let [start, end, most] = bounds;
    for (low, high) in [(start, end), (end, most)] {
        if low > high {
            return fail(format!("invalid slice index: {low} > {high}"));
        }
    }
    match item.value() {
        Value::String(text) => {
            // Go cuts between bytes; what is then no text is shown as such.
            let cut = String::from_utf8_lossy(&text.as_bytes()[start..end]);
            Ok(Item::Plain(Value::from(&*cut)))
        }
        Value::List(values) => Ok(Item::Plain(List::of(values.item_type(), values[start..end].to_vec()).into())),
        _ => fail("can't slice"),
    }
}

// Escapes

fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0' => escaped.push('\u{fffd}'),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn js(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\'' => escaped.push_str("\\'"),
            '"' => escaped.push_str("\\\""),
            '<' | '>' | '&' | '=' => escaped.push_str(&format!("\\u{:04X}", u32::from(c))),
            c if c < ' ' || !c.is_ascii() && !is_print(c) => {
                escaped.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

fn url_query(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => escaped.push(byte.into()),
            b' ' => escaped.push('+'),
            byte => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}
