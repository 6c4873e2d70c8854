#!/usr/bin/env python3
"""`camvault demo` from beginning to end: what `make run` shows must be so, and nothing may be left behind."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

CAMVAULT = os.environ["CAMVAULT"]
BACKENDS = os.environ["CAMVAULT_BACKENDS"].split(",")   # that keystored was built with


def demo_folders():
    return set(pathlib.Path("/tmp").glob("camvault-demo-*"))


def children_of(pid):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (OSError, IndexError):
                continue
            if int(fields[1]) == pid:
                found.append(int(entry.name))
    return found


def runs(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Demo(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="camvault-demo-test-", dir="/var/tmp")
        self.out = pathlib.Path(self.folder.name) / "out"

    def tearDown(self):
        self.folder.cleanup()

    def check(self, codec, backend="software"):
        before = demo_folders()
        result = subprocess.run([CAMVAULT, "demo", "--out", self.out, "--duration", "5", "--codec", codec, "--backend", backend], capture_output=True, timeout=120)
        text = result.stdout.decode() + result.stderr.decode()
        self.assertEqual(result.returncode, 0, text)
        verdicts = {}
        for name in ("recording", "altered", "cut", "swapped"):
            self.assertTrue((self.out / f"{name}.mp4").stat().st_size > 0)
            self.assertIn("<!DOCTYPE html>", (self.out / f"{name}.html").read_text())
            report = json.loads((self.out / f"{name}.json").read_text())
            verdicts[name] = report["verdict"]
            self.assertEqual(report["provenance"], "trusted")
            self.assertEqual(report["signer"]["serial"], "CV-DEMO-0001")
        self.assertEqual(verdicts, {"recording": "authentic", "altered": "not_authentic", "cut": "authentic_with_missing_frames", "swapped": "not_authentic"})
        self.assertEqual(demo_folders() - before, set())
        return text

    def simulated(self, backend):  # AX-3.1-1..3: keys in a module; the recording verifies, and it is said that it is simulated
        text = self.check("h264", backend)
        self.assertRegex(text, r"the camera's keys are in a SIMULATED .*protects nothing")

    def test_se05x(self):
        self.simulated("se05x")

    @unittest.skipUnless(shutil.which("swtpm") and "tpm2" in BACKENDS, "no swtpm, or built without TPM 2.0")
    def test_tpm2(self):
        self.simulated("tpm2")

    @unittest.skipUnless(os.path.exists("/usr/lib/softhsm/libsofthsm2.so") and "pkcs11" in BACKENDS, "no SoftHSM2, or built without PKCS#11")
    def test_pkcs11(self):
        self.simulated("pkcs11")

    def test_h264(self):  # AX-4.1-1, AX-4.1-2
        self.check("h264")

    def test_h265(self):
        self.check("h265")

    def interrupt(self, how):
        before = demo_folders()
        process = subprocess.Popen([CAMVAULT, "demo", "--out", self.out, "--duration", "60"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        deadline = time.monotonic() + 20
        children = []
        while time.monotonic() < deadline and len(children) < 3:   # two keystores and the camera
            time.sleep(0.1)
            children = children_of(process.pid)
        time.sleep(1)
        children = children_of(process.pid)
        self.assertEqual(len(children), 3)
        how(process)
        out, err = process.communicate(timeout=20)
        for child in children:
            for _ in range(50):
                if not runs(child):
                    break
                time.sleep(0.1)
            self.assertFalse(runs(child))
        return process.returncode, err.decode(), demo_folders() - before

    def test_interrupted_by_the_user(self):
        code, err, left = self.interrupt(lambda p: os.killpg(p.pid, signal.SIGINT))
        self.assertEqual(code, 130, err)
        self.assertEqual(left, set())

    def test_terminated(self):
        code, err, left = self.interrupt(lambda p: p.terminate())
        self.assertEqual(code, 130, err)
        self.assertEqual(left, set())

    def test_killed(self):
        _, _, left = self.interrupt(lambda p: p.kill())
        for folder in left:   # nothing can clean up after SIGKILL; the processes must be gone all the same
            subprocess.run(["rm", "-rf", folder], check=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
