"""Runs a command and asks the operating system what it cost.

Time on the wall is taken around the process; CPU time and peak memory are what wait4 reports for it and
for the processes it waited for (peak memory: of the largest single one). A process starts out with the
peak of the one that forked it, so a small command would be charged with this interpreter's memory. On
Linux a shell therefore starts the command and goes away, and the orphan is waited for here.
"""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import time

PR_SET_CHILD_SUBREAPER = 36
# the orphan waits at the gate until its shell is gone and the clock runs
ORPHAN = 'exec 3<&0; { read -r _ <&3; exec "$@" 3<&-; } >&2 & echo $!'


def adopt_orphans():
    if not sys.platform.startswith("linux"):
        return False
    try:
        return ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    except (OSError, AttributeError):
        return False


ADOPTS = adopt_orphans()
RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss


class Failed(Exception):
    pass


class Cost:
    """What one run took: seconds on the wall and of CPU, peak bytes, and what others burnt meanwhile."""

    def __init__(self, wall, cpu, rss, others):
        self.wall, self.cpu, self.rss, self.others = wall, cpu, rss, others


def cpu_of_all():
    """CPU seconds burnt on this machine since it started, as far as it tells."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            ticks = [int(word) for word in file.readline().split()[1:9]]
    except (OSError, ValueError):
        return None
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def reap(patience=5):
    """Waits for what the command left behind, such as helpers that end a moment later."""
    end = time.monotonic() + patience
    while ADOPTS and time.monotonic() < end:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.001)
        except ChildProcessError:
            return


def run(command, folder, environment=None):
    """Runs `command` (a list) in `folder`; its output is kept only for the message of a failure."""
    with tempfile.TemporaryFile() as said:
        options = {"cwd": folder, "env": environment, "stdout": said, "stderr": said}
        if ADOPTS:
            gate, opener = os.pipe()
            shell = subprocess.Popen(["sh", "-c", ORPHAN, "sh", *command], **{**options, "stdin": gate, "stdout": subprocess.PIPE})
            process = int(shell.communicate()[0])
            os.close(gate)
            before, start = cpu_of_all(), time.perf_counter()
            os.write(opener, b"\n")
            os.close(opener)
        else:
            before, start = cpu_of_all(), time.perf_counter()
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options).pid
        _, status, usage = os.wait4(process, 0)
        wall, after = time.perf_counter() - start, cpu_of_all()
        reap()
        code = os.waitstatus_to_exitcode(status)
        if code != 0:
            said.seek(0)
            text = said.read().decode(errors="replace").strip()
            raise Failed(f"`{' '.join(command)}` ended with {code}\n{text[-2000:]}")
    cpu = usage.ru_utime + usage.ru_stime
    others = None if before is None else max(0.0, after - before - cpu) / max(wall, 0.01)
    return Cost(wall, cpu, usage.ru_maxrss * RSS_UNIT, others)


def wait_for_quiet(seconds):
    """Waits until the machine is all but idle, `seconds` at most."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before = cpu_of_all()
        if before is None:
            return
        time.sleep(0.5)
        if cpu_of_all() - before < 0.05:
            return


def median(numbers):
    ordered = sorted(numbers)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


class Costs:
    """The runs of one thing."""

    def __init__(self):
        self.runs = []

    def add(self, cost):
        self.runs.append(cost)

    def __bool__(self):
        return bool(self.runs)

    wall = property(lambda self: median([run.wall for run in self.runs]))
    cpu = property(lambda self: median([run.cpu for run in self.runs]))
    rss = property(lambda self: median([run.rss for run in self.runs]))

    @property
    def others(self):
        known = [run.others for run in self.runs if run.others is not None]
        return median(known) if known else None

    @property
    def spread(self):
        """Half the distance between the fastest and the slowest run."""
        return (max(run.wall for run in self.runs) - min(run.wall for run in self.runs)) / 2

    def json(self):
        return {"wall_seconds": self.wall, "cpu_seconds": self.cpu, "peak_rss_bytes": self.rss,
                "others_cpu": self.others, "runs": [vars(run) for run in self.runs]}


def overhead():
    """What measuring itself adds: the cost of a command that does nothing."""
    costs = Costs()
    nothing = shutil.which("true") or "true"
    for _ in range(21):
        costs.add(run([nothing], "/"))
    return costs


def filesystem(path):
    """The kind of file system that holds `path`."""
    real, best = os.path.realpath(path), ("", "unknown")
    try:
        with open("/proc/mounts", encoding="utf-8") as file:
            for line in file:
                _, where, kind = line.split()[:3]
                if (real + "/").startswith(where.rstrip("/") + "/") and len(where) >= len(best[0]):
                    best = (where, kind)
    except OSError:
        pass
    return best[1]


def machine():
    """One line about where this runs."""
    names = [os.uname().sysname, os.uname().machine]
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names += [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")][:1]
    except OSError:
        pass
    return ", ".join(names)


def cores():
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
