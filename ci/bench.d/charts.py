"""Real charts, rendered in processes of their own beside `helm template`, and many times in one process."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import measure

# The widest used ones: which 20 of them make the fleet depends on what the folder has.
FLEET = ("cert-manager ingress-nginx argo-cd external-dns external-secrets kyverno loki tempo traefik vault velero metrics-server "
         "cluster-autoscaler grafana prometheus kube-state-metrics prometheus-node-exporter opentelemetry-operator argo-rollouts reloader "
         "falco cilium trivy-operator oauth2-proxy promtail sealed-secrets keda nats alertmanager harbor").split()
MONSTER = "kube-prometheus-stack"
MONSTER_VALUES = "grafana: {adminPassword: bench}\n"  # without one it asks for chance
ENVIRONMENTS, CHARTS = 100, 20
TIMES = 20
MB = 1_000_000


def build(root):
    """The two programs that are measured."""
    subprocess.run(["cargo", "build", "--quiet", "--release", "--manifest-path", f"{root}/Cargo.toml", "--package", "helm-render",
                    "--example", "template", "--example", "bench"], check=True)
    target = os.environ.get("CARGO_TARGET_DIR") or f"{root}/target"
    return f"{target}/release/examples/template", f"{target}/release/examples/bench"


def find(folder, only):
    """Charts by the names of their folders, in the form of ci/parity."""
    found = {}
    for name in sorted(os.listdir(folder)):
        path = next((path for path in (f"{folder}/{name}/chart", f"{folder}/{name}/chart.tgz") if os.path.exists(path)), None)
        if path and only.search(name):
            found[name] = path
    return found


def version(name):
    return [int(part) if part.isdigit() else -1 for part in re.split(r"[^0-9]+", name.partition("@")[2].partition("~")[0])]


def newest(charts, name):
    """The newest version of a chart, from its own project where several have one of this name."""
    known = [one for one in charts if one.split("@")[0] == name]
    return max(known, key=lambda one: ("bitnami" not in one, "-" not in one.partition("@")[2].partition("~")[0], version(one)),
               default=None)


def attempt(command, folder, environment):
    try:
        return measure.run(command, folder, environment)
    except measure.Failed:
        return None


def said(command, folder, environment):
    """What a command printed, and what it cost."""
    path = os.path.join(folder, "said")
    cost = measure.run(["sh", "-c", 'said=$1; shift; exec "$@" > "$said"', "sh", path, *command], folder, environment)
    with open(path, encoding="utf-8") as file:
        return file.read().split(), cost


def run(chosen, root, verdicts, progress, seconds, table):
    helm = os.environ.get("HELM") or shutil.which("helm")
    template, bench = build(root)
    charts = find(os.path.abspath(chosen.charts), chosen.only)
    work = tempfile.mkdtemp(prefix="kubezero-bench-")
    try:
        measured(chosen, helm, template, bench, charts, work, verdicts, progress, seconds, table)
    finally:
        progress("")
        shutil.rmtree(work, ignore_errors=True)


def measured(chosen, helm, template, bench, charts, work, verdicts, progress, seconds, table):
    # Neither a cluster nor what somebody has in their home folder has a say.
    environment = {**os.environ, "KUBECONFIG": "/dev/null", "HELM_CONFIG_HOME": f"{work}/none"}
    rows, total, rendered = [], {"helm": [0, 0], "ours": [0, 0]}, []
    for at, (name, path) in enumerate(charts.items()):
        progress(f"{at}/{len(charts)} {name}")
        own = [template, path, "bench", "bench-space", "--include-crds"]
        # What one of the two refuses has no time to be compared.
        if not attempt(own, work, environment):
            continue
        theirs = helm and attempt([helm, "template", "bench", path, "--namespace", "bench-space", "--include-crds"], work, environment)
        cost = attempt(own, work, environment)
        rendered.append(name)
        if not cost or helm and not theirs:
            continue
        for key, one in (("helm", theirs), ("ours", cost)):
            if one:
                total[key][0] += one.wall
                total[key][1] += one.cpu
        rows.append((theirs.cpu / max(cost.cpu, 1e-6) if theirs else 0, name))
    print(f"{measure.machine()}, {measure.cores()} cores; {len(rows)} of {len(charts)} charts, those that render with their defaults, each "
          "in a process of its own.\n")
    lines = [[key, seconds(wall), seconds(cpu)] for key, (wall, cpu) in total.items() if cpu]
    print(table(["all charts", "wall", "CPU"], lines))
    if helm and rows:
        ratio = total["helm"][1] / total["ours"][1]
        rows.sort()
        print(f"CPU, each chart by itself: a tenth is less than {rows[len(rows) // 10][0]:.1f} ×, half is less than "
              f"{rows[len(rows) // 2][0]:.1f} ×, the least is {rows[0][0]:.1f} × ({rows[0][1]}).\n")
        verdicts.add(f"{len(rows)} charts against helm template, CPU", ratio >= 20, f"{ratio:.1f} ×", "20 × less")

    monster = newest(charts, MONSTER)
    if monster:
        with open(f"{work}/monster.yaml", "w", encoding="utf-8") as file:
            file.write(MONSTER_VALUES)
        (cold, warm, objects), _ = said([bench, "once", "-f", f"{work}/monster.yaml", "--times", str(TIMES), charts[monster]], work, environment)
        print(table([monster, "median"], [["load, parse, render, print", seconds(float(cold))], ["the same, prepared", seconds(float(warm))]]))
        verdicts.add(f"{MONSTER} in process, {objects} objects", float(cold) < 0.03, seconds(float(cold)), "< 30 ms")

    names = [name for name in (newest(rendered, one) for one in FLEET) if name]
    names = (names + [name for name in rendered if name not in names])[:CHARTS]
    if names:
        with open(f"{work}/fleet", "w", encoding="utf-8") as file:
            file.writelines(f"{charts[name]}\n" for name in names)
        (_, loaded, objects, size), cost = said([bench, "fleet", "--environments", str(ENVIRONMENTS), f"{work}/fleet"], work, environment)
        print(table([f"{ENVIRONMENTS} × {len(names)}", "wall", "CPU", "of it loading", "peak memory", "objects", "printed"],
                    [["cold, in one process", seconds(cost.wall), seconds(cost.cpu), seconds(float(loaded)), f"{cost.rss / MB:.1f} MB",
                      objects, f"{int(size) / MB:.0f} MB"]]))
        print(f"The charts: {', '.join(names)}.\n")
        verdicts.add(f"{ENVIRONMENTS} × {len(names)} cold", cost.wall < 10, seconds(cost.wall), "< 10 s")
        verdicts.add(f"{ENVIRONMENTS} × {len(names)}, memory", cost.rss < 500 * MB, f"{cost.rss / MB:.1f} MB", "< 500 MB")
    if not helm:
        print("helm is not there, so nothing was compared; $HELM names it.\n", file=sys.stderr)
    print(verdicts.table())
