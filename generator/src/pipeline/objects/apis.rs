//! Versions of APIs that the cluster no longer serves, or soon will not.

use super::check::Findings;
use super::{EnvironmentObjects, Object, list, text};
use crate::diagnostic::Diagnostic;

/// What Kubernetes took away: API version, kinds (none: all), the minor version that has it no more, and what to write instead.
/// From "Deprecated API Migration Guide" of Kubernetes' documentation.
const REMOVED: &[(&str, &[&str], u32, &str)] = &[
    ("extensions/v1beta1", &["Ingress"], 22, "networking.k8s.io/v1"),
    ("extensions/v1beta1", &["NetworkPolicy"], 16, "networking.k8s.io/v1"),
    ("extensions/v1beta1", &["PodSecurityPolicy"], 16, "the namespace's pod security level"),
    ("extensions/v1beta1", &[], 16, "apps/v1"),
    ("apps/v1beta1", &[], 16, "apps/v1"),
    ("apps/v1beta2", &[], 16, "apps/v1"),
    ("networking.k8s.io/v1beta1", &["Ingress", "IngressClass"], 22, "networking.k8s.io/v1"),
    ("rbac.authorization.k8s.io/v1beta1", &[], 22, "rbac.authorization.k8s.io/v1"),
    (
        "admissionregistration.k8s.io/v1beta1",
        &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
        22,
        "admissionregistration.k8s.io/v1",
    ),
    ("apiextensions.k8s.io/v1beta1", &[], 22, "apiextensions.k8s.io/v1"),
    ("apiregistration.k8s.io/v1beta1", &[], 22, "apiregistration.k8s.io/v1"),
    ("certificates.k8s.io/v1beta1", &["CertificateSigningRequest"], 22, "certificates.k8s.io/v1"),
    ("coordination.k8s.io/v1beta1", &["Lease"], 22, "coordination.k8s.io/v1"),
    ("scheduling.k8s.io/v1beta1", &["PriorityClass"], 22, "scheduling.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"], 22, "storage.k8s.io/v1"),
    ("batch/v1beta1", &["CronJob"], 25, "batch/v1"),
    ("discovery.k8s.io/v1beta1", &["EndpointSlice"], 25, "discovery.k8s.io/v1"),
    ("events.k8s.io/v1beta1", &["Event"], 25, "events.k8s.io/v1"),
    ("autoscaling/v2beta1", &[], 25, "autoscaling/v2"),
    ("policy/v1beta1", &["PodDisruptionBudget"], 25, "policy/v1"),
    ("policy/v1beta1", &["PodSecurityPolicy"], 25, "the namespace's pod security level"),
    ("node.k8s.io/v1beta1", &["RuntimeClass"], 25, "node.k8s.io/v1"),
    ("autoscaling/v2beta2", &[], 26, "autoscaling/v2"),
    ("flowcontrol.apiserver.k8s.io/v1beta1", &[], 26, "flowcontrol.apiserver.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", &["CSIStorageCapacity"], 27, "storage.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io/v1beta2", &[], 29, "flowcontrol.apiserver.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io/v1beta3", &[], 32, "flowcontrol.apiserver.k8s.io/v1"),
];

/// What is served and should not be used any more: API version, kind, since when, and what to write instead.
const DEPRECATED: &[(&str, &str, u32, &str)] = &[("v1", "Endpoints", 33, "discovery.k8s.io/v1 EndpointSlice")];

/// The minor version in `v1.36.2` or `1.36`.
#[must_use]
pub fn minor_of(version: &str) -> Option<u32> {
    version.split('.').nth(1)?.parse().ok()
}

/// Finds versions that the API server does not serve, and those that it warns of.
pub fn check(environment: &EnvironmentObjects, found: &mut Findings) {
    let minor = minor_of(&environment.kube_version);
    let definitions: Vec<&Object> = environment
        .objects
        .iter()
        .filter(|object| object.is("apiextensions.k8s.io", "CustomResourceDefinition"))
        .collect();
    for object in &environment.objects {
        let api_version = object.text("/apiVersion");
        let kind = object.identity.kind.as_str();
        let removed =
            REMOVED.iter().find(|(api, kinds, ..)| *api == api_version && (kinds.is_empty() || kinds.contains(&kind)));
        if let (Some((_, _, since, instead)), Some(minor)) = (removed, minor)
            && minor >= *since
        {
            found.mistakes.push(
                Diagnostic::new(
                    "removed-api",
                    format!("{} is of `{api_version}`, which Kubernetes has not had since 1.{since}", object.words()),
                )
                .at_maybe(object.at, "")
                .help(format!("write it as {instead}, or pin a version of the chart that does")),
            );
        }
        let deprecated = DEPRECATED.iter().find(|(api, of, ..)| *api == api_version && *of == kind);
        if let (Some((_, _, since, instead)), Some(minor)) = (deprecated, minor)
            && minor >= *since
        {
            found.remarks.push(
                Diagnostic::new(
                    "deprecated-api",
                    format!("{} is of `{api_version}`, which is deprecated since Kubernetes 1.{since}", object.words()),
                )
                .at_maybe(object.at, "")
                .help(format!("{instead} takes its place")),
            );
        }
        if object.identity.is_built_in() {
            continue;
        }
        let version = api_version.rsplit('/').next().unwrap_or_default();
        let defining = definitions.iter().find(|definition| {
            definition.text("/spec/group") == object.identity.group && definition.text("/spec/names/kind") == kind
        });
        let Some(defining) = defining else { continue };
        let of_version = list(defining.content(), "/spec/versions").find(|entry| text(entry, "/name") == version);
        let served = of_version.is_some_and(|entry| entry.get("served").is_none_or(|served| served == true));
        if !served {
            let versions: Vec<&str> = list(defining.content(), "/spec/versions")
                .filter(|entry| entry.get("served").is_none_or(|served| served == true))
                .map(|entry| text(entry, "/name"))
                .collect();
            found.mistakes.push(
                Diagnostic::new(
                    "unserved-version",
                    format!("{} is of `{api_version}`, which {} does not serve", object.words(), defining.words()),
                )
                .at_maybe(object.at, "")
                .help(format!("it serves {}", crate::values::schema::list_words(&versions))),
            );
        } else if of_version.is_some_and(|entry| entry.get("deprecated").is_some_and(|said| said == true)) {
            found.remarks.push(
                Diagnostic::new(
                    "deprecated-api",
                    format!("{} is of `{api_version}`, which {} calls deprecated", object.words(), defining.words()),
                )
                .at_maybe(object.at, "")
                .help("the API server warns of each such object"),
            );
        }
    }
}
