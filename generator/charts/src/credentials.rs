//! Logins, from the files in which Helm and Docker keep them.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::Value;

use crate::error::{FetchError, Kind};
use crate::url::{Url, shown, split_port};
use crate::yaml::{self, Anchors};

/// A name and a password. Neither is ever shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Login {
    user: String,
    password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Login(…)")
    }
}

impl Login {
    /// A login.
    pub fn new(user: &str, password: &str) -> Login {
        Login { user: user.to_owned(), password: password.to_owned() }
    }

    #[cfg(test)]
    pub(crate) fn password(&self) -> &str {
        &self.password
    }

    /// The header that carries it.
    pub(crate) fn header(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.user, self.password)))
    }
}

/// How a server is known, and how it knows us.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Tls {
    pub(crate) ca: Option<PathBuf>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) unchecked: bool,
}

/// A repository as `helm repo add` wrote it down.
#[derive(Debug, Clone)]
struct Repository {
    url: Url,
    login: Option<Login>,
    tls: Tls,
    pass_to_all: bool,
}

/// How a repository is asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Access {
    pub(crate) login: Option<Login>,
    pub(crate) tls: Tls,
    /// The login also goes to other hosts that the index names; the user said so.
    pub(crate) pass_to_all: bool,
}

/// What a registry is asked for a token with.
#[derive(Clone)]
pub(crate) enum RegistryLogin {
    Basic(Login),
    /// An identity token, which is traded for a short one.
    Refresh(String),
}

/// A `config.json` of Docker's kind.
#[derive(Clone)]
struct Config {
    path: PathBuf,
    value: Value,
}

impl fmt::Debug for Config {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "Config({})", self.path.display())
    }
}

/// What Helm's and Docker's files say of repositories and registries. Nothing of it is ever printed.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    repositories: Vec<Repository>,
    configs: Vec<Config>,
    /// Where programs are looked for.
    path: Option<OsString>,
}

/// Where the files lie, as Helm and Docker look for them.
struct Places {
    repositories: Option<PathBuf>,
    configs: Vec<PathBuf>,
}

impl Places {
    fn of(variable: &dyn Fn(&str) -> Option<String>) -> Places {
        let path = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = path("HOME");
        let usual = home.as_ref().map(|home| {
            if cfg!(target_os = "macos") { home.join("Library/Preferences/helm") } else { home.join(".config/helm") }
        });
        let helm = path("HELM_CONFIG_HOME").or_else(|| path("XDG_CONFIG_HOME").map(|xdg| xdg.join("helm"))).or(usual);
        let in_helm = |file: &str| helm.as_ref().map(|helm| helm.join(file));
        let docker = path("DOCKER_CONFIG").or_else(|| home.map(|home| home.join(".docker")));
        let registry = path("HELM_REGISTRY_CONFIG").or_else(|| in_helm("registry/config.json"));
        Places {
            repositories: path("HELM_REPOSITORY_CONFIG").or_else(|| in_helm("repositories.yaml")),
            configs: registry.into_iter().chain(docker.map(|docker| docker.join("config.json"))).collect(),
        }
    }
}

impl Credentials {
    /// Reads the files that Helm and Docker would read. What does not exist is not missed; what cannot be read is a mistake.
    pub fn load(variable: &dyn Fn(&str) -> Option<String>) -> Result<Credentials, FetchError> {
        let places = Places::of(variable);
        let mut credentials = Credentials { path: variable("PATH").map(OsString::from), ..Credentials::default() };
        if let Some(path) = &places.repositories
            && let Some(text) = read(path)?
        {
            credentials.repositories = repositories(&text).map_err(|why| unreadable(path, &why))?;
        }
        for path in places.configs {
            if let Some(text) = read(&path)? {
                let value = if text.trim().is_empty() { Ok(Value::Null) } else { serde_json::from_str(&text) };
                // What the parser says may quote the text.
                let value = value.map_err(|error| {
                    unreadable(&path, &format!("it is no JSON, at line {}, column {}", error.line(), error.column()))
                })?;
                credentials.configs.push(Config { path, value });
            }
        }
        Ok(credentials)
    }

    /// How a repository is asked: as its address says, or as Helm knows it.
    pub(crate) fn repository(&self, url: &Url) -> Access {
        let known = self.repositories.iter().find(|known| known.url.folder().request() == url.folder().request());
        let mut access = known.map_or_else(Access::default, |known| Access {
            login: known.login.clone(),
            tls: known.tls.clone(),
            pass_to_all: known.pass_to_all,
        });
        if url.login.is_some() {
            access.login = url.login.clone();
        }
        access
    }

