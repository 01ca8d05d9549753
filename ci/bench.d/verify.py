"""Checks what a tool wrote: for every environment and component exactly one Application, with the chart,
version, namespace, release and values that `fleet.py` says it must come to, and no other chart.

Run as `verify.py SIZE OUTPUT [ENVIRONMENT]`; prints one line. PyYAML reads the files where it is
installed; else the small reader below does, which knows the block style that kubezero writes and refuses
everything else.
"""

import concurrent.futures
import json
import os
import re
import sys

from fleet import Fleet

try:
    import yaml
    Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
except ImportError:
    yaml = None


class Unreadable(Exception):
    pass


NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z")
WORDS = {"true": True, "false": False, "null": None, "~": None, "": None, "[]": [], "{}": {}}
KEY = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'#\[\]{}|>&*!%@`,-][^#]*?|-[^\s#][^#]*?):(?: +(.*))?\Z""")


def read_scalar(text):
    text = text.strip()
    if text in WORDS:
        return WORDS[text]
    if NUMBER.match(text):
        return float(text) if re.search("[.eE]", text) else int(text)
    if text[0] == '"':
        return json.loads(text)
    if text[0] == "'":
        if not re.match(r"'(?:[^']|'')*'\Z", text):
            raise Unreadable(text)
        return text[1:-1].replace("''", "'")
    if text[0] in "[]{}&*!|>%@`,#" or " #" in text or ": " in text:
        raise Unreadable(text)
    return text


class Block:
    """Reads one document: block maps, block lists, scalars of one line, literal blocks."""

    def __init__(self, text):
        self.lines = text.split("\n")
        self.at = 0

    def peek(self):
        """The next line that says something: its indent and its words."""
        while self.at < len(self.lines):
            words = self.lines[self.at].lstrip(" ")
            if words and not words.startswith("#") and words != "---":
                return len(self.lines[self.at]) - len(words), words
            self.at += 1
        return -1, ""

    def node(self, least):
        indent, words = self.peek()
        if indent < least:
            return None
        if words == "-" or words.startswith("- "):
            return self.list(indent)
        if KEY.match(words):
            return self.map(indent)
        self.at += 1
        return read_scalar(words)

    def list(self, indent):
        found = []
        while True:
            here, words = self.peek()
            if here != indent or not (words == "-" or words.startswith("- ")):
                return found
            # the item is read as if its dash were a space
            self.lines[self.at] = " " * (indent + 1) + words[1:]
            found.append(self.node(indent + 1))

    def map(self, indent):
        found = {}
        while True:
            here, words = self.peek()
            if here < indent or (here == indent and words.startswith("- ")):
                return found
            match = KEY.match(words)
            if here > indent or not match:
                raise Unreadable(words)
            key, rest = read_scalar(match[1]), match[2] or ""
            if key in found:
                raise Unreadable(f"{key} stands twice")
            self.at += 1
            if rest[:1] == "|":
                found[key] = self.literal(indent, rest[1:])
            elif rest:
                found[key] = read_scalar(rest)
            else:
                below, following = self.peek()
                aligned = below == indent and following.startswith("- ")
                found[key] = self.node(indent if aligned else indent + 1)

    def literal(self, indent, chomp):
        if chomp not in ("", "-", "+"):
            raise Unreadable("|" + chomp)
        taken = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.strip() and len(line) - len(line.lstrip(" ")) <= indent:
                break
            taken.append(line)
            self.at += 1
        width = min((len(line) - len(line.lstrip(" ")) for line in taken if line.strip()), default=0)
        text = "\n".join(line[width:] for line in taken)
        return text.rstrip("\n") + {"": "\n", "-": "", "+": text[len(text.rstrip("\n")):]}[chomp]


def read_text(text):
    if yaml:
        return yaml.load(text, Loader=Loader)
    block = Block(text)
    tree = block.node(0)
    if block.peek()[1]:
        raise Unreadable(block.peek()[1])
    return tree


