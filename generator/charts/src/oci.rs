//! Charts in registries: a manifest by its tag, then the layer that is the archive.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::Pin;
use crate::cache::{is_sha256, sha256};
use crate::credentials::{RegistryLogin, Tls};
use crate::error::{DigestOf, FetchError, Kind};
use crate::http::{Client, Reply, Request, Trouble};
use crate::url::{Url, form, is_loopback, shown, split_port};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEXES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];
const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
/// What Helm calls the archive, and what it called it before it was settled.
const LAYERS: [&str; 2] = ["application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip"];

const MOST_MANIFEST: u64 = 4 * 1024 * 1024;
const MOST_PAGES: usize = 1000;

/// A repository in a registry, of one chart.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    /// `host` or `host:port`, as logins know it.
    pub(crate) host: String,
    base: Url,
    path: String,
}

impl Reference {
    /// `public.ecr.aws/aws-ec2/helm` or `oci://…`, with the name of the chart.
    pub(crate) fn new(repository: &str, name: &str) -> Result<Reference, String> {
        let plain = repository.strip_prefix("oci://").unwrap_or(repository).trim_end_matches('/');
        let (host, folder) = plain.split_once('/').unwrap_or((plain, ""));
        let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let legal = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte))
                && part.starts_with(|c: char| c.is_ascii_alphanumeric())
        };
        if !path.split('/').all(legal) {
            return Err(format!("{path:?} is no name of a repository in a registry"));
        }
        let known = match host.to_ascii_lowercase().as_str() {
            "docker.io" | "index.docker.io" => "registry-1.docker.io".to_owned(),
            other => other.to_owned(),
        };
        let Some((bare, _)) = split_port(&known) else { return Err(format!("{:?} is no name of a host", shown(host))) };
        // As Docker has it: a registry on this machine is not asked to prove who it is.
        let scheme = if is_loopback(&bare) { "http" } else { "https" };
        let base = Url::parse(&format!("{scheme}://{known}/v2/"));
        let base = base.ok_or_else(|| format!("{:?} is no name of a host", shown(host)))?;
        Ok(Reference { host: known, base, path })
    }

    fn url(&self, rest: &str) -> Url {
        self.base.below(&format!("{}/{rest}", self.path))
    }
}

/// The tag of a version: tags cannot hold a `+`.
pub(crate) fn tag(version: &str) -> String {
    version.replace('+', "_")
}

/// What a manifest says.
#[derive(Debug, Clone)]
pub(crate) struct Manifest {
    /// `sha256:…` of the manifest.
    pub(crate) digest: String,
    /// 64 digits: the archive's own digest.
    pub(crate) layer: String,
    size: Option<u64>,
}

/// Registries, with what they let us in by.
pub(crate) struct Registries<'a> {
    client: &'a Client<'a>,
    /// Headers, by host and repository.
    tokens: Mutex<HashMap<(String, String), String>>,
}

