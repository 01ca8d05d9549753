//! What the cluster can do, as far as templates ask: `.Capabilities`. And the versions of Helm whose ways are followed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::chart::ChartError;
use crate::template::Type;
use crate::value::{List, Object, Of, Value};

/// The versions of Helm that can be followed. They differ in what nulls in values do, in how documents are split, in the order of a
/// few kinds, in whether `.Chart` is a struct or a map, in the words of some mistakes, and in the cluster that they take for granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HelmVersion {
    /// Helm 3.19, the newest of Helm 3 that came with Argo CD (up to its version 3.4). A null in the values takes a default of the
    /// chart away, and nulls in `values.yaml` stay.
    #[default]
    V3_19,
    /// Helm 3.21. As 3.19, but a null for what is null by default stays, within tables.
    V3_21,
    /// Helm 4.2, which comes with Argo CD from 3.5 on. Nulls in `values.yaml` are as if they were not written.
    V4_2,
}

impl HelmVersion {
    /// Whether it is Helm 4.
    pub fn is_v4(self) -> bool {
        self == HelmVersion::V4_2
    }

    /// The release that was read at its source.
    pub fn release(self) -> &'static str {
        match self {
            HelmVersion::V3_19 => "v3.19.4",
            HelmVersion::V3_21 => "v3.21.4",
            HelmVersion::V4_2 => "v4.2.4",
        }
    }

    fn commit(self) -> &'static str {
        match self {
            HelmVersion::V3_19 => "7cfb6e486dac026202556836bb910c37d847793e",
            HelmVersion::V3_21 => "813176c51bb5c181dbbd7901298ddcc104cd3417",
            HelmVersion::V4_2 => "3900f434fd3ef2b84065dc04508df48f288dba00",
        }
    }

    fn go(self) -> &'static str {
        match self {
            HelmVersion::V3_19 => "go1.24.11",
            HelmVersion::V3_21 | HelmVersion::V4_2 => "go1.26.0",
        }
    }
}

/// The version of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeVersion {
    /// `v1.34.2`
    pub version: String,
    /// The version that ranges are checked against; Helm 4 tells it from the version as it was given.
    pub plain: String,
    /// `1`
    pub major: String,
    /// `34`
    pub minor: String,
}

impl KubeVersion {
    /// Reads a version as `--kube-version` takes it.
    pub fn parse(text: &str, helm: HelmVersion) -> Result<KubeVersion, ChartError> {
        let wrong = || ChartError::new(format!("invalid kube version '{text}': could not parse {text:?} as version"));
        let trimmed = text.trim();
        let bare = trimmed.strip_prefix('v').unwrap_or(trimmed);
        let end = bare.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(bare.len());
        let (numbers, rest) = bare.split_at(end);
        // A dot before what is no number belongs to the rest.
        let numbers = numbers.strip_suffix('.').filter(|_| !rest.is_empty()).unwrap_or(numbers);
        let parts: Vec<&str> = numbers.split('.').collect();
        let fine = |part: &&str| !part.is_empty() && (part.len() == 1 || !part.starts_with('0')) && part.len() < 10;
        if !(2..=3).contains(&parts.len()) || !parts.iter().all(fine) {
            return Err(wrong());
        }
        let patch = parts.get(2).copied().unwrap_or("0");
        let plain =
            if helm.is_v4() { format!("v{}", parts.join(".")) } else { format!("v{}.{}.{patch}", parts[0], parts[1]) };
        let version = match helm.is_v4() {
            false => plain.clone(),
            true if text.starts_with('v') => text.to_owned(),
            true => format!("v{text}"),
        };
        Ok(KubeVersion { version, plain, major: parts[0].to_owned(), minor: parts[1].to_owned() })
    }
}

/// What the cluster can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// The version of Kubernetes.
    pub kube_version: KubeVersion,
    /// The API versions: `v1`, `apps/v1`, and whatever was named besides, `group/version/Kind` too.
    pub api_versions: Vec<String>,
    /// The version of Helm that is followed.
    pub helm: HelmVersion,
}

impl Capabilities {
    /// What Helm takes for granted where nobody says anything.
    pub fn of(helm: HelmVersion) -> Capabilities {
        let minor = match helm {
            HelmVersion::V3_19 => "34",
            HelmVersion::V3_21 | HelmVersion::V4_2 => "36",
        };
        let version = format!("v1.{minor}.0");
        let kube_version =
            KubeVersion { plain: version.clone(), version, major: "1".to_owned(), minor: minor.to_owned() };
        Capabilities { kube_version, api_versions: api_versions(helm), helm }
    }

