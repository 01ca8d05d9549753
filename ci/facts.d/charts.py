"""Values of charts: what values.yaml, its comments, values.schema.json and the supplement say."""

import json
import re
from dataclasses import replace

import yaml

from form import ANY, FREE_LIST, FREE_MAP, Fact, Writer, both, closed, listed, scalar
from pack import Loader, one

# Istio's charts keep their defaults below this key; users set them without it.
INNER = "_internal_defaults_do_not_set"

# Maps of these names are of a type that Kubernetes defines, or are labels and annotations: the keys that a
# values.yaml happens to have are examples.
FREE_NAME = re.compile(
    r"""(?x) ^(nodeSelector | affinity | resources | limits | requests | selector | matchLabels | strategy
    | capabilities | seccompProfile | seLinuxOptions | sysctls | data | stringData | env | envFrom)$
    | [sS]ecurityContext$ | [aA]nnotations$ | [lL]abels$ | [pP]robe$ | Strategy$ | [sS]electorLabels$
    | [nN]odeSelector$ | [aA]ffinity$ | [rR]esources$"""
)
# Numbers that no chart reads from a word.
COUNT = re.compile(r"^(replicas|replicaCount|minReplicas|maxReplicas|revisionHistoryLimit|autoscaleM(in|ax))$")
# Empty lists that no chart reads as anything else: the type is Kubernetes' own.
LIST = re.compile(r"^(tolerations|imagePullSecrets|topologySpreadConstraints)$")
# Words that comments begin with, rather than keys that they offer.
PROSE = re.compile(r"^(ref|note|default|defaults|example|examples|e\.g|see|todo|warning|http|https|usage|values)$", re.I)


def text(pack, chart, supplement):
    found, sources = whole(pack, chart.folder, supplement)
    # Helm hands `global` to every chart; one that does not read it loses nothing.
    if found.field("global") is None and found.rest is None:
        found = found.with_field("global", FREE_MAP)
    writer = Writer([(chart.name, found)])
    lines = [f"# Derived by ci/facts from {', '.join(sources)}. Do not edit.", f"chart {chart.name} {chart.version}"]
    lines += writer.shape_lines(found) + writer.shapes()
    return "\n".join(lines) + "\n"


def whole(pack, folder, supplement):
    """All values of a chart, with those of its subcharts under their names."""
    own = values(folder)
    sources = ["values.yaml"]
    schema = folder / "values.schema.json"
    if schema.is_file():
        sources.append("values.schema.json")
        root = json.loads(schema.read_text(encoding="utf-8"))
        own = refined(Schema(root).fact(root, ()), own)
    about = one(next(iter(sorted(folder.glob("Chart*.yaml")))))
    for dependency in about.get("dependencies") or []:
        key = dependency.get("alias") or dependency["name"]
        below = pack.subchart(folder, dependency)
        if below is None:
            found = FREE_MAP
        else:
            found, _ = whole(pack, below, supplement)
            sources.append(f"the values.yaml of {key}")
            if found.rest is None:
                found = found.with_field("global", FREE_MAP)
                for condition in str(dependency.get("condition") or "").split(","):
                    if condition.strip() == f"{key}.enabled":
                        found = found.with_field("enabled", scalar("boolean"))
        mine = own.field(key)
        if mine is not None and found is not FREE_MAP:
            found = both(found, mine)
        own = own.with_field(key, found)
    return supplement.lay(about["name"], own), sources


def values(folder):
    path = folder / "values.yaml"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    root = yaml.compose(text, Loader=Loader)
    if root is None or not isinstance(root, yaml.MappingNode) or not root.value:
        return closed(offered(text.splitlines(), 0, 0, len(text.splitlines())))
    lines = text.splitlines()
    for key, below in root.value:
        if key.value == INNER:
            root = below
            break
    found = default("", root, lines)
    return found if found.rest is None else closed(dict(found.fields))


def default(key, node, lines):
    """What a default says about what may stand there."""
    if isinstance(node, yaml.MappingNode):
        if not node.value or FREE_NAME.search(key):
            # `{}` is an invitation, and not always to a map.
            return FREE_MAP if FREE_NAME.search(key) else ANY
        fields = {}
        for child, below in node.value:
            if child.tag.endswith(":merge"):
                fields |= dict(default("", below, lines).fields)
            else:
                fields[child.value] = default(child.value, below, lines)
        if not node.flow_style:
            column = node.value[0][0].start_mark.column
            comments = offered(lines, column, node.start_mark.line, node.end_mark.line)
            fields = comments | fields
        return closed(fields)
    if isinstance(node, yaml.SequenceNode):
        return FREE_LIST if node.value or LIST.search(key) else ANY
    tag = node.tag.rsplit(":", 1)[-1]
    if tag == "bool":
        return scalar("boolean")
    if tag in ("int", "float"):
        return scalar("integer") if COUNT.search(key) else scalar("number", "string")
    if tag == "null" or node.value == "":
        return ANY
    return scalar("boolean", "number", "string")


def offered(lines, column, first, last):
    """Keys that stand in comments of a map, at the column of its keys: `# key: value`."""
    found = {}
    pattern = re.compile(rf"^ {{{column}}}# ?([A-Za-z][A-Za-z0-9_-]*):(?: .*)?$")
    for line in lines[first:last]:
        match = pattern.match(line)
        if match and not PROSE.search(match[1]):
            found[match[1]] = ANY
    return found


