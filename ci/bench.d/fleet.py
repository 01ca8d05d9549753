"""The fleet that ci/bench renders: made up, but shaped like a real one, and the same on every machine.

N environments of 20 components. Each environment is a chain of three overlays: `base`, one of twelve
stages (four regions, three stages each) and the cluster itself. A stage changes 20 keys and a cluster
another 20, spread over the components. Each component hands 64 lines of values to its chart; four of
them are computed from facts of the cluster (its name, twice, its region and its domain).

This module holds the data, what every (environment, component) pair must come to, and the writer of a
KubeZero repository. `peers.py` writes the same data as projects of other tools. Standard library only.
"""

import hashlib
import json
import os
import re

REGIONS = ("eu-central-1", "eu-west-1", "us-east-1", "ap-southeast-2")
STAGES = ("dev", "staging", "prod")
KEYS_PER_LAYER = 20
CHECKER = "verify.py"

# name, chart repository, version, namespace, provides, requires, uses
COMPONENTS = (
    ("block-csi", "storage", "2.36.0", "kube-system", ["volumes"], [], []),
    ("file-csi", "storage", "3.0.8", "kube-system", ["shared-volumes"], [], []),
    ("cert-issuer", "security", "v1.16.2", "cert-issuer", ["certificates"], [], []),
    ("secret-sync", "security", "0.10.5", "secret-sync", ["secrets"], ["certificates"], []),
    ("policy-engine", "security", "3.3.3", "policy-engine", [], ["certificates"], []),
    ("image-scanner", "security", "0.24.1", "image-scanner", [], ["volumes"], ["monitoring"]),
    ("mesh-crds", "mesh", "1.24.0", "mesh-system", [], [], []),
    ("mesh-control", "mesh", "1.24.0", "mesh-system", ["mesh"], ["mesh-crds"], []),
    ("web-ingress", "network", "4.11.3", "web-ingress", ["ingress"], ["certificates"], ["mesh"]),
    ("dns-records", "network", "1.15.0", "dns-records", [], ["ingress"], ["monitoring"]),
    ("node-metrics", "scaling", "3.12.2", "kube-system", ["resource-metrics"], [], []),
    ("node-scaler", "scaling", "9.43.2", "kube-system", [], ["resource-metrics"], ["monitoring"]),
    ("event-scaler", "scaling", "2.16.0", "event-scaler", [], ["resource-metrics"], ["monitoring"]),
    ("metric-store", "observability", "65.5.0", "observability", ["monitoring"], ["volumes"], []),
    ("log-store", "observability", "6.18.0", "observability", ["logging"], ["volumes"], ["monitoring"]),
    ("log-shipper", "observability", "6.16.6", "observability", [], ["logging"], ["monitoring"]),
    ("trace-store", "observability", "1.12.0", "observability", [], ["volumes"], ["monitoring"]),
    ("volume-backup", "operations", "7.2.1", "volume-backup", [], ["volumes", "secrets"], ["monitoring"]),
    ("search-operator", "operations", "2.15.0", "search-system", [], ["volumes"], ["monitoring"]),
    ("rollout-control", "operations", "2.37.7", "rollout-control", [], ["ingress"], ["monitoring"]),
)

# What overlays change: the place in the chart's values, the values it takes, and, where the component
# offers it as a setting, the setting's name and its schema. The others go to `values` as they are.
CHOICES = (
    ("replicaCount", (1, 3, 4, 5), "replicas",
     {"description": "Pods of the controller", "type": "integer", "minimum": 1, "maximum": 9}),
    ("config.logLevel", ("debug", "warn", "error"), "logLevel",
     {"description": "Least severe messages that are written", "enum": ["debug", "info", "warn", "error"]}),
    ("autoscaling.enabled", (True,), "autoscaling.enabled",
     {"description": "Add pods under load", "type": "boolean"}),
    ("autoscaling.maxReplicas", (7, 9, 12, 16, 20), "autoscaling.maxReplicas",
     {"description": "Most pods that the autoscaler may ask for", "type": "integer", "minimum": 1, "maximum": 50}),
    ("metrics.serviceMonitor.interval", ("15s", "45s", "60s"), "scrapeInterval",
     {"description": "How often metrics are read", "type": "string", "pattern": "^[1-9][0-9]*s$"}),
    ("resources.limits.memory", ("640Mi", "768Mi", "1024Mi", "1536Mi", "2048Mi"), "memoryLimit",
     {"description": "Memory at which a pod is killed", "type": "string", "pattern": "^[1-9][0-9]*[KMG]i$"}),
    ("resources.limits.cpu", ("750m", "1000m", "1500m"), None, None),
    ("resources.requests.cpu", ("150m", "200m", "250m", "300m"), None, None),
    ("image.tag", tuple(f"v9.{n}.{n % 7}" for n in range(1, 24)), None, None),
    ("config.featureGates.alpha", (True,), None, None),
    ("ingress.tls.issuer", ("staging-ca", "internal-ca"), None, None),
    ("podDisruptionBudget.minAvailable", (2, 3), None, None),
)
SETTING_OF = {place: (setting, schema) for place, _, setting, schema in CHOICES if setting}

