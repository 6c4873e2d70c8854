"""A first start without randomness: keystored says that it waits, waits, and makes no key before. SP-4.2.11

`gate` answers getrandom(2) as a kernel does whose generator is not ready: EAGAIN to those who do not want to wait, and silence to
those who do. /dev/urandom, which would give what can be guessed then, must not be opened.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "enrolment"))
from rig import CAMVAULT, KEYSTORED, must, run, wait_until  # noqa: E402

GATE = os.environ["GATE"]
NO_FILTERS = 77


class NoEntropy(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="camvault-entropy-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.there, self.report, self.log = self.folder / "entropy", self.folder / "report", self.folder / "log"

    def gate(self, *command):
        with open(self.log, "ab") as log:
            process = subprocess.Popen([GATE, "--report", self.report, "--entropy", self.there, "--", *map(str, command)], stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertTrue(wait_until(lambda: process.poll() is not None or self.report.exists()))
        if process.poll() == NO_FILTERS:
            self.skipTest(self.log.read_text())
        return process

    def said(self):
        return self.log.read_text()

    def test_keystored_waits_and_says_so(self):
        root = self.folder / "camera"
        (root / "etc/camvault").mkdir(parents=True)
        settings = root / "etc/camvault/keystored.toml"
        settings.write_text('[[application]]\nname = "camera"\nuid = %d\n' % os.getuid())
        settings.chmod(0o644)
        process = self.gate(KEYSTORED, "--root", root)
        self.assertTrue(wait_until(lambda: "no random numbers yet" in self.said()), self.said())
        time.sleep(0.5)
        self.assertIsNone(process.poll(), self.said())
        self.assertEqual([str(f) for f in root.rglob("*.key")], [])
        generate = [CAMVAULT, "keystore", "generate", "camera/first", "--type", "ec-p256", "--purpose", "tls", "--root", root]
        done = run(*generate)  # is told at once, and does not hang
        self.assertEqual(done.returncode, 69, done.stderr)
        self.there.touch()
        self.assertTrue(wait_until(lambda: "keystored listens" in self.said()), self.said())
        self.assertIn("has random numbers now", self.said())
        must(*generate)
        process.terminate()
        process.wait(timeout=10)
        self.assertNotIn("opened", self.report.read_text())

    def test_a_program_that_makes_keys_by_itself_waits(self):
        """Ephemeral keys of TLS come from the program's own OpenSSL: it waits in the kernel."""
        process = self.gate(CAMVAULT, "peer", "check", "127.0.0.1:1", "--root", self.folder, "--trust", self.folder / "none")
        self.assertIsNotNone(process)
        self.there.touch()
        process.wait(timeout=20)
        self.assertNotIn("opened", self.report.read_text())


if __name__ == "__main__":
    unittest.main(verbosity=1)