impl<'a> Registries<'a> {
    pub(crate) fn new(client: &'a Client<'a>) -> Registries<'a> {
        Registries { client, tokens: Mutex::default() }
    }

    /// Reads the manifest of a version.
    pub(crate) fn manifest(&self, reference: &Reference, pin: &Pin, what: &str) -> Result<Manifest, FetchError> {
        let url = reference.url(&format!("manifests/{}", tag(&pin.version)));
        let accept = [MANIFEST, INDEXES[0], INDEXES[1], "*/*;q=0.1"].join(", ");
        let request = Request { accept: Some(&accept), most: MOST_MANIFEST, ..self.request(what, url.clone()) };
        let (bytes, reply) = self.ask(reference, &request)?;
        let digest = format!("sha256:{}", sha256(&bytes));
        if let Some(said) = reply.digest.filter(|said| said.starts_with("sha256:") && *said != digest) {
            return Err(FetchError::wrong_digest(DigestOf::Manifest, what, &url, &said, &digest));
        }
        if let Some(wanted) = pin.oci_digest.as_ref().filter(|wanted| **wanted != digest) {
            return Err(FetchError::wrong_digest(DigestOf::Manifest, what, &url, wanted, &digest));
        }
        let wrong = |came: String| FetchError::new(Kind::Malformed, what, &url, came);
        let manifest: Value =
            serde_json::from_slice(&bytes).map_err(|error| wrong(format!("the manifest is no JSON: {error}")))?;
        let kind = manifest.get("mediaType").and_then(Value::as_str).unwrap_or_default();
        if INDEXES.contains(&kind) || manifest.get("manifests").is_some() {
            return Err(wrong("it is an index of several manifests, and a chart is one".to_owned()));
        }
        let config = manifest.pointer("/config/mediaType").and_then(Value::as_str).unwrap_or("nothing");
        if config != CONFIG {
            return Err(FetchError::new(Kind::OtherChart, what, &url, format!("it is no chart, but {config}")));
        }
        let layers = manifest.get("layers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let is_archive =
            |layer: &&Value| layer.get("mediaType").and_then(Value::as_str).is_some_and(|kind| LAYERS.contains(&kind));
        let mut archives = layers.iter().filter(is_archive);
        let (Some(archive), None) = (archives.next(), archives.next()) else {
            return Err(wrong("the manifest should name one archive of a chart".to_owned()));
        };
        let layer = archive.get("digest").and_then(Value::as_str).unwrap_or_default();
        let Some(layer) = layer.strip_prefix("sha256:").filter(|digits| is_sha256(digits)) else {
            return Err(wrong("the manifest names its archive by something else than a sha256".to_owned()));
        };
        Ok(Manifest { digest, layer: layer.to_owned(), size: archive.get("size").and_then(Value::as_u64) })
    }

    /// Downloads the archive that a manifest names. Whether it is that archive is for the caller to see.
    pub(crate) fn archive(
        &self,
        reference: &Reference,
        manifest: &Manifest,
        what: &str,
        most: u64,
    ) -> Result<(Vec<u8>, Url), FetchError> {
        let url = reference.url(&format!("blobs/sha256:{}", manifest.layer));
        if let Some(size) = manifest.size.filter(|size| *size > most) {
            let came = format!("it is larger than it may be: {size} bytes, {most} at most");
            return Err(FetchError::new(Kind::TooLarge, what, &url, came));
        }
        let request = Request { most, known_digest: true, ..self.request(what, url.clone()) };
        Ok((self.ask(reference, &request)?.0, url))
    }

    /// All tags of a chart.
    pub(crate) fn tags(&self, reference: &Reference, what: &str) -> Result<Vec<String>, FetchError> {
        let mut url = reference.url("tags/list").with_query(&[("n", "1000")]);
        let mut tags = Vec::new();
        for _ in 0..MOST_PAGES {
            let request = Request { most: MOST_MANIFEST, ..self.request(what, url.clone()) };
            let (bytes, reply) = self.ask(reference, &request)?;
            let wrong = |came: String| FetchError::new(Kind::Malformed, what, &url, came);
            let page: Value = serde_json::from_slice(&bytes)
                .map_err(|error| wrong(format!("the list of tags is no JSON: {error}")))?;
            let list = page.get("tags").and_then(Value::as_array);
            tags.extend(list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
            let next = reply.link.as_deref().and_then(next_page).and_then(|next| url.join(next));
            match next {
                // A list goes on where it began, or it is not ours to follow.
                Some(next) if next.same_origin(&url) && next.request() != url.request() => url = next,
                _ => return Ok(tags),
            }
        }
        Ok(tags)
    }

    fn request<'r>(&self, what: &'r str, url: Url) -> Request<'r> {
        Request {
            url,
            what,
            accept: None,
            authorization: None,
            tls: Tls::default(),
            compressed: false,
            most: 0,
            form: None,
            known_digest: false,
        }
    }

    /// Asks, and once more where the registry says how to be let in.
    fn ask(&self, reference: &Reference, request: &Request<'_>) -> Result<(Vec<u8>, Reply), FetchError> {
        let key = (reference.host.clone(), reference.path.clone());
        let known = self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let mut request = Request { authorization: known, ..request.clone() };
        let trouble = match self.client.bytes(&request) {
            Ok(found) => return Ok(found),
            Err(trouble) => trouble,
        };
        let Some(authorization) = self.let_in(reference, &request, &trouble)? else { return Err(*trouble.error) };
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(key, authorization.clone());
        request.authorization = Some(authorization);
        self.client.bytes(&request).map_err(|trouble| *trouble.error)
    }

    /// The header that the registry asks for.
    fn let_in(
        &self,
        reference: &Reference,
        request: &Request<'_>,
        trouble: &Trouble,
    ) -> Result<Option<String>, FetchError> {
        let challenges: Vec<Challenge> = trouble.challenges.iter().flat_map(|text| challenges(text)).collect();
        let by = |scheme: &str| challenges.iter().find(|challenge| challenge.scheme.eq_ignore_ascii_case(scheme));
        if let Some(bearer) = by("bearer") {
            return self.token(reference, request, bearer).map(Some);
        }
        if by("basic").is_some()
            && let Some(RegistryLogin::Basic(login)) = self.client.options.credentials.registry(&reference.host)?
        {
            let header = login.header();
            return Ok((request.authorization.as_ref() != Some(&header)).then_some(header));
        }
        Ok(None)
    }

    fn token(&self, reference: &Reference, request: &Request<'_>, challenge: &Challenge) -> Result<String, FetchError> {
        let what = format!("a token for {}", request.what);
        let realm = challenge.parameter("realm").unwrap_or_default();
        let wrong = |came: String| FetchError::new(Kind::Malformed, &what, shown(realm), came);
        let Some(url) = Url::parse(realm) else { return Err(wrong("it is no address".to_owned())) };
        // A login is not sent in the clear, but to this machine.
        let at_home = url.is_loopback() && request.url.is_loopback();
        if !url.https && !at_home {
            return Err(wrong("it is not encrypted, so no login is sent there".to_owned()));
        }
        let service = challenge.parameter("service").unwrap_or_default();
        let usual = format!("repository:{}:pull", reference.path);
        let scope = challenge.parameter("scope").filter(|scope| !scope.is_empty()).unwrap_or(&usual);
        let ask = Request { most: MOST_MANIFEST, ..self.request(&what, url.clone()) };
        let ask = match self.client.options.credentials.registry(&reference.host)? {
            Some(RegistryLogin::Refresh(token)) => {
                let fields = [
                    ("grant_type", "refresh_token"),
                    ("service", service),
                    ("scope", scope),
                    ("client_id", "chart-store"),
                    ("refresh_token", &token),
                ];
                Request { form: Some(form(&fields)), ..ask }
            }
            login => {
                let authorization = match &login {
                    Some(RegistryLogin::Basic(login)) => Some(login.header()),
                    _ => None,
                };
                let mut query = vec![("scope", scope)];
                if !service.is_empty() {
                    query.insert(0, ("service", service));
                }
                Request { url: url.with_query(&query), authorization, ..ask }
            }
        };
        let (bytes, _) = self.client.bytes(&ask).map_err(|trouble| *trouble.error)?;
        // What came holds a secret: no error quotes it.
        let answer: Value = serde_json::from_slice(&bytes).map_err(|_| wrong("what came is no JSON".to_owned()))?;
        let field = |key: &str| answer.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let token = field("token").or_else(|| field("access_token"));
        let token = token.filter(|token| token.bytes().all(|byte| matches!(byte, b'!'..=b'~')));
        token.map(|token| format!("Bearer {token}")).ok_or_else(|| wrong("no token came".to_owned()))
    }
}

