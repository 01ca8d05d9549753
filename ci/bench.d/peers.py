"""The peers that `ci/bench --peers` measures beside kubezero: how they are installed, the fleet of
`fleet.py` written as a project of each, and the command that renders it.

Each project is written the way the tool's own documentation would have it, and each tool runs in every
variant that promised to be its fastest. Where a tool has no word for something, the project says it
another way and so gives the tool less to do:
* make-argocd-fly knows no layer between all and one environment: stage and cluster are merged beforehand.
* kustomize has no references to values: the computed values are spelled out in the overlays' patches.
"""

import json
import os
import shutil
import subprocess
import sys

from fleet import FACT, laid_over, tree_of, with_strings, write, yaml_text

KAPITAN = "kapitan[reclass-rs,gojsonnet,rapidyaml]==0.36.3"
FLY = "make-argocd-fly==0.4.8"
JRSONNET = "0.5.0-pre98"
KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1"

POLICY = {"project": "platform", "argocdNamespace": "argocd", "revisionHistoryLimit": 5, "prune": True, "selfHeal": True}


def wave(component):
    """The peers have no dependency graph: every component states its wave."""
    return "0" if component["requires"] or component["uses"] else "-10"


def module(component, reference):
    """A component as data, its references to facts of the cluster in the tool's own words."""
    plain = {key: component[key] for key in ("repoURL", "chart", "version", "namespace")}
    return {**plain, "syncWave": wave(component), "values": facts_as(component["values"], reference)}


def facts_as(tree, reference):
    return with_strings(tree, lambda text: FACT.sub(lambda fact: reference(fact[1]), text))


def changed(layer):
    """A layer's changes as a tree beneath `components`."""
    return {name: {"values": tree_of(places)} for name, places in layer["changes"].items()}


JINJA = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {{ cluster.name }}-{{ name }}
  namespace: {{ policy.argocdNamespace }}
  annotations:
    argocd.argoproj.io/sync-wave: "{{ c.syncWave }}"
  labels:
    app.kubernetes.io/name: {{ name }}
    fleet.example.com/cluster: {{ cluster.name }}
    fleet.example.com/region: {{ cluster.region }}
    fleet.example.com/stage: {{ cluster.stage }}
spec:
  project: {{ policy.project }}
  revisionHistoryLimit: {{ policy.revisionHistoryLimit }}
  source:
    repoURL: {{ c.repoURL }}
    chart: {{ c.chart }}
    targetRevision: {{ c.version }}
    helm:
      releaseName: {{ name }}
      valuesObject:
        {{ VALUES | indent(8) }}
  destination:
    name: {{ cluster.name }}
    namespace: {{ c.namespace }}
  syncPolicy:
    automated:
      prune: {{ policy.prune | lower }}
      selfHeal: {{ policy.selfHeal | lower }}
    syncOptions:
      - CreateNamespace=true
      - ServerSideApply=true
"""

JSONNET = """\
function(p) {
  [name]: {
    local c = p.components[name],
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: {
      name: p.cluster.name + '-' + name,
      namespace: p.policy.argocdNamespace,
      annotations: { 'argocd.argoproj.io/sync-wave': c.syncWave },
      labels: {
        'app.kubernetes.io/name': name,
        'fleet.example.com/cluster': p.cluster.name,
        'fleet.example.com/region': p.cluster.region,
        'fleet.example.com/stage': p.cluster.stage,
      },
    },
    spec: {
      project: p.policy.project,
      revisionHistoryLimit: p.policy.revisionHistoryLimit,
      source: {
        repoURL: c.repoURL,
        chart: c.chart,
        targetRevision: c.version,
        helm: { releaseName: name, valuesObject: c.values },
      },
      destination: { name: p.cluster.name, namespace: c.namespace },
      syncPolicy: {
        automated: { prune: p.policy.prune, selfHeal: p.policy.selfHeal },
        syncOptions: ['CreateNamespace=true', 'ServerSideApply=true'],
      },
    },
  }
  for name in std.objectFields(p.components)
}
"""

KADET = """\
from kapitan.inputs import kadet