FACT = re.compile(r"<(cluster\.[a-z]+)>")  # how the data below writes a fact of the cluster


def chart_values(number, name, version):
    """What a component hands to its chart before any overlay changes it."""
    tag = version if version.startswith("v") else "v" + version
    return {
        "global": {"imageRegistry": "registry.example.com", "clusterName": "<cluster.name>", "region": "<cluster.region>"},
        "replicaCount": 2,
        "image": {"repository": f"registry.example.com/platform/{name}", "tag": tag, "pullPolicy": "IfNotPresent"},
        "serviceAccount": {
            "create": True, "name": name,
            "annotations": {"eks.amazonaws.com/role-arn": f"arn:aws:iam::123456789012:role/<cluster.name>-{name}"}},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "500m", "memory": "512Mi"}},
        "podDisruptionBudget": {"enabled": True, "minAvailable": 1},
        "autoscaling": {"enabled": False, "minReplicas": 2, "maxReplicas": 6, "targetCPUUtilizationPercentage": 75},
        "service": {
            "type": "ClusterIP", "port": 8080 + number,
            "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": str(9090 + number)}},
        "ingress": {
            "enabled": True, "className": "public", "hosts": [f"{name}.<cluster.domain>"],
            "tls": {"secretName": f"{name}-tls", "issuer": "public-ca"}},
        "metrics": {"enabled": True, "serviceMonitor": {"enabled": True, "interval": "30s", "scrapeTimeout": "10s"}},
        "nodeSelector": {"kubernetes.io/os": "linux", "node-role.example.com/infra": "true"},
        "tolerations": [{"key": "infra", "operator": "Exists", "effect": "NoSchedule"}],
        "config": {
            "logLevel": "info", "logFormat": "json", "leaderElection": True,
            "featureGates": {"alpha": False, "beta": True}},
        "extraArgs": ["--v=2", f"--leader-election-id={name}"],
    }


def put(tree, place, value):
    """Sets `a.b.c` in nested maps, making the maps on the way."""
    *way, last = place.split(".")
    for key in way:
        tree = tree.setdefault(key, {})
    tree[last] = value


def get(tree, place):
    for key in place.split("."):
        tree = tree[key]
    return tree


def laid_over(low, high):
    """`high` laid over `low`: maps merge, everything else is replaced. Neither is changed."""
    if not (isinstance(low, dict) and isinstance(high, dict)):
        return high
    merged = dict(low)
    for key, value in high.items():
        merged[key] = laid_over(low[key], value) if key in low else value
    return merged


def with_strings(tree, change):
    """The same tree with every string handed through `change`."""
    if isinstance(tree, dict):
        return {key: with_strings(value, change) for key, value in tree.items()}
    if isinstance(tree, list):
        return [with_strings(value, change) for value in tree]
    return change(tree) if isinstance(tree, str) else tree


