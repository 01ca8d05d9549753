//! Pod Security Standards: what a namespace's level forbids, check by check as the API server's admission has them in the cluster's
//! version (`k8s.io/pod-security-admission/policy`, read at its commit of July 2026).

use serde_json::Value as Json;

use super::apis::minor_of;
use super::check::Findings;
use super::known::Known;
use super::workloads::CONTAINERS;
use super::{list, text};
use crate::diagnostic::Diagnostic;

/// Volumes that `restricted` lets a pod have.
const VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// Capabilities that `baseline` lets a container add.
const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Sysctls that only change the pod's own namespaces, and the minor version of Kubernetes that lets a pod set them.
const SYSCTLS: [(&str, u32); 14] = [
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_wmem", 32),
    ("net.ipv4.tcp_notsent_lowat", 37),
    ("net.ipv4.tcp_slow_start_after_idle", 37),
];

/// Types of SELinux that a pod may have, and since which minor version.
const SE_LINUX_TYPES: [(&str, u32); 5] =
    [("", 0), ("container_t", 0), ("container_init_t", 0), ("container_kvm_t", 0), ("container_engine_t", 31)];

/// Where a probe or a hook of a container can name another host.
const HANDLERS: [&str; 5] =
    ["/livenessProbe", "/readinessProbe", "/startupProbe", "/lifecycle/postStart", "/lifecycle/preStop"];

/// Annotations that named AppArmor profiles before `appArmorProfile` did.
const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// What a namespace holds its pods to.
#[derive(Debug, Clone, Copy)]
pub struct Policy<'a> {
    /// `privileged`, `baseline` or `restricted`; anything else holds them to nothing.
    pub level: &'a str,
    /// The minor version of Kubernetes whose rules apply.
    pub minor: u32,
}

impl<'a> Policy<'a> {
    /// What a Namespace says, in a cluster of that minor version.
    #[must_use]
    pub fn of(namespace: &'a Json, cluster: u32) -> Policy<'a> {
        let level = text(namespace, "/metadata/labels/pod-security.kubernetes.io~1enforce");
        let version = text(namespace, "/metadata/labels/pod-security.kubernetes.io~1enforce-version");
        Policy { level, minor: minor_of(version).unwrap_or(cluster) }
    }
}

/// Holds every pod against the level of its namespace.
pub fn check(known: &Known<'_>, kube_version: &str, found: &mut Findings) {
    // Where no version is known, the newest rules hold.
    let cluster = minor_of(kube_version).unwrap_or(u32::MAX);
    for pod in known.pods.iter().filter(|pod| pod.is_whole) {
        let Some(namespace) = known.get("", "Namespace", "", pod.namespace()) else { continue };
        let policy = Policy::of(namespace.content(), cluster);
        let wrong = violations(policy, pod.metadata, pod.spec);
        if !wrong.is_empty() {
            found.mistakes.push(
                Diagnostic::new(
                    "pod-security",
                    format!(
                        "{} is refused in the namespace `{}`, whose pod security is `{}`: {}",
                        pod.object.words(),
                        pod.namespace(),
                        policy.level,
                        wrong.join(", ")
                    ),
                )
                .at_maybe(pod.object.at, "")
                .help("set the pod's securityContext, or say another `namespacePolicy.podSecurity` in component.yaml"),
            );
        }
    }
}

/// What a policy forbids of a pod.
#[must_use]
pub fn violations(policy: Policy<'_>, metadata: &Json, spec: &Json) -> Vec<String> {
    if !matches!(policy.level, "baseline" | "restricted") {
        return Vec::new();
    }
    let rules = Rules {
        restricted: policy.level == "restricted",
        minor: policy.minor,
        // Root in a user namespace of its own is nobody on the node.
        own_users: policy.minor >= 35 && spec.get("hostUsers").is_some_and(|shared| *shared == false),
        windows: policy.minor >= 25 && text(spec, "/os/name") == "windows",
    };
    let mut wrong = rules.of_pod(metadata, spec);
    wrong.extend(rules.of_context("", spec));
    for container in CONTAINERS.iter().flat_map(|path| list(spec, path)) {
        let name = text(container, "/name");
        wrong.extend(rules.of_context(&format!("{name}: "), container));
        wrong.extend(rules.of_container(spec, container).into_iter().map(|what| format!("{name}: {what}")));
    }
    wrong
}

/// A policy as it applies to one pod.
struct Rules {
    restricted: bool,
    minor: u32,
    own_users: bool,
    windows: bool,
}

impl Rules {
    fn has(&self, allowed: &[(&str, u32)], asked: &str) -> bool {
        allowed.iter().any(|(name, since)| *name == asked && *since <= self.minor)
    }