    /// The login to a registry, `host` or `host:port`.
    pub(crate) fn registry(&self, host: &str) -> Result<Option<RegistryLogin>, FetchError> {
        for config in &self.configs {
            if let Some(login) = config.login(host, self.path.as_deref())? {
                return Ok(Some(login));
            }
        }
        Ok(None)
    }
}

impl Config {
    fn login(&self, host: &str, path: Option<&OsStr>) -> Result<Option<RegistryLogin>, FetchError> {
        let helpers = self.value.get("credHelpers").and_then(Value::as_object);
        let helper = helpers.into_iter().flatten().find(|(key, _)| names(key, host));
        if let Some((key, helper)) = helper.and_then(|(key, helper)| Some((key, helper.as_str()?))) {
            return self.ask(helper, key, path);
        }
        let logins = self.value.get("auths").and_then(Value::as_object);
        let mut key = None;
        for (name, login) in logins.into_iter().flatten().filter(|(name, _)| names(name, host)) {
            key = Some(name.as_str());
            let text = |field: &str| login.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
            if let Some(token) = text("identitytoken") {
                return Ok(Some(RegistryLogin::Refresh(token.to_owned())));
            }
            if let Some(auth) = text("auth") {
                let login = STANDARD
                    .decode(auth)
                    .or_else(|_| STANDARD_NO_PAD.decode(auth))
                    .ok()
                    .and_then(|bytes| String::from_utf8(bytes).ok())
                    .and_then(|pair| {
                        let (user, password) = pair.split_once(':')?;
                        Some(Login::new(user, password.trim_end_matches('\0')))
                    });
                let login = login.ok_or_else(|| unreadable(&self.path, &format!("the login of {name} is damaged")))?;
                return Ok(Some(RegistryLogin::Basic(login)));
            }
            if let (Some(user), Some(password)) = (text("username"), text("password")) {
                return Ok(Some(RegistryLogin::Basic(Login::new(user, password))));
            }
        }
        match self.value.get("credsStore").and_then(Value::as_str).filter(|store| !store.is_empty()) {
            Some(store) => self.ask(store, key.unwrap_or(if host == DOCKER { DOCKER_KEY } else { host }), path),
            None => Ok(None),
        }
    }

    /// Asks a program of the user's own, as Docker does.
    fn ask(&self, helper: &str, server: &str, path: Option<&OsStr>) -> Result<Option<RegistryLogin>, FetchError> {
        let program = format!("docker-credential-{helper}");
        let failed = |why: String| {
            let asked = format!("the login to {}", shown(server));
            FetchError::new(Kind::Credentials, asked, format!("{program} ({})", self.path.display()), why)
        };
        if !helper.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
            return Err(failed("this is no name of a program".to_owned()));
        }
        let places = path.map(std::env::split_paths).into_iter().flatten();
        let Some(file) = places.map(|folder| folder.join(&program)).find(|file| file.is_file()) else {
            return Err(failed("there is no such program in PATH".to_owned()));
        };
        let mut child = Command::new(&file)
            .arg("get")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(format!("it cannot be run: {error}")))?;
        if let Some(mut input) = child.stdin.take() {
            // A program that does not want to read says why by its exit code.
            let _ = input.write_all(server.as_bytes());
        }
        let output = child.wait_with_output().map_err(|error| failed(format!("it cannot be run: {error}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout).to_lowercase();
            if said.contains("not found") || said.contains("no credentials") {
                return Ok(None);
            }
            return Err(failed(format!("it ended with {}", output.status)));
        }
        let answer: Value =
            serde_json::from_slice(&output.stdout).map_err(|_| failed("what it printed is no JSON".to_owned()))?;
        let field = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default();
        Ok(match (field("Username"), field("Secret")) {
            (_, "") => None,
            ("<token>", token) => Some(RegistryLogin::Refresh(token.to_owned())),
            (user, password) => Some(RegistryLogin::Basic(Login::new(user, password))),
        })
    }
}

const DOCKER: &str = "registry-1.docker.io";
const DOCKER_KEY: &str = "https://index.docker.io/v1/";

/// Whether a key of `auths` means a registry: keys may have a scheme and a path.
fn names(key: &str, host: &str) -> bool {
    let rest = key.split_once("://").map_or(key, |(_, rest)| rest);
    let name = rest.split('/').next().unwrap_or_default();
    let docker = ["index.docker.io", "docker.io", "registry-1.docker.io"];
    if host == DOCKER { docker.contains(&name) } else { same_host(name, host) }
}

