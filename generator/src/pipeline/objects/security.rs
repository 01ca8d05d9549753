//! Pod Security Standards: what a namespace's level forbids, as the admission controller's own list has it.

use serde_json::Value as Json;

use super::check::Findings;
use super::known::Known;
use super::{list, text};
use crate::diagnostic::Diagnostic;
use crate::pipeline::objects::workloads::CONTAINERS;

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

/// Sysctls that only change the pod's own namespaces.
const SYSCTLS: [&str; 10] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_syncookies",
];

/// Holds every pod against the level of its namespace.
pub fn check(known: &Known<'_>, found: &mut Findings) {
    for pod in known.pods.iter().filter(|pod| pod.is_whole) {
        let Some(namespace) = known.get("", "Namespace", "", pod.namespace()) else { continue };
        let level = text(namespace.content(), "/metadata/labels/pod-security.kubernetes.io~1enforce");
        let wrong = violations(level, pod.spec);
        if !wrong.is_empty() {
            found.mistakes.push(
                Diagnostic::new(
                    "pod-security",
                    format!(
                        "{} is refused in the namespace `{}`, whose pod security is `{level}`: {}",
                        pod.object.words(),
                        pod.namespace(),
                        wrong.join(", ")
                    ),
                )
                .at_maybe(pod.object.at, "")
                .help("set the pod's securityContext, or say another `namespacePolicy.podSecurity` in component.yaml"),
            );
        }
    }
}

/// What a level forbids of a pod.
pub fn violations(level: &str, spec: &Json) -> Vec<String> {
    let mut wrong = Vec::new();
    if !matches!(level, "baseline" | "restricted") {
        return wrong;
    }
    let restricted = level == "restricted";
    for key in ["hostNetwork", "hostPID", "hostIPC"] {
        if spec.get(key).is_some_and(|value| *value == true) {
            wrong.push(key.to_owned());
        }
    }
    for volume in list(spec, "/volumes").filter_map(Json::as_object) {
        for kind in volume.keys().filter(|key| *key != "name") {
            if kind == "hostPath" || restricted && !VOLUMES.contains(&kind.as_str()) {
                wrong.push(format!(
                    "the volume `{}` of type {kind}",
                    volume.get("name").and_then(Json::as_str).unwrap_or_default()
                ));
            }
        }
    }
    for sysctl in list(spec, "/securityContext/sysctls").map(|sysctl| text(sysctl, "/name")) {
        if !SYSCTLS.contains(&sysctl) {
            wrong.push(format!("the sysctl {sysctl}"));
        }
    }
    for container in CONTAINERS.iter().flat_map(|path| list(spec, path)) {
        let name = text(container, "/name");
        wrong.extend(of_container(restricted, spec, container).into_iter().map(|what| format!("{name}: {what}")));
    }
    wrong
}

fn of_container(restricted: bool, spec: &Json, container: &Json) -> Vec<String> {
    let mut wrong = Vec::new();
    let own = |path: &str| container.pointer(&format!("/securityContext{path}")).filter(|value| !value.is_null());
    let either = |path: &str| {
        own(path).or_else(|| spec.pointer(&format!("/securityContext{path}")).filter(|value| !value.is_null()))
    };
    let is = |value: Option<&Json>, wanted: Json| value == Some(&wanted);
    let word = |value: Option<&Json>| value.and_then(Json::as_str).unwrap_or_default().to_owned();
    if is(own("/privileged"), Json::Bool(true)) {
        wrong.push("privileged".to_owned());
    }
    if !["", "Default"].contains(&word(own("/procMount")).as_str()) {
        wrong.push("procMount".to_owned());
    }
    if is(either("/windowsOptions/hostProcess"), Json::Bool(true)) {
        wrong.push("hostProcess".to_owned());
    }
    for port in list(container, "/ports").filter_map(|port| port.get("hostPort")?.as_u64()).filter(|port| *port != 0) {
        wrong.push(format!("hostPort {port}"));
    }
    for capability in list(container, "/securityContext/capabilities/add").filter_map(Json::as_str) {
        let fine = if restricted { capability == "NET_BIND_SERVICE" } else { CAPABILITIES.contains(&capability) };
        if !fine {
            wrong.push(format!("the capability {capability}"));
        }
    }
    let seccomp = word(either("/seccompProfile/type"));
    if seccomp == "Unconfined" || restricted && !["RuntimeDefault", "Localhost"].contains(&seccomp.as_str()) {
        wrong.push("no seccompProfile RuntimeDefault".to_owned());
    }
    if word(either("/appArmorProfile/type")) == "Unconfined" {
        wrong.push("appArmorProfile Unconfined".to_owned());
    }
    if either("/seLinuxOptions/user").is_some() || either("/seLinuxOptions/role").is_some() {
        wrong.push("seLinuxOptions".to_owned());
    }
    let se_linux = word(either("/seLinuxOptions/type"));
    if !["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"].contains(&se_linux.as_str()) {
        wrong.push(format!("the SELinux type {se_linux}"));
    }
    if restricted {
        if !is(own("/allowPrivilegeEscalation"), Json::Bool(false)) {
            wrong.push("allowPrivilegeEscalation is not false".to_owned());
        }
        if !is(either("/runAsNonRoot"), Json::Bool(true)) {
            wrong.push("runAsNonRoot is not true".to_owned());
        }
        if either("/runAsUser").and_then(Json::as_i64) == Some(0) {
            wrong.push("runAsUser 0".to_owned());
        }
        if !list(container, "/securityContext/capabilities/drop").any(|drop| drop == "ALL") {
            wrong.push("capabilities.drop lacks ALL".to_owned());
        }
    }
    wrong
}
