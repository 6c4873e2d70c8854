"""A PostgreSQL cluster of a test's own: private folder, no network, ended with the test."""
import glob
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

NOBODY = 65534


def programs():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    return pathlib.Path(found[-1]).parent if found else None


class Postgres:
    """initdb and postgres refuse to run as root: as another user then."""

    def __init__(self):
        self.bin = programs()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="camvault-postgres-"))
        self.prefix = []
        if os.getuid() == 0:
            self.prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
            os.chown(self.folder, NOBODY, NOBODY)
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        subprocess.run([*self.prefix, self.bin / "initdb", "-D", self.data, "-U", "fleet", "-N", "-A", "trust", "-E", "UTF8", "--locale=C"],
                       check=True, capture_output=True, cwd=self.folder)
        self.process = None
        self.start()

    @property
    def connection(self):
        return f"host={self.folder} user=fleet dbname=postgres connect_timeout=2"

    def start(self):
        with open("/dev/null", "ab") as log:
            self.process = subprocess.Popen([*self.prefix, self.bin / "postgres", "-D", self.data, "-k", self.folder, "-c", "listen_addresses="],
                                            stdout=log, stderr=log, cwd=self.folder)
        for _ in range(600):
            ready = subprocess.run([self.bin / "pg_isready", "-h", self.folder, "-q"], check=False)
            if ready.returncode == 0:
                return
            time.sleep(0.05)
        raise AssertionError("PostgreSQL does not start")

    def stop(self, number=signal.SIGQUIT):  # at once, as a crash: the next start recovers
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(timeout=60)
        self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