fn same_host(left: &str, right: &str) -> bool {
    match (split_port(left), split_port(right)) {
        (Some((left, left_port)), Some((right, right_port))) => {
            left == right && left_port.unwrap_or(443) == right_port.unwrap_or(443)
        }
        _ => false,
    }
}

fn read(path: &Path) -> Result<Option<String>, FetchError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(unreadable(path, &format!("it cannot be read: {error}"))),
    }
}

fn unreadable(path: &Path, why: &str) -> FetchError {
    FetchError::new(Kind::Credentials, "logins", path.display(), why)
}

fn repositories(text: &str) -> Result<Vec<Repository>, String> {
    // What the parser says may quote the text: only its line is told.
    let value = yaml::read(text, Anchors::Nothing).map_err(|error| {
        let line = error.split(':').next().filter(|start| start.starts_with("line ")).unwrap_or_default();
        format!("it is no YAML {line}").trim_end().to_owned()
    })?;
    let list = value.get("repositories").and_then(Value::as_array);
    Ok(list
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let text = |key: &str| entry.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
            let file = |key: &str| text(key).map(PathBuf::from);
            let yes = |key: &str| text(key) == Some("true");
            let login = text("username").map(|user| Login::new(user, text("password").unwrap_or_default()));
            let tls = Tls {
                ca: file("caFile"),
                certificate: file("certFile"),
                key: file("keyFile"),
                unchecked: yes("insecure_skip_tls_verify"),
            };
            let url = Url::parse(text("url")?)?;
            Some(Repository {
                login: login.or_else(|| url.login.clone()),
                url,
                tls,
                pass_to_all: yes("pass_credentials_all"),
            })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::{Places, RegistryLogin, names};
    use std::path::{Path, PathBuf};

    fn places(variables: &[(&str, &str)]) -> Places {
        let owned: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Places::of(&move |name| owned.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
    }

    #[test]
    fn files_lie_where_helm_and_docker_look() {
        let found = places(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/x")]);
        assert_eq!(found.repositories.as_deref(), Some(Path::new("/x/helm/repositories.yaml")));
        assert_eq!(found.configs, ["/x/helm/registry/config.json", "/h/.docker/config.json"].map(PathBuf::from));
        let found = places(&[
            ("HOME", "/h"),
            ("HELM_CONFIG_HOME", "/c"),
            ("HELM_REPOSITORY_CONFIG", "/r.yaml"),
            ("DOCKER_CONFIG", "/d"),
        ]);
        assert_eq!(found.repositories.as_deref(), Some(Path::new("/r.yaml")));
        assert_eq!(found.configs, ["/c/registry/config.json", "/d/config.json"].map(PathBuf::from));
        assert!(places(&[]).configs.is_empty());
    }

    #[test]
    fn registries_are_known_by_host_and_port() {
        for (key, host, same) in [
            ("ghcr.io", "ghcr.io", true),
            ("https://ghcr.io/v2/", "ghcr.io", true),
            ("ghcr.io:443", "ghcr.io", true),
            ("ghcr.io.evil.example", "ghcr.io", false),
            ("localhost:5000", "localhost:5001", false),
            ("https://index.docker.io/v1/", "registry-1.docker.io", true),
            ("docker.io", "example.com", false),
        ] {
            assert_eq!(names(key, host), same, "{key} {host}");
        }
    }

    #[test]
    fn a_damaged_file_is_named_and_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        let load = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let folder = folder.path().to_str().unwrap().to_owned();
            super::Credentials::load(&move |name| (name == "DOCKER_CONFIG").then(|| folder.clone()))
        };
        let error = load("{\"auths\": {\"x\": {\"auth\": secret").unwrap_err().to_string();
        assert!(error.contains("config.json") && error.contains("column") && !error.contains("secret"), "{error}");
        let known =
            load("{\"auths\": {\"x.example\": {\"auth\": \"dTpwOnE=\"}, \"y.example\": {\"auth\": \"!\"}}}").unwrap();
        assert!(
            matches!(known.registry("x.example").unwrap(), Some(RegistryLogin::Basic(login)) if login.password() == "p:q")
        );
        assert!(known.registry("z.example").unwrap().is_none());
        assert!(known.registry("y.example").is_err());
        assert!(!format!("{known:?}").contains("auth"));
    }
}