def draw(seed, count):
    """`count` numbers that depend on nothing but the seed, whatever the Python."""
    digest = b"".join(hashlib.sha256(f"{seed}/{block}".encode()).digest() for block in range(count // 8 + 1))
    return [int.from_bytes(digest[4 * n:4 * n + 4], "big") for n in range(count)]


def changes(seed):
    """What a layer changes: {component: {place: value}}, KEYS_PER_LAYER keys in all."""
    found = {}
    numbers = draw(seed, 2 * KEYS_PER_LAYER)
    for key in range(KEYS_PER_LAYER):
        component = COMPONENTS[key % len(COMPONENTS)][0]
        mine = found.setdefault(component, {})
        free = [choice for choice in CHOICES if choice[0] not in mine]
        place, allowed, _, _ = free[numbers[2 * key] % len(free)]
        mine[place] = allowed[numbers[2 * key + 1] % len(allowed)]
    return found


def applications():
    """How many Applications an environment has that install a chart: one for each component."""
    return len(COMPONENTS)


class Fleet:
    def __init__(self, size):
        self.components = {}
        for number, (name, group, version, namespace, provides, requires, uses) in enumerate(COMPONENTS):
            self.components[name] = {
                "repoURL": f"https://charts.example.com/{group}", "chart": name, "version": version,
                "namespace": namespace, "provides": provides, "requires": requires, "uses": uses,
                "values": chart_values(number, name, version)}
        self.stages = {}
        self.environments = {}
        for number in range(size):
            region = REGIONS[number % len(REGIONS)]
            stage = STAGES[number // len(REGIONS) % len(STAGES)]
            layer = f"{stage}-{region}"
            if layer not in self.stages:
                self.stages[layer] = {"cluster": {"region": region, "stage": stage}, "changes": changes(layer)}
            name = f"c{number:04}-{stage}"
            self.environments[name] = {
                "stage": layer, "cluster": {"name": name, "domain": f"{name}.apps.example.com"}, "changes": changes(name)}

    def facts(self, environment):
        mine = self.environments[environment]
        return {**self.stages[mine["stage"]]["cluster"], **mine["cluster"]}

    def overrides(self, environment, component):
        """Stage and cluster together, as a tree of values."""
        mine = self.environments[environment]
        tree = {}
        for layer in (self.stages[mine["stage"]], mine):
            for place, value in layer["changes"].get(component, {}).items():
                put(tree, place, value)
        return tree

    def expected(self, environment, component):
        """What any tool must come to for this pair."""
        module = self.components[component]
        facts = {f"cluster.{key}": value for key, value in self.facts(environment).items()}
        values = laid_over(module["values"], self.overrides(environment, component))
        return {
            "repoURL": module["repoURL"], "chart": module["chart"], "version": module["version"],
            "namespace": module["namespace"], "release": component,
            "values": with_strings(values, lambda text: FACT.sub(lambda fact: facts[fact[1]], text))}


def tree_of(places):
    tree = {}
    for place, value in places.items():
        put(tree, place, value)
    return tree


# Writing YAML: block style, strings quoted unless they are plainly strings.

PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*\Z")
WORDS = {"true", "false", "yes", "no", "on", "off", "y", "n", "null"}


def scalar(value):
    if isinstance(value, str) and PLAIN.match(value) and value.lower() not in WORDS:
        return value
    return json.dumps(value)


def yaml_lines(tree, leaf=scalar, place="", indent=""):
    """The lines of `tree`. `leaf` writes a scalar; it may be handed the place (a.b.c) of the scalar as well."""
    write = leaf if leaf is not scalar else lambda value, _: scalar(value)
    items = tree.items() if isinstance(tree, dict) else ((None, item) for item in tree)
    for key, value in items:
        here = place if key is None else f"{place}.{key}" if place else key
        head = "- " if key is None else f"{scalar(key)}:"
        if isinstance(value, (dict, list)) and value:
            inner = list(yaml_lines(value, leaf, here, "  "))
            if key is None:
                yield indent + head + inner[0][2:]
            else:
                yield indent + head
                yield indent + inner[0]
            for line in inner[1:]:
                yield indent + line
        else:
            yield indent + head + ("" if key is None else " ") + write(value, here)


def yaml_text(tree):
    return "\n".join(yaml_lines(tree)) + "\n"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


# The KubeZero repository.

ENVIRONMENT_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "cluster": {
            "description": "Facts of the cluster", "type": "object", "additionalProperties": False,
            "required": ["name", "domain", "region", "stage", "platform", "kubernetesVersion"],
            "properties": {
                "name": {"description": "Name of the cluster", "type": "string", "pattern": "^[a-z][a-z0-9-]*$"},
                "domain": {"description": "Domain under which it serves", "type": "string"},
                "region": {"description": "Region of the provider", "type": "string", "enum": list(REGIONS)},
                "stage": {"description": "What it is for", "type": "string", "enum": list(STAGES)},
                "platform": {"description": "Where it runs", "type": "string", "enum": ["aws", "bare-metal"]},
                "kubernetesVersion": {"description": "Minor version of Kubernetes", "type": "string",
                                      "pattern": "^1\\.[0-9]+$"}}},
        "argocd": {
            "description": "Where Argo CD reads and writes", "type": "object", "additionalProperties": False,
            "required": ["repoURL", "targetRevision"],
            "properties": {
                "repoURL": {"description": "The Git repository that holds the generated files", "type": "string"},
                "targetRevision": {"description": "The revision that Argo CD follows", "type": "string"},
                "path": {"description": "Folder of the generated files in it", "type": "string"},
                "namespace": {"description": "Namespace of Argo CD", "type": "string"},
                "destination": {"description": "The cluster that is managed", "type": "object"}}}},
}


def settings_schema(component):
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
              "additionalProperties": False, "properties": {}}
    for place, (setting, rule) in SETTING_OF.items():
        properties = schema["properties"]
        *way, last = setting.split(".")
        for group in way:
            properties = properties.setdefault(group, {
                "description": f"The {group} of the controller", "type": "object",
                "additionalProperties": False, "properties": {}})["properties"]
        properties[last] = {**rule, "default": get(component["values"], place)}
    return schema