    /// What only a pod as a whole can say.
    fn of_pod(&self, metadata: &Json, spec: &Json) -> Vec<String> {
        let mut wrong = Vec::new();
        for key in ["hostNetwork", "hostPID", "hostIPC"] {
            if spec.get(key).is_some_and(|value| *value == true) {
                wrong.push(key.to_owned());
            }
        }
        for volume in list(spec, "/volumes").filter_map(Json::as_object) {
            for (kind, _) in volume.iter().filter(|(key, source)| *key != "name" && !source.is_null()) {
                if kind == "hostPath" || self.restricted && !VOLUMES.contains(&kind.as_str()) {
                    let name = volume.get("name").and_then(Json::as_str).unwrap_or_default();
                    wrong.push(format!("the volume `{name}` of type {kind}"));
                }
            }
        }
        for sysctl in list(spec, "/securityContext/sysctls").map(|sysctl| text(sysctl, "/name")) {
            if !self.has(&SYSCTLS, sysctl) {
                wrong.push(format!("the sysctl {sysctl}"));
            }
        }
        for (key, profile) in metadata.get("annotations").and_then(Json::as_object).into_iter().flatten() {
            let profile = profile.as_str().unwrap_or_default();
            let fine = matches!(profile, "" | "runtime/default") || profile.starts_with("localhost/");
            if key.starts_with(APP_ARMOR) && !fine {
                wrong.push(format!("the annotation {key} {profile}"));
            }
        }
        wrong
    }

    /// What a `securityContext` can say, be it the pod's or a container's: what one forbids the other cannot allow.
    fn of_context(&self, whose: &str, holder: &Json) -> Vec<String> {
        let mut wrong = Vec::new();
        let Some(context) = holder.get("securityContext") else { return wrong };
        if context.pointer("/windowsOptions/hostProcess").is_some_and(|value| *value == true) {
            wrong.push(format!("{whose}hostProcess"));
        }
        for key in ["seccompProfile", "appArmorProfile"] {
            let Some(profile) = context.get(key).filter(|profile| !profile.is_null()) else { continue };
            let kind = text(profile, "/type");
            if !is_fine_profile(kind) {
                wrong.push(format!("{whose}{key} {kind}").trim_end().to_owned());
            }
        }
        let kind = text(context, "/seLinuxOptions/type");
        if !self.has(&SE_LINUX_TYPES, kind) {
            wrong.push(format!("{whose}the SELinux type {kind}"));
        }
        for key in ["user", "role"] {
            if !text(context, &format!("/seLinuxOptions/{key}")).is_empty() {
                wrong.push(format!("{whose}seLinuxOptions.{key}"));
            }
        }
        if self.restricted && !self.own_users {
            if context.get("runAsNonRoot").is_some_and(|value| *value == false) {
                wrong.push(format!("{whose}runAsNonRoot is not true"));
            }
            if context.get("runAsUser").and_then(Json::as_i64) == Some(0) {
                wrong.push(format!("{whose}runAsUser 0"));
            }
        }
        wrong
    }

    /// What a container says beyond that, and what it leaves out and the pod does not say for it.
    fn of_container(&self, spec: &Json, container: &Json) -> Vec<String> {
        let mut wrong = Vec::new();
        let said = |holder: &Json, path: &str| {
            holder.pointer(&format!("/securityContext/{path}")).filter(|value| !value.is_null()).cloned()
        };
        let own = |path: &str| said(container, path);
        if own("privileged") == Some(Json::Bool(true)) {
            wrong.push("privileged".to_owned());
        }
        let masked = own("procMount").is_none_or(|mount| mount == "Default");
        if !masked && (self.restricted || !self.own_users) {
            wrong.push("procMount".to_owned());
        }
        for port in
            list(container, "/ports").filter_map(|port| port.get("hostPort")?.as_u64()).filter(|port| *port != 0)
        {
            wrong.push(format!("hostPort {port}"));
        }
        if self.minor >= 34 {
            for handler in HANDLERS {
                for kind in ["httpGet", "tcpSocket"] {
                    let host = text(container, &format!("{handler}/{kind}/host"));
                    if !host.is_empty() {
                        wrong.push(format!(
                            "{} asks the host {host}",
                            handler.trim_start_matches('/').replace('/', ".")
                        ));
                    }
                }
            }
        }
        let unchecked = self.restricted && self.windows;
        for capability in list(container, "/securityContext/capabilities/add").filter_map(Json::as_str) {
            let fine = match self.restricted {
                true => capability == "NET_BIND_SERVICE",
                false => CAPABILITIES.contains(&capability),
            };
            if !fine && !unchecked {
                wrong.push(format!("the capability {capability}"));
            }
        }
        if !self.restricted {
            return wrong;
        }
        let pods = |path: &str| said(spec, path);
        if !self.own_users && own("runAsNonRoot").is_none() && pods("runAsNonRoot") != Some(Json::Bool(true)) {
            wrong.push("runAsNonRoot is not true".to_owned());
        }
        if self.windows {
            return wrong;
        }
        if own("allowPrivilegeEscalation") != Some(Json::Bool(false)) {
            wrong.push("allowPrivilegeEscalation is not false".to_owned());
        }
        if !list(container, "/securityContext/capabilities/drop").any(|drop| drop == "ALL") {
            wrong.push("capabilities.drop lacks ALL".to_owned());
        }
        if own("seccompProfile").is_none() && !is_fine_profile(text(spec, "/securityContext/seccompProfile/type")) {
            wrong.push("no seccompProfile RuntimeDefault".to_owned());
        }
        wrong
    }
}

/// Whether a profile of seccomp or AppArmor is one that both levels allow.
fn is_fine_profile(kind: &str) -> bool {
    matches!(kind, "RuntimeDefault" | "Localhost")
}
