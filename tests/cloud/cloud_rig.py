"""A camera with an identity, and its queue: what the tests of all transports share."""
import json
import os
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "programs"))
from rig import CAMVAULT, Camera, missing, must, run  # noqa: E402

SERIAL = "CAM-000001"
KEY = "camera/idevid"


class CloudTest(unittest.TestCase):
    PROGRAMS = []  # that have to be installed

    @classmethod
    def setUpClass(cls):
        gone = missing(*cls.PROGRAMS)
        if gone:
            raise unittest.SkipTest("not installed: " + ", ".join(gone))
        cls.camera = Camera()
        cls.addClassCleanup(cls.camera.close)
        cls.camera.key(KEY, "ec-p256", purpose="device-identity")
        cls.chain = cls.camera.certificate(KEY, usage="", subject="Camera %s/serialNumber=%s" % (SERIAL, SERIAL))
        folder = cls.camera.folder / "var/lib/camvault/identity"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "idevid-chain.pem").write_text(pathlib.Path(cls.chain).read_text())
        cls.server = cls.camera.local_pair("localhost")
        cls.other_ca = cls.stranger("other")

    @classmethod
    def stranger(cls, name):
        """A CA that nobody trusts, and a certificate for localhost below it."""
        base = cls.camera.path(name)
        must(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", base + ".key", "-out", base + ".pem",
              "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        os.chmod(base + ".key", 0o644)
        return base + ".pem", base + ".key"

    def setUp(self):
        self.number = getattr(CloudTest, "count", 0)
        CloudTest.count = self.number + 1

    def write_profile(self, transport, tls=None):
        path = self.camera.path("cloud-%d.toml" % self.number)
        tls = tls or 'anchors = "%s"\nsecrets = "keystore"\n' % self.camera.ca
        pathlib.Path(path).write_text(transport + "[tls]\n" + tls)
        return path

    def send(self, profile, topic, payload):
        return run([CAMVAULT, "cloud", "send", topic, "--profile", profile, "--root", self.camera.folder], data=payload)

    def deliver(self, profile, patience=1):
        return run([CAMVAULT, "cloud", "run", "--once", "--patience", patience, "--json", "--profile", profile, "--root", self.camera.folder])

    def waiting(self):
        return json.loads(must([CAMVAULT, "cloud", "status", "--json", "--root", self.camera.folder]))["waiting"]

    def drop_queue(self):
        for file in (self.camera.folder / "var/lib/camvault/cloud/queue").glob("*.message"):
            file.unlink()

    def eventually(self, question, seconds=20):
        until = time.monotonic() + seconds
        while not question():
            self.assertLess(time.monotonic(), until, "not within %d s" % seconds)
            time.sleep(0.05)