def values_template(component):
    """The component's values.yaml.hbs: its settings and the cluster's facts where they belong, the rest as it is."""
    def leaf(value, place):
        if place in SETTING_OF:
            return "{{json settings.%s}}" % SETTING_OF[place][0]
        if isinstance(value, str) and FACT.search(value):
            parts = [part for part in re.split(r"<(?=cluster)|(?<=[a-z])>", value) if part]
            words = [part if part.startswith("cluster.") else json.dumps(part) for part in parts]
            return "{{json %s}}" % (words[0] if len(words) == 1 else "(concat %s)" % " ".join(words))
        return scalar(value)
    return "\n".join(yaml_lines(component["values"], leaf)) + "\n"


def entries(layer):
    """A layer's `components:`: settings where the component offers them, values elsewhere."""
    found = {}
    for component, places in layer["changes"].items():
        entry = found.setdefault(component, {})
        for place, value in places.items():
            if place in SETTING_OF:
                put(entry.setdefault("settings", {}), SETTING_OF[place][0], value)
            else:
                put(entry.setdefault("values", {}), place, value)
    return found


def write_kubezero(fleet, root):
    for name, component in fleet.components.items():
        folder = f"{root}/components/{name}"
        module = {
            "description": f"The {name} of the measured fleet", "homepage": "https://example.com",
            "license": "Apache-2.0", "namespace": component["namespace"],
            "charts": {name: {"repository": component["repoURL"], "name": component["chart"],
                              "version": component["version"]}}}
        for key in ("requires", "uses", "provides"):
            if component[key]:
                module[key] = component[key]
        write(f"{folder}/component.yaml", yaml_text(module))
        write(f"{folder}/settings.schema.yaml", yaml_text(settings_schema(component)))
        write(f"{folder}/values.yaml.hbs", values_template(component))
    write(f"{root}/environments/environment.schema.yaml", yaml_text(ENVIRONMENT_SCHEMA))
    write(f"{root}/environments/layers/base/overlay.yaml", yaml_text({
        "cluster": {"platform": "aws", "kubernetesVersion": "1.34"},
        "argocd": {"repoURL": "https://git.example.com/platform/clusters.git", "targetRevision": "refs/heads/main"},
        "components": {name: {"enabled": True} for name in fleet.components}}))
    for name, stage in fleet.stages.items():
        write(f"{root}/environments/layers/{name}/overlay.yaml", yaml_text({
            "extends": ["layers/base"], "cluster": stage["cluster"], "components": entries(stage)}))
    for name, environment in fleet.environments.items():
        write(f"{root}/environments/{name}/environment.yaml", yaml_text({
            "extends": ["layers/" + environment["stage"]], "cluster": environment["cluster"],
            "components": entries(environment)}))
