//! The repository's own inputs in memory, what they render to, and the pack of upstream facts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kubezero::diagnostic::FileId;
use kubezero::pipeline::environment::{Chains, Environment};
use kubezero::pipeline::plan::Plan;
use kubezero::pipeline::render::{RenderedTree, Shared};
use kubezero::pipeline::repository::{Repository, Wanted};
use kubezero::pipeline::source::{Found, Kind, Source};
use kubezero::yaml::{Node, parse_all};
use kubezero::{Error, Failure};
use rayon::prelude::*;
use serde_json::Value as Json;

/// The top of this repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The charts' values and the CRDs as they were published. They are kept beside the repository, not in it.
pub fn upstream() -> Option<PathBuf> {
    let folder = root().join("../shared/upstream");
    if !folder.is_dir() {
        println!("skipped: ../shared/upstream is not there");
        return None;
    }
    Some(folder)
}

/// The texts of the CRDs below a folder.
pub struct Definitions(BTreeMap<PathBuf, String>);

impl Definitions {
    pub fn below(folder: &Path) -> Definitions {
        let yaml = |path: &Path| path.extension().is_some_and(|extension| extension == "yaml");
        let mut texts = BTreeMap::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.components().any(|part| part.as_os_str() == "crds") && yaml(&path) {
                    let text = fs::read_to_string(&path).unwrap();
                    texts.insert(path, text);
                }
            }
        }
        Definitions(texts)
    }

    /// The CRDs of the texts that are wanted. Of several versions of a chart the newest is the last.
    pub fn those(&self, wanted: impl Fn(&str) -> bool + Sync) -> Vec<Json> {
        let texts: Vec<(&PathBuf, &String)> = self.0.iter().filter(|(_, text)| wanted(text)).collect();
        let read = |(path, text): &(&PathBuf, &String)| {
            let parse = |part| serde_yaml::from_str(part).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let documents: Vec<Json> = text.split("\n---").map(parse).collect();
            documents.into_iter().filter(|document| document["kind"] == "CustomResourceDefinition")
        };
        texts.par_iter().flat_map_iter(read).collect()
    }

    /// The newest definition of a kind in one of its versions.
    pub fn find(&self, api_version: &str, kind: &str) -> Option<Json> {
        let (group, version) = api_version.split_once('/')?;
        let lines = [format!("kind: {kind}\n"), format!("group: {group}\n")];
        let crds = self.those(|text| lines.iter().all(|line| text.contains(line)));
        let crds = crds.iter().rev().map(|crd| &crd["spec"]);
        let found = crds
            .filter(|spec| spec["group"] == group && spec["names"]["kind"] == kind)
            .flat_map(|spec| spec["versions"].as_array().unwrap())
            .find(|found| found["name"] == version)?;
        assert_eq!(found["served"], true, "{api_version} {kind} is not served");
        Some(found.clone())
    }
}

/// The inputs of a repository, in memory.
#[derive(Clone, Default)]
pub struct Inputs(pub BTreeMap<String, Vec<u8>>);

impl Inputs {
    /// `components` and `environments` of this repository.
    pub fn of_this_repository() -> Inputs {
        let mut inputs = Inputs::default();
        for folder in ["components", "environments"] {
            inputs.0.extend(
                files_below(&root().join(folder)).into_iter().map(|(path, text)| (format!("{folder}/{path}"), text)),
            );
        }
        inputs
    }

    /// The same components, and no environment but these.
    pub fn with_environments(&self, environments: impl IntoIterator<Item = (String, Vec<u8>)>) -> Inputs {
        let of_all = ["environments/environment.schema.yaml", "environments/rules.yaml"];
        // Test cases are no inputs, and they are most of the files.
        let kept = |path: &str| {
            of_all.contains(&path) || path.starts_with("components/") && path.split('/').nth(2) != Some("tests")
        };
        let files = self.0.iter().filter(|(path, _)| kept(path));
        let mut inputs = Inputs(files.map(|(path, text)| (path.clone(), text.clone())).collect());
        inputs.0.extend(
            environments.into_iter().map(|(name, text)| (format!("environments/{name}/environment.yaml"), text)),
        );
        inputs
    }

    /// Every test case of every component as an environment called `<component>--<case>`.
    pub fn cases_as_environments(&self) -> Inputs {
        self.with_environments(self.0.iter().filter_map(|(path, text)| {
            let ["components", component, "tests", case, "environment.yaml"] = *path.split('/').collect::<Vec<_>>()
            else {
                return None;
            };
            Some((format!("{component}--{case}"), text.clone()))
        }))
    }

    /// Writes them into a folder.
    pub fn write_into(&self, folder: &Path) {
        for (path, text) in &self.0 {
            put(&folder.join(path), text);
        }
    }
}

impl Source for Inputs {
    fn list(&self, folder: &str) -> Result<Vec<Found>, Failure> {
        let mut found: BTreeMap<String, Found> = BTreeMap::new();
        for (path, text) in &self.0 {
            let Some(rest) = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')) else { continue };
            let (path, kind, size) = match rest.split_once('/') {
                Some((name, _)) => (format!("{folder}/{name}"), Kind::Folder, 0),
                None => (path.clone(), Kind::File, text.len() as u64),
            };
            found.insert(path.clone(), Found { path, kind, size });
        }
        Ok(found.into_values().collect())
    }

    fn walk(&self, folder: &str) -> Result<Vec<Found>, Failure> {
        let below = |path: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        let files = self.0.iter().filter(|(path, _)| below(path));
        Ok(files.map(|(path, text)| Found { path: path.clone(), kind: Kind::File, size: text.len() as u64 }).collect())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let missing = || Failure::new("read", path, std::io::ErrorKind::NotFound.into());
        self.0.get(path).cloned().ok_or_else(missing)
    }
}

