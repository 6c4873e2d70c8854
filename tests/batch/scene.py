"""What the tests of both batch engines share: the archive, the job, the question whether the summary is right."""
import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import murder  # noqa: E402
from archive import Archive  # noqa: E402

os.environ["PATH"] += ":/usr/sbin"  # munged, slurmctld, slurmd; not everybody has it
EXAMPLES = pathlib.Path(__file__).resolve().parent.parent.parent / "examples" / "batch"
BATCH = EXAMPLES / "batch.py"
SKIPPED = 77


def skip_unless(programs, list_name="packaging/packages-test-system.txt"):
    missing = [program for program in programs if not program or not shutil.which(program)]
    if missing:
        print("SKIPPED: not installed: %s (%s names the packages)" % (", ".join(missing), list_name))
        sys.exit(SKIPPED)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(what, seconds, is_there):
    end = time.monotonic() + seconds
    while not is_there():
        if time.monotonic() > end:
            raise RuntimeError("%s: not within %d s" % (what, seconds))
        time.sleep(0.1)


def die_with_us():
    """A test that is killed leaves no daemons: prctl(PR_SET_PDEATHSIG, SIGKILL)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Service:
    """A program in the foreground, ended by its id."""

    def __init__(self, log, command, env=None):
        self.log, self.command, self.env = log, [str(word) for word in command], env
        self.start()

    def start(self):
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self.env, preexec_fn=die_with_us)

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def text(self):
        return pathlib.Path(self.log).read_text(errors="replace")


class Scene:
    def __init__(self, path, camvault, count):
        self.path = pathlib.Path(path)
        self.archive = Archive(self.path, camvault, count)
        self.job = self.path / "job"
        self.camvault, self.count = camvault, count
        made = self.batch("new", self.job, self.archive.folder, "--camvault", camvault, "--", *self.archive.options)
        assert made.stdout.strip() == "%d clips" % count, made

    def batch(self, *words, code=0):
        done = subprocess.run([sys.executable, str(BATCH), *map(str, words)], capture_output=True, text=True, check=False)
        assert done.returncode == code, (words, done)
        return done

    def left(self):
        return len(self.batch("list", self.job).stdout.splitlines())

    def check(self, summary):
        """Each clip once, and all of it as one program says that looked at the whole archive by itself."""
        wanted = self.path / "alone.json"
        alone = subprocess.run([self.camvault, "verify", "--recursive", self.archive.folder, *self.archive.options, "--summary", wanted, "--quiet"],
                               capture_output=True, check=False)
        assert alone.returncode == 1, alone
        summary, wanted = json.loads(summary), json.loads(wanted.read_text())
        names = [result["file"] for result in summary["results"]]
        assert len(names) == len(set(names)) == self.count, (len(names), len(set(names)))
        for got, right in zip(summary["results"], wanted["results"]):
            assert got == right, (got, right)
        assert summary == wanted, ({**summary, "results": []}, {**wanted, "results": []})
        assert len(summary["by_exit_code"]) >= 3, "the archive has clips of every kind: %s" % summary["by_exit_code"]
        results = [path for path in (self.job / "results").rglob("*") if path.is_file() and not path.name.startswith(".")]
        assert len(results) == self.count, "%d result files" % len(results)
        return summary["by_exit_code"]


@contextlib.contextmanager
def scene(camvault, count):
    folder = tempfile.mkdtemp(prefix="camvault-batch-")
    try:
        yield Scene(folder, camvault, count)
    finally:
        # Verifiers whose workers were killed finish by themselves.
        with contextlib.suppress(RuntimeError):
            wait_for("workers to end", 30, lambda: not murder.workers(folder))
        shutil.rmtree(folder, ignore_errors=True)
