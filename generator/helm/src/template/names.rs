//! The names that a template mentions.

use std::sync::Arc;

use super::tree::{Branch, Node, Pipe, Word, WordKind};
use super::{Functions, parse};

/// Hands over each name of a field and each text in the actions of a template, with whether it stands in a named template, and
/// whether it is a text. False where the template does not parse.
pub(crate) fn names(file: &str, text: &str, functions: &dyn Functions, to: &mut dyn FnMut(&str, bool, bool)) -> bool {
    let Ok(trees) = parse::parse(file, text, functions) else { return false };
    for tree in &trees {
        let defined = *tree.name != *file;
        let mut nodes = vec![tree.root.as_slice()];
        let mut pipes: Vec<&Pipe> = Vec::new();
        while let Some(next) = nodes.pop() {
            for node in next {
                match node {
                    Node::Action { pipe, .. } => pipes.push(pipe),
                    Node::If(branch) | Node::With(branch) | Node::Range(branch) => {
                        let Branch { pipe, body, otherwise } = branch.as_ref();
                        pipes.push(pipe);
                        nodes.push(body);
                        nodes.extend(otherwise.as_deref());
                    }
                    Node::Template { pipe, .. } => pipes.extend(pipe.as_deref()),
                    Node::Text { .. } | Node::Break { .. } | Node::Continue { .. } => {}
                }
            }
        }
        while let Some(pipe) = pipes.pop() {
            let mut words: Vec<&Word> = pipe.commands.iter().flat_map(|command| &command.words).collect();
            while let Some(word) = words.pop() {
                let mut fields = |names: &[Arc<str>]| names.iter().for_each(|name| to(name, defined, false));
                match &word.kind {
                    WordKind::Field(names) => fields(names),
                    WordKind::Variable(names) => fields(names.get(1..).unwrap_or_default()),
                    WordKind::Chain(of, names) => {
                        fields(names);
                        words.push(of);
                    }
                    WordKind::Pipe(pipe) => pipes.push(pipe),
                    WordKind::String { text, .. } => to(text, defined, true),
                    _ => {}
                }
            }
        }
    }
    true
}
