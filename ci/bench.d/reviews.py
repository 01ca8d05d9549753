"""How long reviews take: the fleet in a Git repository, and what `kubezero diff` makes of two changes to it.

One change gives every Application another chart version, the other only those of one component. Both sides are read from Git's
objects. What a review costs beyond rendering is what it takes longer than a review of a commit against itself, which renders both
sides as well and finds nothing.
"""

import json
import re
import subprocess

import fleet as fleets
import measure

FORMATS = ("text", "markdown", "html", "json", "sarif")
# Seconds beyond rendering for so many changed Applications, as a comment; seconds in all for 500 × 20, from Git.
BEYOND = (2000, 0.1)
IN_ALL = (500, 4.0)


def git(root, *arguments):
    command = ["git", "-C", root, "-c", "user.name=Bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false",
               "-c", "gc.auto=0", *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise measure.Failed(f"git {' '.join(arguments)}: {answer.stderr.strip()}")
    return answer.stdout.strip()


def bump(root, components):
    for component in components:
        path = f"{root}/components/{component}/component.yaml"
        with open(path, encoding="utf-8") as file:
            text = file.read()
        changed, count = re.subn(r"""(version: *["']?v?)(\d+)""", lambda found: f"{found[1]}{int(found[2]) + 1}", text)
        if count == 0:
            raise measure.Failed(f"{path} has no version")
        with open(path, "w", encoding="utf-8") as file:
            file.write(changed)


def write(binary, size, root):
    """The repository with its branches: `main`, `one` with one component changed, and `all`."""
    fleet = fleets.Fleet(size)
    fleets.write_kubezero(fleet, root)
    measure.run([binary, "-C", root, "--quiet", "render"], root)
    git(root, "init", "--quiet", "--initial-branch", "main")
    names = [component[0] for component in fleets.COMPONENTS]
    for branch, components in (("main", []), ("one", names[:1]), ("all", names)):
        git(root, "checkout", "--quiet", *(["-b", branch, "main"] if components else ["-B", branch]))
        bump(root, components)
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--allow-empty", "--message", branch)


def subjects(binary, size, root, make):
    """By name: (branch, format, subject). Each review is made once before it counts, and proved by `--verify`'s numbers."""
    found = {}
    expected = {"main": 0, "one": size, "all": size * fleets.applications()}
    for branch, form in [("main", "markdown"), ("one", "text"), *(("all", form) for form in FORMATS)]:
        command = [binary, "-C", root, "diff", "--base", "main", "--head", branch, "--format", form, "--output", f"{root}/../review"]

        def check(branch=branch, command=command):
            measure.run([*command[:-4], "--format", "json", "--output", f"{root}/../check.json"], root)
            with open(f"{root}/../check.json", encoding="utf-8") as file:
                totals = json.load(file)["totals"]
            if (totals["changed"], totals["listed"]) != (expected[branch],) * 2:
                raise measure.Failed(f"{branch}: {totals} and not {expected[branch]} changes")
            return totals
        found[branch, form] = make(f"kubezero diff, {size}: {branch} as {form}", root, command, None, check)
    return found


def rows(size, found, seconds, megabytes, share):
    each = fleets.applications()
    words = {"main": "nothing changed", "one": f"{size} changed", "all": f"{size * each} changed"}
    bare = found["main", "markdown"].costs
    return [[f"{size} × {each}, {words[branch]}, {form}", seconds(subject.costs.wall), seconds(subject.costs.cpu),
             seconds(max(subject.costs.wall - bare.wall, 0)) if branch != "main" else "", megabytes(subject.costs.rss),
             share(subject.costs.others)]
            for (branch, form), subject in found.items()]


def judge(sizes, verdicts, seconds):
    each = fleets.applications()
    for size, found in sizes.items():
        bare = found["main", "markdown"].costs.wall
        if size * each == BEYOND[0]:
            beyond = found["all", "markdown"].costs.wall - bare
            verdicts.add(f"{BEYOND[0]} changed Applications as a comment, beyond rendering", beyond <= BEYOND[1], seconds(max(beyond, 0)),
                         f"at most {seconds(BEYOND[1])}")
        if size == IN_ALL[0]:
            whole = max(found["one", "text"].costs.wall, found["all", "markdown"].costs.wall)
            verdicts.add(f"{size} × {each} from Git, in all", whole < IN_ALL[1], seconds(whole), f"< {seconds(IN_ALL[1])}")
