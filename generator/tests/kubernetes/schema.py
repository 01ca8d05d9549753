#!/usr/bin/env python3
"""Kubernetes' own types as JSON Schema, from the package of its Python client.

    schema.py <minor version> <cache folder>

The client is generated from Kubernetes' OpenAPI document. It is downloaded once into the cache folder, its digest is compared, and it is
read, never run. Standard output gets

    {"namespaced": {"v1 Service": true, ...}, "schemas": {"v1 Service": {"$ref": ...}, ...}, "$defs": {...}}

Unknown fields are refused. Exit code 77 and a line that says why: the package cannot be had here.
"""
import ast
import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile

PACKAGES = {
    "1.34": ("34.1.0", "bffba2272534e224e6a7a74d582deb0b545b7c9879d2cd9e4aae9481d1f2cc2a"),
    "1.35": ("35.0.0", "39e2b33b46e5834ef6c3985ebfe2047ab39135d41de51ce7641a7ca5b372a13d"),
}

# The client calls them `object`, as it does what may be anything.
NUMBER_OR_NAME = {"maxSurge", "maxUnavailable", "minAvailable", "port", "targetPort"}


def package(minor, cache):
    version, digest = PACKAGES[minor]
    path = os.path.join(cache, f"kubernetes-{version}-py2.py3-none-any.whl")
    if not os.path.exists(path):
        os.makedirs(cache, exist_ok=True)
        download(version, cache)
    with open(path, "rb") as file:
        found = hashlib.sha256(file.read()).hexdigest()
    if found != digest:
        os.remove(path)
        sys.exit(f"{os.path.basename(path)} is not the one that was published: its digest is {found}")
    return zipfile.ZipFile(path)


def download(version, cache):
    arguments = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", cache, f"kubernetes=={version}"]
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    if done.returncode != 0 and "No module named pip" in done.stderr:
        venv = os.path.join(cache, "venv")
        done = subprocess.run([sys.executable, "-m", "venv", venv], capture_output=True, text=True)
        if done.returncode == 0:
            done = subprocess.run([os.path.join(venv, "bin", "python3"), *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        print(f"kubernetes {version} cannot be downloaded: {said[-1] if said else 'pip fails'}")
        sys.exit(77)


def models(wheel):
    """Name of each model: its fields, as `json name: (type, required)`."""
    found = {}
    for name in wheel.namelist():
        if not re.fullmatch(r"kubernetes/client/models/\w+\.py", name) or name.endswith("__init__.py"):
            continue
        text = wheel.read(name).decode()
        required = set(re.findall(r"Invalid value for `(\w+)`, must not be `None`", text))
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef):
                maps = {
                    target.id: ast.literal_eval(part.value)
                    for part in node.body
                    if isinstance(part, ast.Assign)
                    for target in part.targets
                    if target.id in ("openapi_types", "attribute_map")
                }
                found[node.name] = {
                    key: (maps["openapi_types"][attribute], attribute in required)
                    for attribute, key in maps["attribute_map"].items()
                }
    return found


def kinds(wheel):
    """Each kind that can be created: `apiVersion kind: (model, namespaced)`."""
    found = {}
    creates = re.compile(r"create an? (\w+)  # noqa.*?call_api\(\s*'/(api|apis)/([^']*)', 'POST'.*?response_type='(\w+)'", re.S)
    for name in wheel.namelist():
        if not re.fullmatch(r"kubernetes/client/api/\w+_api\.py", name):
            continue
        text = wheel.read(name).decode()
        for part in re.split(r"\n    def ", text):
            if not re.match(r"create_\w+_with_http_info\(", part):
                continue
            match = creates.search(part)
            if not match:
                continue
            kind, _, path, model = match.groups()
            # Of subresources the last part is not what is named by the path: bindings, evictions, tokens.
            api_version, rest = re.fullmatch(r"((?:[\w.-]+/)?v\d\w*)/(.*)", path).groups()
            if rest.count("/") == (2 if rest.startswith("namespaces/") else 0):
                found[f"{api_version} {kind}"] = (model, rest.startswith("namespaces/"))
    return found


def schema(kind, key=""):
    for pattern, make in (
        (r"list\[(.*)\]", lambda inner: {"type": "array", "items": schema(inner)}),
        (r"dict\(str, (.*)\)", lambda inner: {"type": "object", "additionalProperties": schema(inner)}),
    ):
        match = re.fullmatch(pattern, kind)
        if match:
            return make(match.group(1))
    if kind == "object":
        return {"type": ["integer", "string"]} if key in NUMBER_OR_NAME else {}
    simple = {"str": "string", "int": "integer", "bool": "boolean", "float": "number", "datetime": "string"}
    return {"type": simple[kind]} if kind in simple else {"$ref": f"#/$defs/{kind}"}


def main():
    minor, cache = sys.argv[1:]
    if minor not in PACKAGES:
        sys.exit(f"no package is known for Kubernetes {minor}")
    wheel = package(minor, cache)
    definitions = {
        name: {
            "type": "object",
            "additionalProperties": False,
            "properties": {key: schema(kind, key) for key, (kind, _) in fields.items()},
            "required": sorted(key for key, (_, required) in fields.items() if required),
        }
        for name, fields in models(wheel).items()
    }
    known = kinds(wheel)
    json.dump(
        {
            "namespaced": {name: namespaced for name, (_, namespaced) in known.items()},
            "schemas": {name: {"$ref": f"#/$defs/{model}"} for name, (model, _) in known.items()},
            "$defs": definitions,
        },
        sys.stdout,
    )


main()
