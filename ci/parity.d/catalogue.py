#!/usr/bin/env python3
"""Holds `kubezero template` of every committed environment against `helm template`, run as Argo CD runs it.

    KUBEZERO=… HELM=… ci/parity.d/catalogue.py DIR WORK

DIR is what corpus.py --lock made. WORK becomes a copy of this repository (WORK/repository), whose components/charts.lock has the sums
of the archives that are packed here from DIR, and the cache with them (WORK/cache): `KUBEZERO_CACHE=WORK/cache kubezero -C
WORK/repository …` has every chart at hand. Ends with 1 where one Application differs. It needs PyYAML.
"""

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parents[2]


def packed(chart, name):
    """A chart's folder as an archive: the same bytes each time."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(chart.rglob("*")):
            if path.is_file():
                entry = tarfile.TarInfo(f"{name}/{path.relative_to(chart)}")
                entry.size, entry.mode = path.stat().st_size, 0o644
                with path.open("rb") as file:
                    archive.addfile(entry, file)
    return gzip.compress(plain.getvalue(), mtime=0)


def prepare(charts, work):
    """The copy of the repository and the cache; returns the archive of each name and version."""
    repository = work / "repository"
    if not repository.exists():
        subprocess.run(["git", "clone", "--quiet", "--local", HERE, repository], check=True)
    lock, archives = [], {}
    pins = yaml.safe_load((HERE / "components/charts.lock").read_text())
    for pin in pins["charts"]:
        name, version = pin["name"], pin["version"]
        found = sorted(charts.glob(f"{name}@{version}~*"))
        if not found:
            sys.exit(f"{charts} has no {name} {version}: run corpus.py --lock")
        archive = found[0] / "chart.tgz"
        data = archive.read_bytes() if archive.exists() else packed(found[0] / "chart", name)
        digest = hashlib.sha256(data).hexdigest()
        place = work / "cache/charts/sha256" / digest[:2] / f"{digest}.tgz"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        archives[name, version] = place
        lock.append((pin, digest))
    text = (HERE / "components/charts.lock").read_text().split("charts:\n")[0] + "charts:\n"
    for pin, digest in lock:
        version = pin["version"] if pin["version"].startswith("v") else f'"{pin["version"]}"'
        text += f"- repository: {pin['repository']}\n  name: {pin['name']}\n  version: {version}\n  sha256: {digest}\n"
    (repository / "components/charts.lock").write_text(text)
    return repository, archives


def helm(program, archive, spec, scratch):
    """What helm prints with the arguments that Argo CD's repo server gives it."""
    source, own = spec["source"], spec["source"].get("helm", {})
    values = scratch / "values.yaml"
    values.write_text(yaml.safe_dump(own.get("valuesObject") or {}) if "values" not in own else own["values"])
    command = [program, "template", own.get("releaseName", ""), archive, "--namespace", spec["destination"]["namespace"],
               "--kube-version", own["kubeVersion"], "--values", values]
    command += ["--include-crds"] * (not own.get("skipCrds")) + ["--skip-tests"] * bool(own.get("skipTests"))
    for version in own.get("apiVersions", []):
        command += ["--api-versions", version]
    home = {key: str(scratch) for key in ("HOME", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")}
    done = subprocess.run(command, capture_output=True, check=False, env={"PATH": "/usr/bin:/bin", **home})
    return done.stdout if done.returncode == 0 else f"{source['chart']}: {done.stderr.decode()}".encode()


def main(charts, work):
    charts, work = Path(charts).resolve(), Path(work).resolve()
    work.mkdir(parents=True, exist_ok=True)
    repository, archives = prepare(charts, work)
    kubezero, program = os.environ["KUBEZERO"], os.environ["HELM"]
    environment = {**os.environ, "KUBEZERO_CACHE": str(work / "cache")}
    same = differ = 0
    with tempfile.TemporaryDirectory() as scratch:
        for path in sorted((HERE / "argocd").glob("*/applications/*.yaml")):
            spec = yaml.safe_load(path.read_text())["spec"]
            if "chart" not in spec.get("source", {}):
                continue
            archive = archives[spec["source"]["chart"], spec["source"]["targetRevision"]]
            wanted = helm(program, archive, spec, Path(scratch))
            command = [kubezero, "-C", repository, "template", path.parent.parent.name, path.stem]
            ours = subprocess.run(command, capture_output=True, check=False, env=environment)
            if ours.returncode == 0 and ours.stdout == wanted:
                same += 1
                continue
            differ += 1
            folder = work / "differences"
            folder.mkdir(exist_ok=True)
            name = f"{path.parent.parent.name}-{path.stem}"
            (folder / f"{name}.helm").write_bytes(wanted)
            (folder / f"{name}.kubezero").write_bytes(ours.stdout or ours.stderr)
            print(f"{name}: differs")
    print(f"{same} Applications are the same bytes, {differ} differ")
    return 1 if differ else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    sys.exit(main(*sys.argv[1:]))
