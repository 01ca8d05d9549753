//! Argo CD's Application and AppProject, with the fields that we emit, in the order of the CRD.
//!
//! Argo CD's API server prunes unknown fields in silence and its controller removes empty blocks, which
//! then shows as drift for ever: so every field is typed, and nothing empty is ever written.

use std::collections::BTreeMap;

use serde::Serialize;

use super::policy::{IgnoreDifference, Policy, Retry, settle};
use super::project_rules::AppProjectSpec;
use crate::yaml::Node;

/// The finalizer that deletes an Application's objects with it, dependents first.
pub const RESOURCES_FINALIZER: &str = "resources-finalizer.argocd.argoproj.io";

/// Order among the children of the root Application.
pub const SYNC_WAVE: &str = "argocd.argoproj.io/sync-wave";

/// `metadata` of the objects that we make ourselves.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Metadata {
    /// Name.
    pub name: String,
    /// Namespace; none for cluster-scoped objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Finalizers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub finalizers: Vec<String>,
}

/// An `argoproj.io/v1alpha1` Application.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    api_version: &'static str,
    kind: &'static str,
    /// Name, labels, wave, finalizer.
    pub metadata: Metadata,
    /// What to deploy where.
    pub spec: ApplicationSpec,
}

/// `spec` of an Application.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationSpec {
    /// AppProject.
    pub project: String,
    /// Chart or folder.
    pub source: ApplicationSource,
    /// Cluster and namespace.
    pub destination: Destination,
    /// When and how to sync.
    pub sync_policy: SyncPolicy,
    /// Fields that the cluster owns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore_differences: Vec<IgnoreDifference>,
    /// Past syncs remembered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_history_limit: Option<u32>,
}

/// `spec.source`: a chart of a chart repository, or a folder of a Git repository.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum ApplicationSource {
    /// Argo CD renders an upstream chart.
    #[serde(rename_all = "camelCase")]
    Chart {
        /// Chart repository.
        #[serde(rename = "repoURL")]
        repo_url: String,
        /// Chart.
        chart: String,
        /// Exact version.
        target_revision: String,
        /// Release and values.
        helm: Box<HelmSource>,
    },
    /// Argo CD applies a folder of plain manifests.
    #[serde(rename_all = "camelCase")]
    Folder {
        /// Git repository.
        #[serde(rename = "repoURL")]
        repo_url: String,
        /// Folder in it.
        path: String,
        /// Fully qualified reference.
        target_revision: String,
        /// How the folder is read.
        directory: DirectorySource,
    },
}

/// `spec.source.helm`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HelmSource {
    /// Helm's release name: names of Services and Secrets follow from it.
    pub release_name: String,
    /// Values as an object, which shows differences well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values_object: Option<Node>,
    /// Values as text: needed where a null is significant, because the API server drops null keys of
    /// `valuesObject`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<String>,
    /// Test pods are left out.
    pub skip_tests: bool,
    /// The chart's `crds/` are left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub skip_crds: bool,
    /// What the chart sees as `.Capabilities.KubeVersion`: the environment's, not the cluster's of the moment.
    pub kube_version: String,
    /// What the chart sees as `.Capabilities.APIVersions` beside Kubernetes' own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_versions: Vec<String>,
}

/// `spec.source.directory`. Never empty: Argo CD would remove the block and show drift.
#[derive(Debug, Clone, Serialize)]
pub struct DirectorySource {
    /// Folders below are read too. Always true: it pins the tool to plain manifests.
    pub recurse: bool,
    /// Only these files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include: Option<String>,
}

/// `spec.destination`: a cluster by server or by name, never both.
#[derive(Debug, Clone, Serialize)]
pub struct Destination {
    /// API server's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Name of the cluster in Argo CD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Namespace for objects that name none.
    pub namespace: String,
}

/// `spec.syncPolicy`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncPolicy {
    /// Present: Argo CD syncs by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automated: Option<Automated>,
    /// Exact spellings: Argo CD ignores others in silence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sync_options: Vec<String>,
    /// After a failed sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

/// `spec.syncPolicy.automated`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Automated {
    /// Delete what left the source.
    pub prune: bool,
    /// Undo changes made in the cluster.
    pub self_heal: bool,
}

