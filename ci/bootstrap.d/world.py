"""What ci/bootstrap and ci/outputs share: an environment's rendered facts, programs that are run, and the refusal of the wrong place.

Python's standard library only. Programs are found on PATH: aws, kubectl, helm, git, ssh.
"""

import json
import os
import pathlib
import pty
import re
import shlex
import subprocess
import sys


class Refused(Exception):
    """Something is not as it has to be; the message says what, and what to do."""


class Environment:
    """The rendered files of one environment. Nothing here is typed by hand: it is what the overlay said."""

    def __init__(self, repository, name):
        self.repository = pathlib.Path(repository)
        self.name = name
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", name):
            raise Refused(f"`{name}` is no name of an environment")
        self.folder = self.repository / "argocd" / name / "bootstrap"
        self.facts = self._json("facts.json")
        self.order = self._json("order.json")
        for what in (self.facts, self.order):
            if what.get("version") != 1 or what.get("environment") != name:
                raise Refused(f"{self.folder} was rendered for another environment or by another version: render again")
        self.cluster = self.facts["cluster"]
        self.aws = self.facts["aws"]
        self.argocd = self.facts["argocd"]

    def _json(self, name):
        path = self.folder / name
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise Refused(f"{path} does not exist: is the environment's name right, and is it rendered?") from None

    def file(self, name):
        """A rendered file, as commands name it: relative to the repository, which is the working directory."""
        path = self.folder / name
        if not path.exists():
            raise Refused(f"{path} does not exist, though the order names it: render again")
        return str(path.relative_to(self.repository))


class World:
    """Runs programs, or only says what it would run."""

    def __init__(self, environment, dry_run):
        self.environment = environment
        self.dry_run = dry_run
        self._trusted = set()
        # One file for each cluster: no context to choose, and none to choose wrongly.
        default = os.path.join("~", ".kube", environment.cluster["name"] + ".yaml")
        self.kubeconfig = os.path.expanduser(os.environ.get("KUBECONFIG") or default)
        if os.pathsep in self.kubeconfig:
            raise Refused("KUBECONFIG names several files; name the one of this cluster, or unset it")

    def say(self, text):
        print(f"# {text}", flush=True)

    def _environ(self):
        return dict(os.environ, KUBECONFIG=self.kubeconfig, AWS_PAGER="")

    def run(self, *command, stdin=None, shown=None):
        """Changes something. Stops everything where it fails."""
        print(shown or shlex.join(command), flush=True)
        if self.dry_run:
            return
        done = self._call(command, input=stdin)
        if done.returncode:
            raise Refused(f"failed with {done.returncode}: {shown or shlex.join(command)}")

    def pipe(self, first, second):
        """`first | second`, but `second` is not started unless `first` has succeeded."""
        print(f"{shlex.join(first)} \\\n  | {shlex.join(second)}", flush=True)
        if self.dry_run:
            return
        made = self._call(first, stdout=subprocess.PIPE, text=False)
        if made.returncode or not made.stdout.strip():
            raise Refused(f"failed with {made.returncode}, or gave nothing: {shlex.join(first)}")
        if self._call(second, input=made.stdout, text=False).returncode:
            raise Refused(f"failed: {shlex.join(second)}")

    def look(self, *command, otherwise=None):
        """Reads from the world and changes nothing; None where the program says no. In a dry run, `otherwise`, and nothing is called."""
        if self.dry_run:
            print(shlex.join(command), flush=True)
            return otherwise
        done = self._call(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode:
            self.last_error = done.stderr.strip()
            return None
        return done.stdout

    def session(self, *command):
        """As `look`, with a terminal for standard input on which nobody ever types: session-manager-plugin breaks off in the middle of the
        output where its input ends."""
        if self.dry_run:
            return self.look(*command)
        keyboard, terminal = pty.openpty()
        try:
            done = self._call(command, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        except subprocess.TimeoutExpired:
            self.last_error = "no end after two minutes"
            return None
        finally:
            os.close(keyboard)
            os.close(terminal)
        self.last_error = done.stderr.strip()
        return None if done.returncode else done.stdout

    def _call(self, command, **options):
        if options.get("input") is None and "stdin" not in options:
            options.pop("input", None)
            # Nobody is asked anything: a program that wants an answer gets none.
            options["stdin"] = subprocess.DEVNULL
        options.setdefault("text", True)
        try:
            return subprocess.run(command, check=False, env=self._environ(), cwd=self.environment.repository, **options)
        except FileNotFoundError:
            raise Refused(f"the program `{command[0]}` is not installed") from None

    # Refusals. Each is asked once in a run, before the first step that could do harm.

    def trust_account(self):
        """The credentials belong to the environment's account, and nothing says another region."""
        aws = self.environment.aws
        if "account" in self._trusted or aws is None:
            return
        for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            region = os.environ.get(variable)
            if region and region != aws["region"]:
                raise Refused(f"wrong region: {variable} is {region}, {self.environment.name} is in {aws['region']}")
        if not (os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")):
            region = (self.look("aws", "configure", "get", "region", otherwise="") or "").strip()
            if region and region != aws["region"]:
                raise Refused(f"wrong region: the profile says {region}, {self.environment.name} is in {aws['region']}")
        account = self.look(
            "aws", "sts", "get-caller-identity", "--query", "Account", "--output", "text", otherwise=aws["account"]
        )
        if account is None:
            raise Refused(f"AWS knows no one by these credentials: {self.last_error}")
        if account.strip() != aws["account"]:
            raise Refused(
                f"wrong account: the credentials are of {account.strip()}, {self.environment.name} is in {aws['account']}"
            )
        self._trusted.add("account")

    def server(self):
        """The API server that the kubeconfig names."""
        path = "jsonpath={.clusters[0].cluster.server}"
        return (self.look("kubectl", "config", "view", "--minify", "--output", path) or "").strip()

    def trust_cluster(self):
        """kubectl speaks to the environment's cluster."""
        if "cluster" in self._trusted:
            return
        endpoint = self.environment.cluster["endpoint"]
        server = self.server()
        if not self.dry_run and server != endpoint:
            raise Refused(
                f"wrong cluster: {self.kubeconfig} names {server or 'none'}, {self.environment.name} is {endpoint}; "
                "run the step `kubeconfig`, or set KUBECONFIG"
            )
        self._trusted.add("cluster")

    def aws(self, *arguments):
        """A command of the aws CLI with the environment's region, whatever the profile says."""
        return ("aws", "--region", self.environment.aws["region"], *arguments)


def repository():
    return pathlib.Path(__file__).resolve().parent.parent.parent


def fail(message):
    print(f"{pathlib.Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    return 1