def main():
    p = kadet.inventory().parameters
    output = kadet.BaseObj()
    for name, c in p.components.items():
        output.root[name] = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {
                "name": f"{p.cluster.name}-{name}",
                "namespace": p.policy.argocdNamespace,
                "annotations": {"argocd.argoproj.io/sync-wave": c.syncWave},
                "labels": {
                    "app.kubernetes.io/name": name,
                    "fleet.example.com/cluster": p.cluster.name,
                    "fleet.example.com/region": p.cluster.region,
                    "fleet.example.com/stage": p.cluster.stage,
                },
            },
            "spec": {
                "project": p.policy.project,
                "revisionHistoryLimit": p.policy.revisionHistoryLimit,
                "source": {
                    "repoURL": c.repoURL,
                    "chart": c.chart,
                    "targetRevision": c.version,
                    "helm": {"releaseName": name, "valuesObject": c["values"]},
                },
                "destination": {"name": p.cluster.name, "namespace": c.namespace},
                "syncPolicy": {
                    "automated": {"prune": p.policy.prune, "selfHeal": p.policy.selfHeal},
                    "syncOptions": ["CreateNamespace=true", "ServerSideApply=true"],
                },
            },
        }
    return output
"""


def write_kapitan(fleet, root, language):
    classes = f"{root}/inventory/classes"
    for name, component in fleet.components.items():
        parameters = {"components": {name: module(component, lambda fact: "${" + fact.replace(".", ":") + "}")}}
        if language == "jinja2":
            parameters["kapitan"] = {"compile": [{
                "input_type": "jinja2", "input_paths": ["templates/application.yml"], "output_path": name,
                "input_params": {"component": name}}]}
        write(f"{classes}/components/{name}.yml", yaml_text({"parameters": parameters}))
    compiled = {
        "jinja2": [],
        "jsonnet": [{"input_type": "jsonnet", "input_paths": ["templates/applications.jsonnet"],
                     "output_path": ".", "output_type": "yaml"}],
        "kadet": [{"input_type": "kadet", "input_paths": ["templates/applications"],
                   "output_path": ".", "output_type": "yaml"}]}[language]
    write(f"{classes}/base.yml", yaml_text({
        "classes": [f"components.{name}" for name in fleet.components],
        "parameters": {"policy": POLICY, "kapitan": {"vars": {"target": "${cluster:name}"}, "compile": compiled}}}))
    for name, stage in fleet.stages.items():
        write(f"{classes}/stages/{name}.yml", yaml_text({
            "classes": ["base"], "parameters": {"cluster": stage["cluster"], "components": changed(stage)}}))
    for name, environment in fleet.environments.items():
        write(f"{root}/inventory/targets/{name}.yml", yaml_text({
            "classes": ["stages." + environment["stage"]],
            "parameters": {"cluster": environment["cluster"], "components": changed(environment)}}))
    if language == "jinja2":
        head = ("{% set p = inventory.parameters %}{% set name = input_params.component %}"
                "{% set c = p.components[name] %}{% set policy = p.policy %}{% set cluster = p.cluster %}")
        write(f"{root}/templates/application.yml", head + JINJA.replace("VALUES", 'c["values"] | yaml'))
    elif language == "jsonnet":
        write(f"{root}/templates/applications.libsonnet", JSONNET)
        write(f"{root}/templates/applications.jsonnet",
              "(import 'templates/applications.libsonnet')((import 'lib/kapitan.libjsonnet').inventory().parameters)\n")
    else:
        write(f"{root}/templates/applications/__init__.py", KADET)


def write_fly(fleet, root, style):
    def reference(fact):
        first, *others = fact.split(".")
        return "${" + first + "".join(f"[{key}]" for key in others) + "}"
    template = ("{% set name = app_name %}{% set c = components[app_name] %}"
                + JINJA.replace("VALUES", 'c["values"] | to_nice_yaml(indent=2) | trim'))
    shared = {"policy": POLICY,
              "components": {name: module(component, reference) for name, component in fleet.components.items()}}
    if style == "app-of-apps":
        shared["argocd_application_cr_template"] = template
        os.makedirs(f"{root}/source")
        applications = {"bootstrap": {}, **{name: {"params": {"parent_app": "bootstrap"}} for name in fleet.components}}
    else:
        for name in fleet.components:
            write(f"{root}/source/{name}/application.yml.j2", template)
        applications = {name: {} for name in fleet.components}
    write(f"{root}/config/globals.yml", yaml_text({"vars": shared}))
    for name in fleet.environments:
        merged = {component: {"values": fleet.overrides(name, component)} for component in fleet.components}
        write(f"{root}/config/envs/{name}.yml", yaml_text({"envs": {name: {
            "vars": {"cluster": fleet.facts(name),
                     "components": {component: entry for component, entry in merged.items() if entry["values"]}},
            "apps": applications}}}))


def computed(tree, facts):
    """Only the values that name a fact among `facts`, with the fact filled in; a list stands whole."""
    found = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            inner = computed(value, facts)
            if inner:
                found[key] = inner
        else:
            named = set(FACT.findall(json.dumps(value)))
            if named and named <= facts.keys():
                found[key] = facts_as({"": value}, lambda fact: facts[fact])[""]
    return found


def write_kustomize(fleet, root):
    def kustomization(path, content):
        head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
        write(f"{root}/{path}/kustomization.yaml", yaml_text({**head, **content}))

    def patches(path, layer, facts):
        found = []
        for name, component in fleet.components.items():
            values = laid_over(computed(component["values"], facts), tree_of(layer["changes"].get(name, {})))
            if values:
                write(f"{root}/{path}/{name}.yaml", yaml_text({
                    "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
                    "metadata": {"name": name, "namespace": POLICY["argocdNamespace"]},
                    "spec": {"source": {"helm": {"valuesObject": values}}}}))
                found.append({"path": f"{name}.yaml"})
        return found

    for name, component in fleet.components.items():
        write(f"{root}/base/{name}.yaml", yaml_text({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": name, "namespace": POLICY["argocdNamespace"],
                         "annotations": {"argocd.argoproj.io/sync-wave": wave(component)},
                         "labels": {"app.kubernetes.io/name": name}},
            "spec": {
                "project": POLICY["project"], "revisionHistoryLimit": POLICY["revisionHistoryLimit"],
                "source": {"repoURL": component["repoURL"], "chart": component["chart"],
                           "targetRevision": component["version"],
                           "helm": {"releaseName": name,
                                    "valuesObject": facts_as(component["values"], lambda _: "set-by-an-overlay")}},
                "destination": {"name": "set-by-an-overlay", "namespace": component["namespace"]},
                "syncPolicy": {"automated": {"prune": POLICY["prune"], "selfHeal": POLICY["selfHeal"]},
                               "syncOptions": ["CreateNamespace=true", "ServerSideApply=true"]}}}))
    kustomization("base", {"resources": [f"{name}.yaml" for name in fleet.components]})
    for name, stage in fleet.stages.items():
        facts = stage["cluster"]
        kustomization(f"stages/{name}", {
            "resources": ["../../base"],
            "patches": patches(f"stages/{name}", stage, {"cluster.region": facts["region"]}),
            "labels": [{"pairs": {"fleet.example.com/region": facts["region"], "fleet.example.com/stage": facts["stage"]}}]})
    for name, environment in fleet.environments.items():
        facts = {f"cluster.{key}": value for key, value in environment["cluster"].items()}
        destination = {"target": {"kind": "Application"},
                       "patch": yaml_text([{"op": "replace", "path": "/spec/destination/name", "value": name}])}
        kustomization(f"clusters/{name}", {
            "resources": ["../../stages/" + environment["stage"]], "namePrefix": f"{name}-",
            "patches": patches(f"clusters/{name}", environment, facts) + [destination],
            "labels": [{"pairs": {"fleet.example.com/cluster": name}}]})
    kustomization("all", {"resources": [f"../clusters/{name}" for name in fleet.environments]})


def jsonnet(tree, extend=False):
    """The tree as Jsonnet; with `extend`, maps are laid over what they are added to."""
    if isinstance(tree, dict):
        return "{ %s }" % ", ".join(
            f"{json.dumps(key)}{'+' if extend and isinstance(value, dict) else ''}: {jsonnet(value, extend)}"
            for key, value in tree.items())
    if isinstance(tree, list):
        return "[%s]" % ", ".join(jsonnet(item) for item in tree)
    if isinstance(tree, str) and FACT.search(tree):
        pieces = FACT.split(tree)  # text, fact, text, fact, …, text
        return " + ".join(json.dumps(piece) if place % 2 == 0 else f"$.{piece}"
                          for place, piece in enumerate(pieces) if piece)
    return json.dumps(tree)


def write_jsonnet(fleet, root):
    for name, component in fleet.components.items():
        data = module(component, lambda fact: f"<{fact}>")
        write(f"{root}/components/{name}.libsonnet", "{ components+: { %s: %s } }\n" % (json.dumps(name), jsonnet(data)))
    write(f"{root}/base.libsonnet", "".join(f"(import 'components/{name}.libsonnet') +\n" for name in fleet.components)
          + "{ policy: %s }\n" % jsonnet(POLICY))
    layer = "{ cluster+: %s, components+: %s }\n"
    for name, stage in fleet.stages.items():
        write(f"{root}/stages/{name}.libsonnet", layer % (jsonnet(stage["cluster"]), jsonnet(changed(stage), True)))
    write(f"{root}/applications.libsonnet", JSONNET)
    write(f"{root}/files.libsonnet", "local applications = import 'applications.libsonnet';\nfunction(p, folder='') {\n"
          "  local all = applications(p),\n  files: { [folder + name + '.yaml']: std.manifestYamlDoc(all[name]) "
          "for name in std.objectFields(all) },\n}.files\n")
    for name, environment in fleet.environments.items():
        write(f"{root}/environments/{name}.libsonnet",
              f"(import '../base.libsonnet') + (import '../stages/{environment['stage']}.libsonnet') + "
              + layer % (jsonnet(environment["cluster"]), jsonnet(changed(environment), True)))
        write(f"{root}/each/{name}.jsonnet",
              f"(import '../files.libsonnet')(import '../environments/{name}.libsonnet')\n")
    write(f"{root}/all.jsonnet", "local files = import 'files.libsonnet';\n" + " +\n".join(
        f"files(import 'environments/{name}.libsonnet', '{name}/')" for name in fleet.environments) + "\n")


class Peer:
    """One tool in one variant: `command` is a line for sh, run in the project, that writes beneath `output`."""

    def __init__(self, tool, variant, project, output, command, one=None):
        self.tool, self.variant, self.project, self.output = tool, variant, project, output
        self.command = command
        self.one = one  # the command for the environment $ONE alone

    @property
    def name(self):
        return f"{self.tool}: {self.variant}"


def write_projects(fleet, root):
    """Every peer's project, beneath `root`."""
    for language in ("jinja2", "jsonnet", "kadet"):
        write_kapitan(fleet, f"{root}/kapitan-{language}", language)
    for style in ("templates", "app-of-apps"):
        write_fly(fleet, f"{root}/fly-{style}", style)
    write_kustomize(fleet, f"{root}/kustomize")
    write_jsonnet(fleet, f"{root}/jsonnet")