/// What an Application is made of besides its policy.
pub struct ApplicationParts {
    /// Name.
    pub name: String,
    /// Namespace of Argo CD.
    pub argocd_namespace: String,
    /// Labels for list filters.
    pub labels: BTreeMap<String, String>,
    /// Wave among the root's children; none for the root.
    pub wave: Option<u32>,
    /// AppProject.
    pub project: String,
    /// Chart or folder.
    pub source: ApplicationSource,
    /// Where to.
    pub destination: Destination,
}

impl Application {
    /// Puts parts and policy together by Argo CD's rules.
    pub fn new(parts: ApplicationParts, policy: &Policy) -> Application {
        let mut sync_options = policy.sync_options.clone();
        if !policy.ignore_differences.is_empty() {
            // Without it every sync writes the ignored fields back.
            sync_options.push("RespectIgnoreDifferences=true".to_owned());
        }
        let mut annotations = BTreeMap::new();
        if let Some(wave) = parts.wave {
            annotations.insert(SYNC_WAVE.to_owned(), wave.to_string());
        }
        let compare_options = settle(&policy.compare_options);
        if !compare_options.is_empty() {
            annotations.insert("argocd.argoproj.io/compare-options".to_owned(), compare_options.join(","));
        }
        if matches!(parts.source, ApplicationSource::Folder { .. }) {
            // A commit that does not touch the folder does not render it again.
            annotations.insert("argocd.argoproj.io/manifest-generate-paths".to_owned(), ".".to_owned());
        }
        if policy.retain.unwrap_or(false) && parts.wave.is_some() {
            // Without a finalizer of ours Argo CD would still run a chart's pre-delete hooks: tigera-operator's
            // takes the network away. Letting go of a retained component is a person's decision.
            annotations.insert("argocd.argoproj.io/sync-options".to_owned(), "Delete=false,Prune=false".to_owned());
        }
        let finalizers = if policy.retain.unwrap_or(false) { Vec::new() } else { vec![RESOURCES_FINALIZER.to_owned()] };
        Application {
            api_version: "argoproj.io/v1alpha1",
            kind: "Application",
            metadata: Metadata {
                name: parts.name,
                namespace: Some(parts.argocd_namespace),
                labels: parts.labels,
                annotations,
                finalizers,
            },
            spec: ApplicationSpec {
                project: parts.project,
                source: parts.source,
                destination: parts.destination,
                sync_policy: SyncPolicy {
                    automated: policy.automated.unwrap_or(true).then(|| Automated {
                        prune: policy.prune.unwrap_or(true),
                        self_heal: policy.self_heal.unwrap_or(true),
                    }),
                    sync_options: settle(&sync_options),
                    retry: policy.retry.clone(),
                },
                ignore_differences: policy.ignore_differences.clone(),
                revision_history_limit: policy.revision_history_limit,
            },
        }
    }
}

/// An `argoproj.io/v1alpha1` AppProject.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AppProject {
    api_version: &'static str,
    kind: &'static str,
    /// Name and wave.
    pub metadata: Metadata,
    /// What it permits.
    pub spec: AppProjectSpec,
}

impl AppProject {
    /// A project in Argo CD's namespace. It comes before every Application: an Application without its
    /// project is not reconciled at all.
    pub fn new(
        name: &str,
        argocd_namespace: &str,
        labels: BTreeMap<String, String>,
        wave: Option<u32>,
        spec: AppProjectSpec,
    ) -> AppProject {
        let annotations = wave.map(|wave| (SYNC_WAVE.to_owned(), wave.to_string())).into_iter().collect();
        AppProject {
            api_version: "argoproj.io/v1alpha1",
            kind: "AppProject",
            metadata: Metadata {
                name: name.to_owned(),
                namespace: Some(argocd_namespace.to_owned()),
                labels,
                annotations,
                finalizers: Vec::new(),
            },
            spec,
        }
    }
}

/// A core/v1 Namespace.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Namespace {
    api_version: &'static str,
    kind: &'static str,
    /// Name, labels, annotations.
    pub metadata: Metadata,
}

impl Namespace {
    /// A namespace that Argo CD makes but never deletes: with it would go everything inside.
    pub fn new(name: &str, labels: BTreeMap<String, String>, mut annotations: BTreeMap<String, String>) -> Namespace {
        annotations.insert("argocd.argoproj.io/sync-options".to_owned(), "Delete=false,Prune=false".to_owned());
        Namespace {
            api_version: "v1",
            kind: "Namespace",
            metadata: Metadata { name: name.to_owned(), labels, annotations, ..Metadata::default() },
        }
    }
}
