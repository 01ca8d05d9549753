#!/usr/bin/env python3
"""Makes the folder of real charts that ci/parity compares, from clones of the repositories that the charts come from.

    ci/parity.d/corpus.py CLONES DIR                    what generator/helm/parity/results.tsv names
    ci/parity.d/corpus.py CLONES DIR --lock             what components/charts.lock pins, found by tag or by history
    ci/parity.d/corpus.py CLONES DIR --only TEXT        whose "name@version~owner/repository" contains that

CLONES holds a clone (bare ones will do, with tags) of each repository as OWNER+NAME, or OWNER+NAME/repo. A chart is what lies at the
commit under a Chart.yaml of its name, or NAME-VERSION.tgz. Where a project stamps the version when it releases, it is stamped here
as well. Dependencies are taken from the same commit, else from any clone in the newest version that fits; what is in none is taken
out of Chart.yaml and noted as missing. It needs PyYAML.
"""

import csv
import io
import re
import shutil
import subprocess
import sys
import tarfile
from functools import cache
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parents[2]


def git(repo, *arguments, text=True):
    done = subprocess.run(["git", "-C", repo, *arguments], capture_output=True, check=False)
    if done.returncode:
        raise LookupError(f"{repo}: git {' '.join(arguments)}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode(errors="replace") if text else done.stdout


def numbers(version):
    """A version as something that sorts: pre-releases before their release."""
    plain, _, pre = version.lstrip("v").split("+")[0].partition("-")
    parts = tuple(int(part) if part.isdigit() else 0 for part in plain.split("."))
    return (parts + (0, 0, 0))[:3], pre == "", pre


def fits(version, wanted):
    """Whether a version is in a range as Chart.yaml has them, for the ranges that charts use: =, ~, ^, >=, <, x and *."""
    return any(all(fits_one(version, one) for one in re.findall(r"[<>=~^]*\s*[\w.*+-]+", part.replace(",", " ")))
               for part in (wanted or "*").split("||"))


def fits_one(version, wanted):
    sign, plain = re.fullmatch(r"([<>=~^]*)\s*v?(.*)", wanted.strip()).groups()
    own, release, _ = numbers(version)
    if "-" not in plain and not release:
        return False
    fixed = [part for part in plain.split("-")[0].split("+")[0].split(".") if part.isdigit()]
    least = (tuple(map(int, fixed)) + (0, 0, 0))[:3]
    if sign in (">=", ">", "<", "<="):
        return {">=": own >= least, ">": own > least, "<": own < least, "<=": own <= least}[sign]
    if sign == "^":
        first = next((place for place, part in enumerate(least) if part), 0)
        return own >= least and own[: first + 1] == least[: first + 1]
    if sign == "~":
        return own >= least and own[: max(1, min(2, len(fixed)))] == least[: max(1, min(2, len(fixed)))]
    return list(own[: len(fixed)]) == list(least[: len(fixed)])


class Clones:
    """Where which chart lies."""

    def __init__(self, folder):
        self.folders = {}
        for path in sorted(Path(folder).iterdir()):
            if "+" in path.name:
                self.folders[path.name.replace("+", "/", 1)] = str(path / "repo" if (path / "repo").is_dir() else path)

    @cache
    def tree(self, repository, commit):
        return git(self.folders[repository], "ls-tree", "-r", "--name-only", commit).splitlines()

    def text(self, repository, commit, path):
        return git(self.folders[repository], "show", f"{commit}:{path}")

    def places(self, repository, commit, name):
        """The folders of charts of that name, those that are a dependency of another last."""
        found = []
        for path in self.tree(repository, commit):
            folder, _, file = path.rpartition("/")
            if file in ("Chart.yaml", "Chart.template.yaml"):
                said = re.search(r"^name: *[\"']?([^\s\"']+)", self.text(repository, commit, path), re.M)
                if said and said[1] == name:
                    found.append(folder)
        return sorted(found, key=lambda folder: ("/charts/" in folder.replace("charts/", "", 1), len(folder)))

    @cache
    def history(self, repository):
        """Every version that a Chart.yaml of the newest tree ever had: name, version, commit, folder."""
        known = []
        for path in self.tree(repository, "HEAD"):
            if not path.endswith("Chart.yaml") or "test" in path:
                continue
            name = re.search(r"^name: *[\"']?([^\s\"']+)", self.text(repository, "HEAD", path), re.M)
            log = git(self.folders[repository], "log", "--format=@%H", "--unified=0", "-p", "HEAD", "--", path)
            commit = None
            for line in log.splitlines():
                if line.startswith("@") and not line.startswith("@@"):
                    commit = line[1:]
                version = re.match(r"\+version: *[\"']?([^\s\"']+)", line)
                if version and name:
                    known.append((name[1], version[1], commit, path.rpartition("/")[0]))
        return known

    @cache
    def packed(self, repository):
        """Archives that lie in the newest tree: name and version in one, and the path."""
        return {path.rpartition("/")[2][:-4]: path for path in self.tree(repository, "HEAD") if path.endswith(".tgz")}

    def find(self, name, wanted):
        """The newest version of a chart that is in a range, of any clone."""
        best = None
        for repository in self.folders:
            for known, version, commit, folder in self.history(repository):
                if known == name and fits(version, wanted) and (best is None or numbers(version) > numbers(best[0])):
                    best = (version, repository, commit, folder)
        return best

    def pinned(self, name, version):
        """Repository and commit of exactly that version: by its history, by an archive, or by a tag."""
        plain = version.lstrip("v")
        for repository in self.folders:
            for known, has, commit, _ in self.history(repository):
                if known == name and has.lstrip("v") == plain:
                    return repository, commit
            if f"{name}-{version}" in self.packed(repository):
                return repository, git(self.folders[repository], "rev-parse", "HEAD").strip()
        for repository, folder in self.folders.items():
            for tag in (f"v{plain}", plain, f"{name}-{plain}", f"{name}-v{plain}", f"helm-chart-{name}-{plain}"):
                try:
                    commit = git(folder, "rev-parse", "--verify", "-q", f"{tag}^{{commit}}").strip()
                except LookupError:
                    continue
                if self.places(repository, commit, name):
                    return repository, commit
        raise LookupError(f"{name} {version} is in no clone")


def unpack(data, target, inside=""):
    """A tar archive's folder as a folder; links, which repositories have, are followed by git before."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive.getmembers():
            path = member.name[len(inside):].lstrip("/") if member.name.startswith(inside) else ""
            if not path or ".." in Path(path).parts:
                continue
            place = target / path
            if member.isfile():
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(archive.extractfile(member).read())
            elif member.issym():
                linked = str((Path(member.name).parent / member.linkname))
                place.parent.mkdir(parents=True, exist_ok=True)
                place.with_name(place.name + ".link").write_text(linked)


def take(clones, repository, commit, folder, target):
    """A chart's folder out of a commit."""
    unpack(git(clones.folders[repository], "archive", commit, folder or ".", text=False), target, f"{folder}/" if folder else "")
    for link in target.rglob("*.link"):
        place, linked = link.with_suffix(""), str(Path(link.read_text()))
        link.unlink()
        parts = []
        for part in linked.split("/"):
            parts = parts[:-1] if part == ".." else parts + [part]
        linked = "/".join(parts)
        if linked in clones.tree(repository, commit):
            place.write_bytes(git(clones.folders[repository], "show", f"{commit}:{linked}", text=False))
        else:
            unpack(git(clones.folders[repository], "archive", commit, linked, text=False), place, linked + "/")
    template = target / "Chart.template.yaml"
    if template.exists():
        template.rename(target / "Chart.yaml")


def stamp(chart, version):
    """What projects do when they release: the version in Chart.yaml, and that of what it starts where it was the same."""
    path = chart / "Chart.yaml"
    text = path.read_text()
    old = re.search(r"^version: *(.*)$", text, re.M)[1].strip("\"' ")
    if old.lstrip("v") == version.lstrip("v"):
        return
    text = re.sub(r"^version: .*$", f"version: {version}", text, flags=re.M)
    text = re.sub(rf"^appVersion: *[\"']?{re.escape(old)}[\"']? *$", f"appVersion: {version}", text, flags=re.M)
    path.write_text(text)


def dependencies(clones, repository, commit, folder, chart, depth=0):
    """Fills charts/ with what Chart.yaml wants; returns what could not be had."""
    missing = []
    for file in ("Chart.yaml", "requirements.yaml"):
        path = chart / file
        if not path.exists():
            continue
        said = next(yaml.safe_load_all(path.read_text()), None) or {}
        kept = []
        for wanted in said.get("dependencies") or []:
            name, version = wanted["name"], str(wanted.get("version") or "*")
            place = chart / "charts" / name
            if place.exists() or any((chart / "charts").glob(f"{name}-[0-9v]*.tgz")) or depth > 4:
                kept.append(wanted)
                continue
            source = str(wanted.get("repository") or "")
            if source.startswith("file://"):
                near = str((Path("/") / folder / source[7:]).resolve())[1:]
                if f"{near}/Chart.yaml" in clones.tree(repository, commit):
                    take(clones, repository, commit, near, place)
                    missing += dependencies(clones, repository, commit, near, place, depth + 1)
                    kept.append(wanted)
                    continue
            found = clones.find(name, version)
            if found:
                _, other, at, inside = found
                take(clones, other, at, inside, place)
                missing += dependencies(clones, other, at, inside, place, depth + 1)
                kept.append(wanted)
            else:
                missing.append(f"{name} {version}")
        if len(kept) != len(said.get("dependencies") or []):
            said["dependencies"] = kept
            path.write_text(yaml.safe_dump(said, sort_keys=False))
    return missing


def make(clones, name, version, repository, commit, target):
    """One folder of the corpus."""
    chart = target / "chart"
    archive = clones.packed(repository).get(f"{name}-{version}")
    if archive:
        data = git(clones.folders[repository], "show", f"HEAD:{archive}", text=False)
        target.mkdir(parents=True)
        (target / "chart.tgz").write_bytes(data)
        folder, missing = archive, []
    else:
        places = clones.places(repository, commit, name)
        if not places:
            raise LookupError(f"{repository} has no {name} at {commit}")
        folder = places[0]
        take(clones, repository, commit, folder, chart)
        stamp(chart, version)
        missing = dependencies(clones, repository, commit, folder, chart)
    source = [("repository", repository), ("commit", commit), ("path", folder)]
    if missing:
        source.append(("missing", ", ".join(missing)))
    (target / "source.tsv").write_text("".join(f"{key}\t{text}\n" for key, text in source))


def wanted(clones, lock):
    if lock:
        for pin in yaml.safe_load((HERE / "components/charts.lock").read_text())["charts"]:
            try:
                yield pin["name"], pin["version"], *clones.pinned(pin["name"], pin["version"])
            except LookupError as error:
                print(error, file=sys.stderr)
        return
    seen = set()
    with open(HERE / "generator/helm/parity/results.tsv", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            one = (row["chart"], row["version"], row["repository"], row["commit"])
            if one not in seen:
                seen.add(one)
                yield one


def main(arguments):
    if len(arguments) < 2 or arguments[0].startswith("-"):
        sys.exit(__doc__.strip())
    clones, folder = Clones(arguments[0]), Path(arguments[1])
    only = arguments[arguments.index("--only") + 1] if "--only" in arguments else ""
    made = failed = 0
    for name, version, repository, commit in wanted(clones, "--lock" in arguments):
        called = f"{name}@{version}~{repository}"
        target = folder / called.replace("/", "+")
        if only not in called or target.exists():
            continue
        if repository not in clones.folders:
            failed += 1
            continue
        try:
            make(clones, name, version, repository, commit, target)
            made += 1
        except (LookupError, KeyError, TypeError, yaml.YAMLError) as error:
            print(f"{called}: {error}", file=sys.stderr)
            shutil.rmtree(target, ignore_errors=True)
            failed += 1
    print(f"{made} charts made, {failed} could not be")


if __name__ == "__main__":
    main(sys.argv[1:])