def run(command, **options):
    print("  " + " ".join(command), file=sys.stderr)
    subprocess.run(command, check=True, stdout=sys.stderr, **options)


def install(cache):
    """Installs what is not there yet. Returns the programs found and, for the others, why they are missing."""
    os.makedirs(cache, exist_ok=True)
    programs, missing = {}, {}

    def attempt(tool, path, *commands):
        try:
            if not os.path.exists(path):
                for command, options in commands:
                    run(command, **options)
            programs[tool] = path
        except (OSError, subprocess.CalledProcessError) as error:
            missing[tool] = str(error)

    def environment(tool, package, program):
        folder = f"{cache}/{tool}"
        attempt(tool, f"{folder}/bin/{program}",
                ([sys.executable, "-m", "venv", folder], {}),
                ([f"{folder}/bin/pip", "install", "--quiet", "--disable-pip-version-check", package], {}))

    environment("kapitan", KAPITAN, "kapitan")
    environment("make-argocd-fly", FLY, "make-argocd-fly")
    attempt("jrsonnet", f"{cache}/jrsonnet/bin/jrsonnet",
            (["cargo", "install", "jrsonnet", "--version", JRSONNET, "--root", f"{cache}/jrsonnet"], {}))
    kubectl = shutil.which("kubectl")
    if kubectl:
        programs["kubectl"] = kubectl
    else:
        attempt("kustomize", f"{cache}/kustomize/kustomize",
                (["go", "install", KUSTOMIZE], {"env": {**os.environ, "GOBIN": f"{cache}/kustomize"}}))
    return programs, missing


