//! What differs between two values, as a list of edits, and the way back: base and edits give head.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// A change at one path of a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Edit {
    /// Where, from the top.
    pub path: Vec<Segment>,
    /// What.
    pub change: Change,
}

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", untagged)]
pub enum Segment {
    /// Into a map.
    Key(String),
    /// Into a list.
    Item {
        /// What tells the item from others, `name=web` or `containerPort=80,protocol=TCP`; empty where only its place does.
        item: String,
        /// Its index before; none where it is new.
        old: Option<usize>,
        /// Its index after; none where it is gone.
        new: Option<usize>,
    },
}

/// What happens at a path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "change")]
pub enum Change {
    /// The value comes.
    Added {
        /// What comes.
        new: Json,
    },
    /// The value goes.
    Removed {
        /// What goes.
        old: Json,
    },
    /// Another value stands there.
    Replaced {
        /// Before.
        old: Json,
        /// After.
        new: Json,
        /// What differs inside, where both are texts of a format that could be read.
        inside: Option<Inside>,
    },
    /// The items of the list that stay stand in another order.
    Reordered {
        /// Old indexes of the items that stay, in their new order.
        order: Vec<usize>,
    },
}

/// What differs inside an embedded document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inside {
    /// What it was read as.
    pub format: Format,
    /// Its edits; paths start at the top of the document. Empty where only layout or comments differ.
    pub edits: Vec<Edit>,
}

/// A format of embedded documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// YAML.
    Yaml,
    /// JSON.
    Json,
    /// TOML.
    Toml,
    /// `key=value` lines.
    Properties,
}