class Schema:
    """A chart's values.schema.json, of whatever draft."""

    def __init__(self, root):
        self.root = root
        self.in_list = 0

    def fact(self, schema, seen):
        if not isinstance(schema, dict):
            return ANY
        reference = schema.get("$ref")
        if reference is not None:
            target = self.target(reference)
            if target is None or reference in seen:
                return ANY
            return self.fact(target, (*seen, reference))
        for word in ("anyOf", "oneOf"):
            if word in schema:
                options = [self.fact(option, seen) for option in schema[word]]
                base = {key: value for key, value in schema.items() if key != word}
                if "type" in base or "properties" in base:
                    return self.fact(base, seen)
                found = options[0]
                for option in options[1:]:
                    found = both(found, option)
                return found
        if "allOf" in schema:
            parts = [self.fact(part, seen) for part in schema["allOf"]]
            base = {key: value for key, value in schema.items() if key != "allOf"}
            if "type" not in base and "properties" not in base:
                return parts[0] if len(parts) == 1 else ANY
            schema = base
        kinds = schema.get("type")
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if kinds is None:
            kinds = ["object"] if "properties" in schema else None
        if kinds is None:
            enum = schema.get("enum")
            if enum and all(isinstance(value, str) for value in enum):
                return scalar("string", enum=tuple(enum))
            return ANY
        found = None
        for kind in kinds:
            one = self.of_kind(kind, schema, seen)
            if one is not None:
                found = one if found is None else both(found, one)
        return ANY if found is None else found

    def of_kind(self, kind, schema, seen):
        if kind == "object":
            properties = {
                key: opened(key, below, self.fact(below, seen))
                for key, below in (schema.get("properties") or {}).items()
            }
            more = schema.get("additionalProperties")
            rest = None
            if more is True or (isinstance(more, dict) and not more):
                rest = ANY
            elif isinstance(more, dict):
                rest = self.fact(more, seen)
            elif more is None and (not properties or self.in_list):
                # What stands in a list goes on to Kubernetes as it is: a schema names what the defaults have.
                rest = ANY
            if "patternProperties" in schema:
                rest = ANY
            return closed(properties, rest)
        if kind == "array":
            items = schema.get("items")
            self.in_list += 1
            found = listed(self.fact(items, seen) if isinstance(items, dict) else ANY)
            self.in_list -= 1
            return found
        if kind == "null":
            return None
        enum = tuple(value for value in schema.get("enum", []) if value is not None)
        return Fact(
            kinds=frozenset([kind]),
            enum=enum,
            pattern=schema.get("pattern"),
            low=schema.get("minimum"),
            high=schema.get("maximum"),
        )

    def target(self, reference):
        if not reference.startswith("#"):
            return None
        found = self.root
        for part in reference[1:].split("/"):
            if part:
                part = part.replace("~1", "/").replace("~0", "~")
                if not isinstance(found, dict) or part not in found:
                    return None
                found = found[part]
        return found


def opened(key, schema, fact):
    """A map of a type of Kubernetes, of which a schema that was made from the defaults knows only these."""
    shut = isinstance(schema, dict) and schema.get("additionalProperties") is False
    if FREE_NAME.search(key) and fact.kinds == {"map"} and fact.rest is None and not shut:
        return replace(fact, rest=ANY)
    return fact


def refined(schema, own):
    """A schema's facts, with the keys that only values.yaml has."""
    if schema.is_any():
        return own
    if own.is_any() or "map" not in schema.kinds or "map" not in own.kinds:
        return schema
    if schema.rest is not None and not schema.fields:
        return schema
    fields = dict(schema.fields)
    for key, below in own.fields:
        if key in fields:
            fields[key] = refined(fields[key], below)
        elif schema.rest is None:
            fields[key] = below
    return Fact(kinds=schema.kinds, fields=tuple(sorted(fields.items())), rest=schema.rest, items=schema.items)


class Supplement:
    """What people looked up: keys that templates read and values.yaml has not, maps whose keys are the user's."""

    TYPES = {"any": ANY, "{}": FREE_MAP, "[]": FREE_LIST, "scalar": scalar("boolean", "number", "string")}

    def __init__(self, path):
        self.entries = {}
        for chart, entries in one(path).items():
            for place, entry in entries.items():
                if not {"type", "source"} <= set(entry) <= {"type", "source", "why"}:
                    raise SystemExit(f"{path}: {chart}: {place}: an entry has type, source, and perhaps why")
                segments = [quoted or bare for quoted, bare in re.findall(r'"([^"]+)"|([^."]+)', place)]
                self.entries.setdefault(chart, []).append((segments, entry["type"]))

    def lay(self, name, found):
        for segments, kind in self.entries.get(name, ()):
            found = self.at(found, segments, kind)
        return found

    def at(self, found, segments, kind):
        if found.is_any() or (found.rest is not None and not found.fields):
            return found
        key, *more = segments
        below = found.field(key)
        if more:
            return found.with_field(key, self.at(below or closed({}), more, kind))
        if kind == "open":
            below = closed({}) if below is None or below.is_any() else below
            return found.with_field(key, replace(below, kinds=below.kinds | {"map"}, rest=ANY))
        return found.with_field(key, self.TYPES.get(kind) or scalar(*kind.split("|")))
