//! `kubezero images`

use std::collections::BTreeSet;

use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use super::output::{count, print, print_json};
use super::table::{table, width};
use super::{Global, Outcome};
use crate::pipeline::objects::images::{Image, images};
use crate::pipeline::objects::{EnvironmentObjects, Unseen};
use crate::{Result, pipeline};

/// List the images that an environment runs, and who runs them, from charts at hand
#[derive(Debug, Args)]
pub struct ImagesArgs {
    /// Environment
    #[arg(value_name = "ENV")]
    pub environment: String,
    /// How they are listed
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_default_value = true)]
    pub format: Format,
}

/// Forms of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// Shape `images` of docs/json.md
    Json,
}

/// Runs the command.
pub fn run(global: &Global, args: &ImagesArgs) -> Result<Outcome> {
    for environment in gather(global, &args.environment)? {
        let found = images(&environment);
        match args.format {
            Format::Text => print(&text(&environment, &found, width()))?,
            Format::Json => print_json(&json!({
                "kind": "images",
                "version": 1,
                "environment": environment.environment,
                "images": found,
                "unseen": unseen_json(&environment.unseen),
            }))?,
        }
    }
    Ok(Outcome::Fine)
}

/// The objects of an environment.
pub fn gather(global: &Global, environment: &str) -> Result<Vec<EnvironmentObjects>> {
    let repository = global.load(std::slice::from_ref(&environment.to_owned()))?;
    let environments = pipeline::resolve(&repository)?;
    let trees = pipeline::render(&repository, &environments)?;
    Ok(trees.iter().map(|tree| EnvironmentObjects::of(&repository, tree)).collect())
}

/// What could not be had, as JSON.
pub fn unseen_json(unseen: &[Unseen]) -> Json {
    let one = |unseen: &Unseen| {
        json!({
            "component": unseen.component,
            "application": unseen.application,
            "chart": unseen.chart,
            "version": unseen.version,
            "why": unseen.why,
            "remedy": unseen.remedy,
        })
    };
    unseen.iter().map(one).collect()
}

/// What could not be had, one line each.
pub fn unseen_text(unseen: &[Unseen]) -> String {
    let mut lines = BTreeSet::new();
    for one in unseen {
        let remedy = one.remedy.map(|remedy| format!(", {remedy}")).unwrap_or_default();
        lines.insert(format!("skipped: {} {} {}{remedy}\n", one.chart, one.version, one.why));
    }
    lines.into_iter().collect()
}

fn text(environment: &EnvironmentObjects, images: &[Image], width: usize) -> String {
    let rows: BTreeSet<Vec<String>> = images
        .iter()
        .flat_map(|image| {
            let pinned = match (&image.digest, image.moves) {
                (Some(_), _) => "digest",
                (None, true) => "nothing",
                (None, false) => "tag",
            };
            // A digest is too long to be read, and the tag beside it says which version it is.
            let shown = match image.image.split_once("@sha256:") {
                Some((name, digest)) => format!("{name}@sha256:{}…", digest.get(..12).unwrap_or(digest)),
                None => image.image.clone(),
            };
            image.used_by.iter().map(move |user| vec![user.application.clone(), pinned.to_owned(), shown.clone()])
        })
        .collect();
    let mut out = table(&["USED BY", "PINNED BY", "IMAGE"], &Vec::from_iter(rows), width);
    let moving = images.iter().filter(|image| image.moves).count();
    let by_digest = images.iter().filter(|image| image.digest.is_some()).count();
    let registries: BTreeSet<&str> = images.iter().map(|image| image.registry.as_str()).collect();
    let registries = match registries.len() {
        1 => "1 registry".to_owned(),
        many => format!("{many} registries"),
    };
    out += &format!(
        "\n{} of {registries}: {by_digest} by digest, {} by tag, {moving} that can change under the same name\n",
        count(images.len(), "image"),
        images.len() - by_digest - moving,
    );
    out += &unseen_text(&environment.unseen);
    out
}