    /// Adds API versions, as `--api-versions` does.
    #[must_use]
    pub fn with_api_versions<S: Into<String>>(mut self, more: impl IntoIterator<Item = S>) -> Capabilities {
        self.api_versions.extend(more.into_iter().map(Into::into));
        self
    }

    /// Sets the version of Kubernetes, as `--kube-version` does.
    pub fn with_kube_version(mut self, version: &str) -> Result<Capabilities, ChartError> {
        self.kube_version = KubeVersion::parse(version, self.helm)?;
        Ok(self)
    }

    /// `.Capabilities`
    pub fn to_value(&self) -> Value {
        Value::Object(Arc::new(Shown { of: Arc::new(self.clone()), part: Part::All }))
    }
}

impl Default for Capabilities {
    fn default() -> Capabilities {
        Capabilities::of(HelmVersion::default())
    }
}

/// The API versions that a Helm knows by itself: those of its Kubernetes client, and of custom resource definitions.
fn api_versions(helm: HelmVersion) -> Vec<String> {
    const BOTH: &[(&str, &str)] = &[
        ("admissionregistration.k8s.io", "v1 v1alpha1 v1beta1"),
        ("internal.apiserver.k8s.io", "v1alpha1"),
        ("apps", "v1 v1beta1 v1beta2"),
        ("authentication.k8s.io", "v1 v1alpha1 v1beta1"),
        ("authorization.k8s.io", "v1 v1beta1"),
        ("autoscaling", "v1 v2"),
        ("batch", "v1 v1beta1"),
        ("certificates.k8s.io", "v1 v1beta1 v1alpha1"),
        ("coordination.k8s.io", "v1alpha2 v1beta1 v1"),
        ("", "v1"),
        ("discovery.k8s.io", "v1 v1beta1"),
        ("events.k8s.io", "v1 v1beta1"),
        ("extensions", "v1beta1"),
        ("flowcontrol.apiserver.k8s.io", "v1 v1beta1 v1beta2 v1beta3"),
        ("networking.k8s.io", "v1 v1beta1"),
        ("node.k8s.io", "v1 v1alpha1 v1beta1"),
        ("policy", "v1 v1beta1"),
        ("rbac.authorization.k8s.io", "v1 v1beta1 v1alpha1"),
        ("resource.k8s.io", "v1 v1beta2 v1beta1 v1alpha3"),
        ("scheduling.k8s.io", "v1beta1 v1"),
        ("storage.k8s.io", "v1beta1 v1 v1alpha1"),
        ("apiextensions.k8s.io", "v1beta1 v1"),
    ];
    let own: &[(&str, &str)] = match helm {
        HelmVersion::V3_19 => &[
            ("autoscaling", "v2beta1 v2beta2"),
            ("scheduling.k8s.io", "v1alpha1"),
            ("storagemigration.k8s.io", "v1alpha1"),
        ],
        HelmVersion::V3_21 | HelmVersion::V4_2 => {
            &[("scheduling.k8s.io", "v1alpha2"), ("storagemigration.k8s.io", "v1beta1")]
        }
    };
    let all = BOTH.iter().chain(own).flat_map(|(group, versions)| {
        versions.split(' ').map(move |version| match *group {
            "" => version.to_owned(),
            group => format!("{group}/{version}"),
        })
    });
    let mut all: Vec<String> = all.collect();
    all.sort_unstable();
    all
}

/// What templates see of it.
#[derive(Debug)]
struct Shown {
    of: Arc<Capabilities>,
    part: Part,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    All,
    Kube,
    Helm,
}

impl Shown {
    fn apis(&self) -> Value {
        List::of(Of::Versions, self.of.api_versions.iter().map(|api| api.as_str().into()).collect()).into()
    }

    fn fields(&self) -> Vec<(&'static str, &'static str, Value)> {
        let part = |part: Part| Value::Object(Arc::new(Shown { of: Arc::clone(&self.of), part }));
        let kube = &self.of.kube_version;
        let text = |text: &str| Value::from(text);
        match self.part {
            Part::All => vec![
                ("KubeVersion", "KubeVersion", part(Part::Kube)),
                ("APIVersions", "APIVersions", self.apis()),
                ("HelmVersion", "HelmVersion", part(Part::Helm)),
            ],
            Part::Kube => vec![
                ("Version", "Version", text(&kube.version)),
                ("Major", "Major", text(&kube.major)),
                ("Minor", "Minor", text(&kube.minor)),
            ],
            Part::Helm => {
                let helm = self.of.helm;
                let mut fields = vec![
                    ("Version", "version", text(helm.release())),
                    ("GitCommit", "git_commit", text(helm.commit())),
                    ("GitTreeState", "git_tree_state", text("clean")),
                    ("GoVersion", "go_version", text(helm.go())),
                ];
                if helm.is_v4() {
                    fields.push(("KubeClientVersion", "kube_client_version", text("v1.36")));
                }
                fields
            }
        }
    }
}