/// What an environment came to: its files, or its mistakes as `code: message`.
pub type Outcome = Result<BTreeMap<String, String>, Vec<(&'static str, String)>>;

/// Renders every environment, and looks at each with its plan.
pub fn each_rendered(inputs: &Inputs, look: impl FnMut(&str, Result<&RenderedTree<'_>, Vec<(&'static str, String)>>)) {
    each_rendered_with(inputs, Some(&Shared::default()), look);
}

/// The same, with what environments share, or with nothing.
fn each_rendered_with(
    inputs: &Inputs,
    shared: Option<&Shared>,
    mut look: impl FnMut(&str, Result<&RenderedTree<'_>, Vec<(&'static str, String)>>),
) {
    let repository = match Repository::load(inputs, &Wanted::All) {
        Ok(repository) => repository,
        Err(Error::Mistakes(mistakes)) => {
            let mistakes: Vec<_> = mistakes.diagnostics.iter().map(|mistake| &mistake.message).collect();
            panic!("{mistakes:#?}")
        }
        Err(error) => panic!("{error}"),
    };
    let chains = Chains::default();
    let environments: Vec<_> = repository
        .environments()
        .iter()
        .map(|(name, overlay)| (name, Environment::resolve(&repository, overlay, &chains)))
        .collect();
    // A part at a time: thousands of trees do not fit into memory.
    for part in environments.chunks(64) {
        let trees: Vec<_> = part
            .par_iter()
            .map(|(name, environment)| {
                let tree = match environment {
                    Ok(environment) => Plan::new(&repository, environment).and_then(|plan| match shared {
                        Some(shared) => RenderedTree::render(&repository, plan, shared),
                        None => RenderedTree::render(&repository, plan, &Shared::default()),
                    }),
                    Err(mistakes) => Err(mistakes.clone()),
                };
                (name, tree)
            })
            .collect();
        for (name, tree) in &trees {
            let tree = tree
                .as_ref()
                .map_err(|mistakes| mistakes.iter().map(|mistake| (mistake.code, mistake.message.clone())).collect());
            look(name, tree);
        }
    }
}

/// Renders every environment.
pub fn render(inputs: &Inputs) -> BTreeMap<String, Outcome> {
    let mut outcomes = BTreeMap::new();
    each_rendered(inputs, |name, tree| {
        outcomes.insert(name.to_owned(), tree.map(texts));
    });
    outcomes
}

/// Renders every environment as if there were no other.
pub fn render_alone(inputs: &Inputs) -> BTreeMap<String, Outcome> {
    let mut outcomes = BTreeMap::new();
    each_rendered_with(inputs, None, |name, tree| {
        outcomes.insert(name.to_owned(), tree.map(texts));
    });
    outcomes
}

/// The files of a rendered tree as texts.
pub fn texts(tree: &RenderedTree<'_>) -> BTreeMap<String, String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    tree.files.iter().map(|(path, file)| (path.clone(), text(&file.text))).collect()
}

/// Renders inputs that have no mistake.
pub fn rendered(inputs: &Inputs) -> BTreeMap<String, BTreeMap<String, String>> {
    let fine = |(name, outcome): (String, Outcome)| match outcome {
        Ok(files) => (name, files),
        Err(mistakes) => panic!("{name}: {mistakes:#?}"),
    };
    render(inputs).into_iter().map(fine).collect()
}

/// This repository's environments, and the test cases of its components.
pub fn all_rendered() -> BTreeMap<String, BTreeMap<String, String>> {
    let inputs = Inputs::of_this_repository();
    let mut trees = rendered(&inputs);
    assert!(trees.len() >= 3, "three real environments");
    trees.extend(rendered(&inputs.cases_as_environments()));
    trees
}

/// The documents of a text.
pub fn documents(context: &str, text: &str) -> Vec<Json> {
    match parse_all(FileId(0), text) {
        Ok(nodes) => nodes.iter().map(Node::to_json).collect(),
        Err(error) => panic!("{context}: {}\n{text}", error.message),
    }
}

/// The documents of all files but the index and the bootstrap, which are no objects, with the paths of their files.
pub fn objects(files: &BTreeMap<String, String>) -> Vec<(&str, Json)> {
    let files = files.iter().filter(|(path, _)| *path != "index.yaml" && !path.starts_with("bootstrap/"));
    files
        .flat_map(|(path, text)| documents(path, text).into_iter().map(move |object| (path.as_str(), object)))
        .collect()
}

/// As Helm lays values over one another: maps merge, everything else replaces, null removes.
pub fn lay(under: &mut Json, over: &Json) {
    match (under, over) {
        (Json::Object(under), Json::Object(over)) => {
            for (key, value) in over {
                match under.get_mut(key) {
                    _ if value.is_null() => drop(under.remove(key)),
                    Some(below) => lay(below, value),
                    None => drop(under.insert(key.clone(), value.clone())),
                }
            }
        }
        (under, over) => *under = over.clone(),
    }
}

/// All files below a folder, by path.
pub fn files_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(top: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(top, &path, found);
            } else {
                let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    if folder.is_dir() {
        walk(folder, folder, &mut found);
    }
    found
}

/// The generated files below `argocd`, without what the writer keeps for itself.
pub fn generated(repository: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = files_below(&repository.join("argocd"));
    files.retain(|path, _| !path.starts_with(".kubezero/"));
    files
}

/// Writes a file and the folders above it.
pub fn put(path: &Path, text: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