/// One way to be let in.
#[derive(Debug, PartialEq, Eq)]
struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// `Bearer realm="…",service="…", Basic realm="…"`
fn challenges(text: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut rest = text.trim_start_matches([' ', ',']);
    while !rest.is_empty() {
        let end = rest.find([' ', ',', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let after = after.trim_start();
        if let Some(value) = after.strip_prefix('=') {
            let value = value.trim_start();
            let (value, left) = match value.strip_prefix('"') {
                Some(quoted) => unquoted(quoted),
                None => {
                    let end = value.find([',', ' ']).unwrap_or(value.len());
                    (value[..end].to_owned(), &value[end..])
                }
            };
            if let Some(challenge) = found.last_mut() {
                challenge.parameters.push((word.to_owned(), value));
            }
            rest = left;
        } else {
            found.push(Challenge { scheme: word.to_owned(), parameters: Vec::new() });
            rest = after;
        }
        rest = rest.trim_start_matches([' ', ',', '\t']);
    }
    found
}

/// What stands before the closing quote, and what stands behind it.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

/// `<…>; rel="next"`
fn next_page(link: &str) -> Option<&str> {
    let (target, parameters) = link.strip_prefix('<')?.split_once('>')?;
    parameters.contains("next").then_some(target)
}

#[cfg(test)]
mod tests {
    use super::{Reference, challenges, next_page, tag};

    #[test]
    fn references_are_written_as_argo_cd_has_them() {
        for (repository, url) in [
            ("public.ecr.aws/aws-ec2/helm", "https://public.ecr.aws/v2/aws-ec2/helm/web/tags/list"),
            ("oci://ghcr.io/deliveryhero/helm-charts/", "https://ghcr.io/v2/deliveryhero/helm-charts/web/tags/list"),
            ("docker.io/bitnamicharts", "https://registry-1.docker.io/v2/bitnamicharts/web/tags/list"),
            ("localhost:5000", "http://localhost:5000/v2/web/tags/list"),
            ("127.0.0.1:5000/a", "http://127.0.0.1:5000/v2/a/web/tags/list"),
        ] {
            assert_eq!(Reference::new(repository, "web").unwrap().url("tags/list").request(), url);
        }
        for repository in ["", "ghcr.io/Upper", "ghcr.io/../x", "a b/c", "host:port:x/y"] {
            assert!(Reference::new(repository, "web").is_err(), "{repository}");
        }
        assert_eq!(tag("1.0.0+build.1"), "1.0.0_build.1");
    }

    #[test]
    fn challenges_are_read() {
        let found = challenges(
            r#"Basic realm="a, \"b\"", Bearer realm="https://x/token",service=y ,scope="repository:a/b:pull,push""#,
        );
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].parameter("realm"), Some("a, \"b\""));
        assert_eq!((found[1].parameter("realm"), found[1].parameter("Service")), (Some("https://x/token"), Some("y")));
        assert_eq!(found[1].parameter("scope"), Some("repository:a/b:pull,push"));
        assert_eq!(next_page("</v2/a/tags/list?last=b>; rel=\"next\""), Some("/v2/a/tags/list?last=b"));
    }
}
