"""The folders of upstream: which charts there are, which are pinned, and YAML as Kubernetes reads it."""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Loader(Base):
    """YAML 1.2 scalars: `on`, `=` and dates are strings."""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in [
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*|0x[0-9a-fA-F]+|0o?[0-7]+)$", "-+0123456789"),
    ("float", r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("merge", r"^<<$", "<"),
]:
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


def documents(path):
    """All documents of a file as data, comments and empty documents left out."""
    text = path.read_text(encoding="utf-8")
    # Some publish every document with a comment on its separator, which is legal and not read by all.
    return [found for found in yaml.load_all(text, Loader=Loader) if found is not None]


def one(path):
    found = documents(path)
    return found[0] if found else {}


def newness(version):
    """A key to sort versions by; a pre-release comes before its release."""
    bare, _, pre = version.lstrip("v").partition("-")
    numbers = [int(part) if part.isdigit() else 0 for part in bare.split(".")]
    return (numbers, pre == "", pre)


@dataclass(frozen=True)
class Chart:
    """One version of a chart, or a folder with nothing but CRDs (then `name` is the folder's)."""

    name: str
    version: str
    folder: Path
    has_values: bool


class Pack:
    def __init__(self, folders, components):
        self.charts = {}
        self.bundled = {}
        for folder in folders:
            for place in sorted(folder.glob("*/*/")):
                about = next(iter(sorted(place.glob("Chart*.yaml"))), None)
                # The folder's name says the version: some charts get theirs only when they are released.
                name = one(about)["name"] if about else place.parent.name
                chart = Chart(name, place.name, place, (place / "values.yaml").is_file())
                self.charts[name, place.name] = chart
                for below in sorted(place.glob("charts/*/Chart.yaml")):
                    own = one(below)
                    has_values = (below.parent / "values.yaml").is_file()
                    self.bundled[own["name"], own["version"]] = Chart(
                        own["name"], own["version"], below.parent, has_values
                    )
        self.pinned = set()
        for path in sorted(components.glob("*/component.yaml")):
            for chart in (one(path).get("charts") or {}).values():
                if isinstance(chart, dict) and "name" in chart:
                    self.pinned.add((chart["name"], chart["version"]))
        # A chart that others bundle and that is pinned by itself.
        for key in self.pinned & self.bundled.keys() - self.charts.keys():
            self.charts[key] = self.bundled[key]

    def wanted(self):
        """The charts to write facts of."""
        newest = {}
        for (name, version), chart in self.charts.items():
            if name not in newest or newness(version) > newness(newest[name].version):
                newest[name] = chart
        chosen = {(chart.name, chart.version) for chart in newest.values()} | self.pinned
        return [chart for key, chart in sorted(self.charts.items()) if key in chosen and chart.has_values]

    def missing(self):
        return sorted(self.pinned - self.charts.keys())

    def definitions(self):
        """Every CRD of a kind once, with where it is from."""
        found = {}
        order = sorted(self.charts.items(), key=lambda item: (item[0] in self.pinned, newness(item[0][1])))
        for _, chart in order:
            for path in sorted(chart.folder.glob("crds/*.yaml")):
                for document in documents(path):
                    if document.get("kind") == "CustomResourceDefinition":
                        spec = document["spec"]
                        found[spec["group"], spec["names"]["kind"]] = (document, chart)
        return found

    def subchart(self, folder, dependency):
        """The folder of a subchart: bundled, or published by itself."""
        bundled = folder / "charts" / dependency["name"]
        if bundled.is_dir():
            return bundled
        published = self.charts.get((dependency["name"], str(dependency.get("version", ""))))
        return published.folder if published else None