def versions(programs):
    """What each program calls itself."""
    ask = {"kapitan": ["--version"], "make-argocd-fly": ["--version"], "jrsonnet": ["--version"],
           "kubectl": ["version", "--client"], "kustomize": ["version"]}
    found = {}
    for tool, program in programs.items():
        answer = subprocess.run([program, *ask[tool]], capture_output=True, text=True, check=True)
        found[tool] = ", ".join(line.strip() for line in answer.stdout.splitlines() if line.strip())
    return found


def peers(programs, root, cores):
    """Every variant of every program that is there, over the projects beneath `root`."""
    found = []
    if "kapitan" in programs:
        call = f"{programs['kapitan']} compile --quiet --yaml-use-rapidyaml"
        for language in ("jinja2", "jsonnet", "kadet"):
            for backend in ("reclass", "reclass-rs"):
                options = f"--inventory-backend={backend}"
                if language == "jsonnet":
                    options += " --use-go-jsonnet"
                project = f"{root}/kapitan-{language}"
                found.append(Peer("kapitan", f"{language}, {backend}", project, f"{project}/compiled",
                                  f"{call} {options}", f"{call} {options} -t $ONE"))
    if "make-argocd-fly" in programs:
        call = f"{programs['make-argocd-fly']} --skip-latest-version-check --loglevel ERROR"
        for style in ("templates", "app-of-apps"):
            project = f"{root}/fly-{style}"
            found.append(Peer("make-argocd-fly", style, project, f"{project}/output", call, f"{call} --render-envs $ONE"))
    kustomize = (f"{programs['kubectl']} kustomize" if "kubectl" in programs
                 else f"{programs['kustomize']} build" if "kustomize" in programs else None)
    if kustomize:
        tool = "kubectl kustomize" if "kubectl" in programs else "kustomize"
        project, output = f"{root}/kustomize", f"{root}/kustomize/_output"
        one = f"mkdir -p {output}/$ONE && {kustomize} clusters/$ONE -o {output}/$ONE"
        found.append(Peer(tool, "a process per environment", project, output,
                          f"for ONE in $(ls clusters); do {one} || exit 1; done", one))
        found.append(Peer(tool, f"a process per environment, {cores} at a time", project, output,
                          f"ls clusters | xargs -P{cores} -I@ sh -c '{one.replace('$ONE', '@')}'"))
        found.append(Peer(tool, "one process for all", project, output,
                          f"mkdir -p {output} && {kustomize} all -o {output}"))
    if "jrsonnet" in programs:
        call, project, output = programs["jrsonnet"], f"{root}/jsonnet", f"{root}/jsonnet/_output"
        one = f"mkdir -p {output}/$ONE && {call} -S -m {output}/$ONE each/$ONE.jsonnet"
        found.append(Peer("jrsonnet", "a process per environment", project, output,
                          f"for ONE in $(ls environments); do ONE=${{ONE%.libsonnet}}; {one} || exit 1; done", one))
        found.append(Peer("jrsonnet", f"a process per environment, {cores} at a time", project, output,
                          f"ls environments | sed s/.libsonnet// | xargs -P{cores} -I@ sh -c '{one.replace('$ONE', '@')}'"))
        found.append(Peer("jrsonnet", "one process for all", project, output, f"{call} -S -c -m {output} all.jsonnet"))
    return found