def charts_of(output, environment):
    """The Applications of an environment that install a chart: {release: what it comes to}. They are the
    files of its folder, or those named after it where the tool writes everything into one."""
    found, files = {}, 0
    folder = os.path.join(output, environment)
    mine = os.walk(folder)
    if not os.path.isdir(folder):
        mine = [(output, [], [name for name in os.listdir(output) if f"_{environment}-" in name])]
    for where, _, names in mine:
        for name in sorted(names):
            files += 1
            if not name.endswith((".yaml", ".yml", ".json")):
                continue
            with open(os.path.join(where, name), encoding="utf-8") as file:
                text = file.read()
            if not re.search(r"""(?m)^ *"?kind"?: ["']?Application\b""", text):
                continue
            for document in re.split(r"(?m)^---\n", text):
                if not document.strip():
                    continue
                application = read_text(document)
                if not isinstance(application, dict) or application.get("kind") != "Application":
                    continue
                source = application["spec"].get("source", {})
                if "chart" not in source:
                    continue
                helm = source.get("helm", {})
                release = helm.get("releaseName")
                if release in found:
                    raise ValueError(f"{environment}: {release} is there twice")
                values = helm["valuesObject"] if "valuesObject" in helm else read_text(helm.get("values", "{}"))
                found[release] = {
                    "repoURL": source["repoURL"], "chart": source["chart"], "version": source["targetRevision"],
                    "namespace": application["spec"]["destination"]["namespace"], "release": release, "values": values,
                    "lines": text.count("\n") + (not text.endswith("\n"))}
    return found, files


def difference(got, want, place):
    """The first place where two trees differ, in words; None where they do not."""
    if isinstance(got, dict) and isinstance(want, dict):
        for key in sorted(got.keys() | want.keys()):
            if key not in got or key not in want:
                return f"{place}.{key} {'is missing' if key in want else 'should not be there'}"
            found = difference(got[key], want[key], f"{place}.{key}")
            if found:
                return found
        return None
    # as JSON, since True equals 1 otherwise
    got, want = json.dumps(got, sort_keys=True), json.dumps(want, sort_keys=True)
    return None if got == want else f"{place} is {got} and should be {want}"


def check(size, output, environments):
    """How many Applications are right, lines and files of them; raises ValueError at the first that is wrong."""
    fleet = Fleet(size)
    right, lines, files = 0, 0, 0
    for environment in environments:
        found, here = charts_of(output, environment)
        files += here
        for component in fleet.components:
            want = fleet.expected(environment, component)
            got = found.pop(component, None)
            if got is None:
                raise ValueError(f"{environment}: no Application for {component}")
            lines += got.pop("lines")
            wrong = difference(got, want, component)
            if wrong:
                raise ValueError(f"{environment}: {wrong}")
            right += 1
        if found:
            raise ValueError(f"{environment}: charts that nobody asked for: {', '.join(sorted(found))}")
    return right, lines, files


def checked(check, names, errors, environments_of):
    """Runs `check` over the environments that the command line names, or all, on every processor; gives the sums by name."""
    size, output = int(sys.argv[1]), sys.argv[2]
    environments = sys.argv[3:] or list(environments_of(size))
    # what an environment's folder must hold is checked one by one; here, that no other folder is there
    others = {entry.name for entry in os.scandir(output) if entry.is_dir() and entry.name[0] != "."} - set(environments)
    if others:
        sys.exit(f"{output}: folders that nobody asked for: {', '.join(sorted(others)[:5])}")
    workers = os.cpu_count() or 1
    shares = [environments[start::workers] for start in range(workers)]
    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        try:
            results = list(pool.map(check, [size] * workers, [output] * workers, shares))
        except errors as error:
            sys.exit(f"{output}: {error}")
    return output, environments, dict(zip(names, map(sum, zip(*results))))


def main():
    errors = (ValueError, KeyError, TypeError, Unreadable, OSError)
    _, _, found = checked(check, ("applications", "lines", "files"), errors, lambda size: Fleet(size).environments)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
