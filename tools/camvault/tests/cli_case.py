"""The command line as a user meets it: what its tests share. The real program (CAMVAULT names it) on small H.264 streams made
here, signed with keys made by `openssl`."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

CAMVAULT = os.environ["CAMVAULT"]
SCHEMA = os.environ.get("CAMVAULT_REPORT_SCHEMA", "")

# 16x16 pixels, baseline profile (ITU-T H.264 7.3.2.1): written by hand, no encoder was used.
SPS = bytes.fromhex("6742c00add8f6a200000030020000003003c47" "8aa2")
PPS = bytes.fromhex("68ce3c80")
START = b"\x00\x00\x00\x01"


def slice_unit(header, seed, size=400):
    """A slice with first_mb_in_slice = 0 whose content is never decoded, only hashed."""
    body = bytes((seed * 31 + i * 7) % 251 + 4 for i in range(size))
    return bytes([header, 0x88]) + body + b"\x80"


def stream(gops=4, pictures=10):
    out = []
    for gop in range(gops):
        out += [SPS, PPS, slice_unit(0x65, gop * 100)]
        out += [slice_unit(0x41, gop * 100 + i) for i in range(1, pictures)]
    return out


def annex_b(units):
    return b"".join(START + u for u in units)


def units_of(data):
    return [u.rstrip(b"\x00") for u in re.split(b"\x00\x00\x01", data)[1:]]


def run(*arguments, env=None, **options):
    merged = dict(os.environ, CAMVAULT_TRUST="", **(env or {})) if "CAMVAULT_TRUST" not in (env or {}) else dict(os.environ, **env)
    return subprocess.run([CAMVAULT, *map(str, arguments)], capture_output=True, timeout=120, env=merged, **options)


def openssl(*arguments, cwd, data=None):
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True, input=data)


def without_supplements(stream):
    """A byte stream without the units of our supplement (docs/formats/supplement-sei.md)."""
    units = stream.split(b"\0\0\0\1")
    return b"\0\0\0\1".join(u for u in units if bytes.fromhex("5dd644f4f4574d2f8680fe9b3ea9a1a8") not in u)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="camvault-cli-")
        cls.path = pathlib.Path(cls.folder.name)
        for name in ("one", "two"):
            cls.make_camera(name)
        (cls.path / "raw.h264").write_bytes(annex_b(stream()))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def make_camera(cls, name):
        at = cls.path
        for who in ("ca", "cam"):
            openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}-{who}.key", cwd=at)
        openssl("req", "-x509", "-new", "-key", f"{name}-ca.key", "-subj", f"/CN=Test CA {name}", "-days", "3650", "-out", f"{name}-ca.pem", cwd=at)
        openssl("req", "-new", "-key", f"{name}-cam.key", "-subj", f"/CN=Test camera {name}/serialNumber=SN-{name}", "-out", f"{name}.csr", cwd=at)
        (at / "ext").write_text("basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{name}-ca.pem", "-CAkey", f"{name}-ca.key", "-CAcreateserial",
                "-days", "3000", "-extfile", "ext", "-out", f"{name}-cam.pem", cwd=at)

    def sign(self, out="signed.h264", camera="one", *more):
        result = run("sign", self.path / "raw.h264", self.path / out, "--key-file", self.path / f"{camera}-cam.key",
                     "--chain", self.path / f"{camera}-cam.pem", *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.path / out

    def verify(self, clip, *more):
        result = run("verify", clip, "--json", *more)
        return result.returncode, json.loads(result.stdout) if result.stdout else None, result.stderr.decode()

    def assert_one_line(self, result, code, *words):
        text = result.stderr.decode()
        self.assertEqual(result.returncode, code, text)
        self.assertTrue(text.startswith("camvault: "), text)
        self.assertEqual(text.count("\n"), 1, text)
        for word in words:
            self.assertIn(word, text)
