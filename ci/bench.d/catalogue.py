"""The fleet that ci/bench --catalogue renders: this repository's own components and layers, and N copies of
`environments/aws-ha` in which the name, domain, account, hosted zone and VPC are others in each.

An output is right when every environment has the files of `argocd/aws-ha`, the committed one, byte for byte but
for its own facts. Run as `catalogue.py SIZE OUTPUT [ENVIRONMENT]`; prints one line. Standard library only.
"""

import functools
import json
import os
import re
import shutil
import sys

import verify

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODEL = "aws-ha"
CHECKER = os.path.basename(__file__)

# what a copy changes, and where the model says it
FACTS = {
    "name": r"(?m)^  name: (\S+)$",
    "account": r'(?m)^    accountId: "([0-9]{12})"$',
    "zone": r"(?m)^    hostedZoneId: (\S+)$",
    "range": r"(?m)^    vpc: \{cidr: ([0-9./]+)\}$",
}
# VPCs of /22, below the ranges of Services and pods
RANGES = 96 * 64


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


@functools.lru_cache(maxsize=None)
def model():
    """The text of the model's environment.yaml, and its facts."""
    path = f"{ROOT}/environments/{MODEL}/environment.yaml"
    text, facts = read(path), {}
    for fact, pattern in FACTS.items():
        match = re.search(pattern, text)
        if not match:
            raise OSError(f"{path}: no {fact} where one is expected; see ci/bench.d/catalogue.py")
        facts[fact] = match[1]
    if f"\n  domain: {facts['name']}." not in text:
        raise OSError(f"{path}: the domain does not begin with the name {facts['name']}")
    return text, facts


@functools.lru_cache(maxsize=None)
def expected():
    """The committed output of the model: {path: text}."""
    folder = f"{ROOT}/argocd/{MODEL}"
    found = tree(folder)
    if "index.yaml" not in found:
        raise OSError(f"{folder} is not there: `kubezero render` writes it")
    return found


def tree(folder):
    found = {}
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            found[os.path.relpath(path, folder)] = read(path)
    return found


def is_application(path):
    return path.startswith("applications/")


def applications():
    """How many Applications an environment has, without the one that applies all of them."""
    return sum(map(is_application, expected()))


class Fleet:
    def __init__(self, size):
        if size > RANGES:
            raise OSError(f"the copies of {MODEL} have room for {RANGES} VPCs, and not for {size}")
        self.environments = {}
        for number in range(size):
            high, low = divmod(number, 64)
            # a domain of its own comes with the name
            self.environments[f"prod-{number:04}"] = {
                "name": f"prod-{number:04}", "account": str(200000000000 + number), "zone": f"Z0BENCH{number:013}",
                "range": f"10.{high}.{low * 4}.0/22"}

    def translate(self, environment, text):
        """A text of the model as it must be for this environment."""
        own = self.environments[environment]
        words = {was: own[fact] for fact, was in model()[1].items()}
        words[MODEL] = environment
        return re.sub(rf"(?<![0-9A-Za-z])(?:{'|'.join(map(re.escape, words))})(?![0-9A-Za-z])", lambda match: words[match[0]], text)


def write_kubezero(fleet, root):
    shutil.copytree(f"{ROOT}/components", f"{root}/components")
    shutil.copytree(f"{ROOT}/environments/layers", f"{root}/environments/layers")
    for entry in os.scandir(f"{ROOT}/environments"):
        if entry.is_file():
            shutil.copy(entry.path, f"{root}/environments/")
    text, _ = model()
    for environment in fleet.environments:
        os.mkdir(f"{root}/environments/{environment}")
        with open(f"{root}/environments/{environment}/environment.yaml", "w", encoding="utf-8") as file:
            file.write(fleet.translate(environment, text))


def without_sums(path, text):
    """The index has checksums of the other files, which `render --check` looks at."""
    return re.sub(r"(?m)^    sha256: .*$", "", text) if path == "index.yaml" else text


def check(size, output, environments):
    """Applications, those with a chart, lines of Applications, and files; raises ValueError at the first that is wrong."""
    fleet = Fleet(size)
    right, charts, lines, files = 0, 0, 0, 0
    for environment in environments:
        got = tree(os.path.join(output, environment))
        for path in sorted(got.keys() | expected().keys()):
            if path not in got or path not in expected():
                raise ValueError(f"{environment}/{path} {'should not be there' if path in got else 'is missing'}")
            want = without_sums(path, fleet.translate(environment, expected()[path]))
            have = without_sums(path, got[path])
            if have != want:
                first = next((pair for pair in zip(have.split("\n"), want.split("\n")) if pair[0] != pair[1]), ("more", "less"))
                raise ValueError(f"{environment}/{path} has\n{first[0]}\nand not, as argocd/{MODEL} would have it,\n{first[1]}")
            if is_application(path):
                right, lines = right + 1, lines + have.count("\n")
                charts += bool(re.search(r"(?m)^    chart: ", have))
        files += len(got)
    return right, charts, lines, files


def main():
    names = ("applications", "charts", "lines", "files")
    output, environments, found = verify.checked(check, names, (ValueError, OSError), lambda size: Fleet(size).environments)
    if found["applications"] != len(environments) * applications():
        sys.exit(f"{output}: {found['applications']} Applications and not {len(environments)} × {applications()}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
