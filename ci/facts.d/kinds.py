"""Custom resources: the structural schema of a CRD as facts."""

import re

from form import ANY, Fact, Writer, closed, listed, scalar

INT_OR_STRING = "x-kubernetes-int-or-string"
PRESERVE = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"


def fact(schema):
    if not isinstance(schema, dict):
        return ANY
    if schema.get(INT_OR_STRING):
        return scalar("integer", "string")
    bounds = dict(pattern=schema.get("pattern"), low=schema.get("minimum"), high=schema.get("maximum"))
    enum = tuple(value for value in schema.get("enum", []) if value is not None)
    kind = schema.get("type")
    if kind == "object":
        properties = schema.get("properties") or {}
        fields = {key: fact(below) for key, below in properties.items()}
        if schema.get(EMBEDDED):
            fields |= {key: ANY for key in ("apiVersion", "kind", "metadata") if key not in fields}
        more = schema.get("additionalProperties")
        rest = None if more in (None, False) else fact(more)
        if schema.get(PRESERVE):
            rest = ANY
        # What has a default need not be written.
        needed = [key for key in schema.get("required", []) if "default" not in (properties.get(key) or {})]
        return closed(fields, rest, needed)
    if kind == "array":
        return listed(fact(schema.get("items")))
    if kind in ("string", "integer", "number", "boolean"):
        return Fact(kinds=frozenset([kind]), enum=enum, **bounds)
    return ANY


def whole(schema):
    """The fields of an object beside those that every object has."""
    found = fact(schema)
    fields = {key: below for key, below in found.fields if key not in ("apiVersion", "kind", "metadata")}
    if "status" in fields:
        # Controllers write it.
        fields["status"] = ANY
    return closed(fields, found.rest, found.needed - {"apiVersion", "kind", "metadata"})


def texts(pack, only):
    groups = {}
    for (group, kind), (definition, chart) in pack.definitions().items():
        if re.search(only, group) or (only and re.search(only, chart.name)):
            groups.setdefault(group, {})[kind] = (definition, chart)
    for group in sorted(groups):
        roots, sources = [], set()
        for kind in sorted(groups[group]):
            definition, chart = groups[group][kind]
            spec = definition["spec"]
            sources.add(f"{chart.name} {chart.version}")
            scope = "namespaced" if spec["scope"] == "Namespaced" else "cluster"
            versions = {}
            for version in spec["versions"]:
                if version.get("served"):
                    found = whole((version.get("schema") or {}).get("openAPIV3Schema"))
                    versions.setdefault(found, []).append(version["name"])
            for found, names in versions.items():
                roots.append((f"kind {kind} {','.join(sorted(names))} {scope}", kind, found))
        if not roots:
            continue
        writer = Writer([(kind, found) for _, kind, found in roots])
        lines = [f"# Derived by ci/facts from {', '.join(sorted(sources))}. Do not edit."]
        for heading, _, found in roots:
            lines += [heading] + writer.shape_lines(found)
        yield group, "\n".join(lines + writer.shapes()) + "\n"