impl Object for Shown {
    fn kind(&self) -> &'static str {
        let v4 = self.of.helm.is_v4();
        match self.part {
            Part::All if v4 => "*common.Capabilities",
            Part::All => "*chartutil.Capabilities",
            Part::Kube if v4 => "common.KubeVersion",
            Part::Kube => "chartutil.KubeVersion",
            Part::Helm => "version.BuildInfo",
        }
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields().into_iter().find(|(field, ..)| *field == name).map(|(.., value)| value)
    }

    fn method(&self, name: &str) -> Option<&'static [Type]> {
        matches!((self.part, name), (Part::Kube, "String" | "GitVersion")).then_some(&[])
    }

    fn call(&self, name: &str, _arguments: &[Value]) -> Option<Result<Value, String>> {
        let kube = &self.of.kube_version;
        match (self.part, name) {
            (Part::Kube, "String") => Some(Ok(Value::from(kube.plain.as_str()))),
            (Part::Kube, "GitVersion") => Some(Ok(Value::from(kube.version.as_str()))),
            _ => None,
        }
    }

    fn display(&self) -> String {
        let fields = || {
            let shown = self.fields().into_iter().map(|(.., value)| match value {
                Value::Object(object) => object.display(),
                Value::String(text) => text.to_string(),
                _ => format!("[{}]", self.of.api_versions.join(" ")),
            });
            shown.collect::<Vec<_>>().join(" ")
        };
        match self.part {
            Part::All => format!("&{{{}}}", fields()),
            Part::Kube => self.of.kube_version.plain.clone(),
            Part::Helm => format!("{{{}}}", fields()),
        }
    }

    fn ordered(&self) -> Option<Vec<(Arc<str>, Value)>> {
        Some(self.fields().into_iter().map(|(_, json, value)| (Arc::from(json), value)).collect())
    }

    fn as_map(&self) -> Option<BTreeMap<Arc<str>, Value>> {
        Some(self.fields().into_iter().map(|(_, json, value)| (Arc::from(json), value)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{Capabilities, HelmVersion, KubeVersion};
    use crate::value::Value;

    #[test]
    fn versions_of_kubernetes() {
        let plain = |text: &str| KubeVersion::parse(text, HelmVersion::V3_19).map(|parsed| parsed.version).ok();
        assert_eq!(plain("1.34").as_deref(), Some("v1.34.0"));
        assert_eq!(plain("v1.34.2-eks-abc").as_deref(), Some("v1.34.2"));
        assert_eq!(plain("v1.34.2+k3s1").as_deref(), Some("v1.34.2"));
        assert_eq!(plain("1"), None);
        assert_eq!(plain("1.34.0.1"), None);
        assert_eq!(plain("latest"), None);
        let new = KubeVersion::parse("1.34.2-gke.1", HelmVersion::V4_2).unwrap();
        assert_eq!((new.version.as_str(), new.plain.as_str()), ("v1.34.2-gke.1", "v1.34.2"));
    }

    #[test]
    fn what_templates_see() {
        let capabilities = Capabilities::of(HelmVersion::V3_19).with_api_versions(["a/v1/Kind"]);
        let Value::Object(all) = capabilities.to_value() else { panic!() };
        let Some(Value::List(apis)) = all.field("APIVersions") else { panic!() };
        for (api, there) in [("apps/v1", true), ("a/v1/Kind", true), ("a/v1", false), ("autoscaling/v2beta2", true)] {
            assert_eq!(apis.contains(&api.into()), there, "{api}");
        }
        let Some(Value::Object(kube)) = all.field("KubeVersion") else { panic!() };
        assert_eq!(kube.field("Minor"), Some("34".into()));
        assert_eq!(kube.call("GitVersion", &[]), Some(Ok("v1.34.0".into())));
        assert_eq!(kube.field("Nope"), None);
        assert_eq!(kube.display(), "v1.34.0");
    }
}
