#!/usr/bin/env python3
"""The command line as a user meets it: exit codes, messages, JSON, help, manual pages, completion.

Runs the real program (CAMVAULT names it) on small H.264 streams made here, signed with keys made by `openssl`.
Proves AX-4.1-2 (verdict and provenance for the user) at the level of the program.
"""
import datetime
import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

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


class Usage(Case):
    def test_wrong_usage_is_64(self):
        clip = self.path / "raw.h264"
        for arguments in ([], ["nonsense"], ["verify"], ["verify", clip, "--no-such-option"], ["verify", clip, "more"],
                          ["verify", clip, "--codec", "vp9"], ["verify", clip, "--at", "yesterday"], ["verify", clip, "--json", "--quiet"],
                          ["sign", clip], ["keystore"], ["factory"], ["help", "nonsense"], ["demo", "--duration", "1"]):
            with self.subTest(arguments=arguments):
                self.assert_one_line(run(*arguments), 64)

    def test_output_names_that_make_no_sense(self):
        key = ["--key-file", self.path / "one-cam.key", "--chain", self.path / "one-cam.pem"]
        self.assert_one_line(run("sign", self.path / "raw.h264", self.path / "raw.h264", *key), 64, "same file")
        self.assert_one_line(run("sign", self.path / "raw.h264", self.path / "out.xyz", *key), 64)
        self.assertFalse((self.path / "out.xyz").exists())
        self.assert_one_line(run("sign", self.path / "raw.h264", self.path / "o.h264", *key, "--start-time", "noon"), 64, "--start-time")

    def test_version(self):
        result = run("--version")
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout.decode(), r"^camvault \d+\.\d+\.\d+\n$")


class Unreadable(Case):
    def test_input_that_is_no_clip_is_65(self):
        (self.path / "empty.mp4").write_bytes(b"")
        (self.path / "garbage.mp4").write_bytes(bytes((i * 197 + 13) % 256 for i in range(10_000)))
        (self.path / "text.mp4").write_text("this is no video\n" * 100)
        os.mkfifo(self.path / "pipe.mp4")
        for name in ("empty.mp4", "garbage.mp4", "text.mp4", "missing.mp4", ".", "pipe.mp4"):
            with self.subTest(name=name):
                self.assert_one_line(run("verify", self.path / name), 65)
                self.assert_one_line(run("verify", self.path / name, "--json"), 65)

    def test_certificates_that_cannot_be_read_are_65(self):
        clip = self.sign()
        (self.path / "garbage.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        for option in ("--trust", "--signer", "--crl"):
            for name in ("missing.pem", "garbage.pem", "raw.h264"):
                with self.subTest(option=option, name=name):
                    self.assert_one_line(run("verify", clip, option, self.path / name), 65, name)

    def test_a_file_that_shrinks_while_it_is_read_is_65(self):
        clip = self.path / "shrinks.h264"
        for gigabytes in (8, 32):
            with open(clip, "wb") as out:  # sparse: the zeros take no disk
                out.write(annex_b(stream(1)))
                out.truncate(gigabytes << 30)
            process = subprocess.Popen([CAMVAULT, "verify", clip], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            deadline = time.monotonic() + 60
            while b"shrinks.h264" not in pathlib.Path(f"/proc/{process.pid}/maps").read_bytes() and time.monotonic() < deadline:
                time.sleep(0.01)
            os.truncate(clip, 4096)
            out, err = process.communicate(timeout=120)
            if b"shorter" in err:
                break
        self.assertEqual(process.returncode, 65, err)
        self.assertIn(b"became shorter", err)
        clip.unlink()


class Service(Case):
    def test_a_missing_keystore_is_69(self):
        for arguments in (["keystore", "list"], ["keystore", "status"]):
            self.assert_one_line(run(*arguments, "--root", self.path), 69)
        self.assert_one_line(run("sign", self.path / "raw.h264", self.path / "x.h264", "--root", self.path, "--chain", self.path / "one-cam.pem"), 69, "keystored")
        self.assertFalse((self.path / "x.h264").exists())

    def test_a_missing_chain_says_what_to_do(self):
        self.assert_one_line(run("sign", self.path / "raw.h264", self.path / "x.h264", "--root", self.path), 65, "--chain")


class Keystored(Case):
    """The whole chain with the real daemon: keys made inside it, certificates of a factory, a signature, a revocation."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.daemons = []
        for name in ("factory", "camera"):
            root = cls.path / name
            for folder in ("etc/camvault", "run/camvault", "var/lib/camvault"):
                (root / folder).mkdir(parents=True)
            config = root / "etc/camvault/keystored.toml"
            # Nobody reads its standard error before it ends: a line for each signature would fill the pipe.
            config.write_text(f'audit = "changes-and-refusals"\n[[application]]\nname = "{name}"\nuid = {os.geteuid()}\n')
            config.chmod(0o600)
            read_end, write_end = os.pipe()
            daemon = subprocess.Popen([os.environ["KEYSTORED"], "--root", root, "--ready-fd", str(write_end)], pass_fds=[write_end], stderr=subprocess.PIPE)
            os.close(write_end)
            ready = os.read(read_end, 64)
            os.close(read_end)
            assert ready, daemon.stderr.read()
            cls.daemons.append(daemon)
        cls.ca = cls.path / "factory/var/lib/camvault/factory/root-ca.pem"
        cls.ok("factory", "init", "--root", cls.path / "factory", "--organization", "Test 'Cameras'")
        cls.ok("factory", "provision", "--root", cls.path / "factory", "--camera-root", cls.path / "camera", "--serial", "T-1", "--identities", "none")

    @classmethod
    def tearDownClass(cls):
        for daemon in cls.daemons:
            daemon.terminate()
            daemon.communicate(timeout=20)
        super().tearDownClass()

    @staticmethod
    def ok(*arguments):
        result = run(*arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout.decode()

    def test_a_key_is_measured(self):
        root = self.path / "camera"
        self.ok("keystore", "generate", "camera/fast", "--purpose", "tls", "--root", root)
        for more, clients in ([], 1), (["--clients", "3"], 3):
            text = self.ok("keystore", "benchmark", "camera/fast", "--seconds", "0.3", "--root", root, *more)
            self.assertRegex(text, rf"^camera/fast, ec-p256 in software, {clients} clients?: [1-9][0-9]* signatures a second; p50 [0-9.]+ ms, p99 ")
            found = json.loads(self.ok("keystore", "benchmark", "camera/fast", "--seconds", "0.3", "--json", "--root", root, *more))
            self.assertEqual((found["key"], found["clients"], found["simulator"]), ("camera/fast", clients, False))
            self.assertAlmostEqual(found["count"] / found["seconds"], found["per_second"], delta=1)
            self.assertTrue(0 < found["p50_us"] <= found["p99_us"] <= found["longest_us"])
        for key_type, purpose, what in ("hmac-sha256", "mac", "MACs"), ("aes-256", "data-encryption", "encryptions"), ("ed25519", "tls", "signatures"):
            self.ok("keystore", "generate", "camera/" + key_type, "--type", key_type, "--purpose", purpose, "--root", root)
            self.assertIn(f" {what} a second", self.ok("keystore", "benchmark", "camera/" + key_type, "--seconds", "0.2", "--root", root))
        self.assertEqual(run("keystore", "benchmark", "camera/none", "--root", root).returncode, 65)
        self.assertEqual(run("keystore", "benchmark", "camera/fast", "--seconds", "0", "--root", root).returncode, 64)
        for name in ("fast", "hmac-sha256", "aes-256", "ed25519"):  # other tests count the keys
            self.ok("keystore", "delete", f"camera/{name}", "--root", root)

    def test_a_clip_signed_by_the_keystore_is_trusted(self):  # AX-2.1-1, AX-4.1-1
        out = self.path / "keystore.h264"
        self.ok("sign", self.path / "raw.h264", out, "--root", self.path / "camera", "--supplement")
        code, report, _ = self.verify(out, "--trust", self.ca, "--expect-serial", "T-1")
        self.assertEqual((code, report["verdict"], report["provenance"]), (0, "authentic", "trusted"), report["provenance_reason"])
        self.assertEqual(report["signer"]["serial"], "T-1")
        # AX-4.1-3: in the first supplement, by the key that the maker's certificate names.
        self.assertEqual([(a["standing"], a["origin"], a["backend"]) for a in report["attestations"]], [("vouched", "generated inside", "software")],
                         report["attestations"])
        self.assertIn("a program", report["attestations"][0]["reason"])
        self.ok("sign", self.path / "raw.h264", self.path / "silent.h264", "--root", self.path / "camera", "--supplement", "--no-attestation")
        self.assertEqual(self.verify(self.path / "silent.h264")[1]["attestations"], [])

    def test_the_certificate_promises_supplements(self):
        out, stripped = self.path / "promise.h264", self.path / "stripped.h264"
        for more in ([], ["--no-supplement"]):  # a promise is kept, and it is said that it is
            result = run("sign", self.path / "raw.h264", out, "--root", self.path / "camera", *more)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(b"--no-supplement has no effect" in result.stderr, bool(more), result.stderr)
            self.assertEqual(self.verify(out, "--trust", self.ca)[0], 0)
            stripped.write_bytes(without_supplements(out.read_bytes()))
            self.assertLess(stripped.stat().st_size, out.stat().st_size)
            code, report, _ = self.verify(stripped, "--trust", self.ca)
            self.assertEqual((code, report["verdict"]), (1, "not_authentic"), report["verdict_reason"])
            self.assertIn("supplement_removed", [n["kind"] for n in report["notes"]])

    def test_provisioning_again_gives_the_same_camera_the_same_certificates(self):
        chain = self.path / "camera/var/lib/camvault/identity/media-signing-chain.pem"
        before = chain.read_bytes()
        self.ok("factory", "provision", "--root", self.path / "factory", "--camera-root", self.path / "camera", "--serial", "T-1", "--identities", "none")
        self.assertEqual(chain.read_bytes(), before)
        self.assertEqual(self.ok("factory", "list", "--root", self.path / "factory"), "T-1\n")

    def test_a_second_serial_number_for_the_same_keys_is_refused(self):
        result = run("factory", "provision", "--root", self.path / "factory", "--camera-root", self.path / "camera", "--serial", "T-2")
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(self.ok("factory", "list", "--root", self.path / "factory"), "T-1\n")
        self.assert_one_line(run("factory", "provision", "--root", self.path / "factory", "--camera-root", self.path / "camera", "--serial", "../x"), 64)

    def test_when_revoked_a_camera_is_not_trusted(self):  # runs last: nothing un-revokes
        out = self.path / "revoked.h264"
        self.ok("sign", self.path / "raw.h264", out, "--root", self.path / "camera")
        self.ok("factory", "revoke", "--root", self.path / "factory", "--serial", "T-1")
        crl = self.path / "factory/var/lib/camvault/factory/device-ca.crl.pem"
        code, report, _ = self.verify(out, "--trust", self.ca, "--crl", crl)
        self.assertEqual((code, report["verdict"], report["provenance"]), (1, "authentic", "untrusted"), report["provenance_reason"])

    def test_the_roots_list_can_take_the_device_ca_out(self):  # AX-2.1-5
        out = self.path / "root-crl.h264"
        self.ok("sign", self.path / "raw.h264", out, "--root", self.path / "camera")
        crl = self.path / "factory/var/lib/camvault/factory/root-ca.crl.pem"
        self.ok("factory", "crl", "--root", self.path / "factory", "--days", "14")
        self.ok("factory", "crl", "--ca", "root", "--root", self.path / "factory")
        self.assertEqual(self.verify(out, "--trust", self.ca, "--crl", crl)[0], 0)
        self.assert_one_line(run("factory", "crl", "--ca", "root", "--root", self.path / "factory", "--days", "0"), 64)
        self.assert_one_line(run("factory", "crl", "--root", self.path / "factory", "--revoke-device-ca"), 64)
        # In a factory of its own: nothing un-revokes.
        other = self.path / "factory-copy"
        subprocess.run(["cp", "-r", self.path / "factory", other], check=True)
        (other / "run/camvault/keystored.sock").unlink(missing_ok=True)
        socket = self.path / "factory/run/camvault/keystored.sock"
        self.ok("factory", "crl", "--ca", "root", "--root", other, "--keystore", socket, "--revoke-device-ca")
        revoked = other / "var/lib/camvault/factory/root-ca.crl.pem"
        openssl("crl", "-in", str(revoked), "-CAfile", str(self.ca), "-noout", cwd=self.path)
        code, report, _ = self.verify(out, "--trust", self.ca, "--crl", revoked)
        self.assertEqual((code, report["provenance"]), (1, "untrusted"), report["provenance_reason"])
        self.assertIn("Device CA", report["provenance_reason"])
        result = run("factory", "provision", "--root", other, "--keystore", socket, "--camera-root", self.path / "camera", "--serial", "T-9")
        self.assert_one_line(result, 77, "revoked")

    def test_list_and_status(self):
        keys = json.loads(self.ok("keystore", "list", "--root", self.path / "camera", "--json"))
        self.assertEqual([(k["name"], k["purpose"], k["origin"]) for k in keys],
                         [("camera/attestation", "attestation", "generated inside"), ("camera/idevid", "device-identity", "generated inside"),
                          ("camera/media-signing", "media-signing", "generated inside")])
        status = json.loads(self.ok("keystore", "status", "--root", self.path / "camera", "--json"))
        self.assertEqual(status["keys"], 3)
        self.assertTrue(status["root_key"])
        self.assertIn("Root key:", self.ok("keystore", "status", "--root", self.path / "camera"))

    def test_the_wrong_key_is_refused(self):
        signing = ["sign", self.path / "raw.h264", self.path / "x.h264", "--root", self.path / "camera", "--key"]
        self.assert_one_line(run(*signing, "camera/no-such-key"), 65, "provision")
        self.assert_one_line(run(*signing, "nonsense"), 64)
        self.assertIn(run(*signing, "camera/idevid").returncode, (65, 77))   # not a key for media signing
        self.assertFalse((self.path / "x.h264").exists())

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to become another user")
    def test_another_user_is_refused(self):
        for folder in (self.path, self.path / "camera", self.path / "camera/run", self.path / "camera/run/camvault"):
            folder.chmod(0o755)
        self.assert_one_line(run("keystore", "list", "--root", self.path / "camera", user=65534), 77, "policy")
        result = run("sign", self.path / "raw.h264", "/dev/shm/camvault-x.h264", "--root", self.path / "camera", user=65534)
        self.assert_one_line(result, 77)


class Verdicts(Case):
    def test_not_signed_is_1(self):
        code, report, _ = self.verify(self.path / "raw.h264")
        self.assertEqual((code, report["verdict"]), (1, "not_signed"))
        self.assertIsNone(report["signer"])

    def test_authentic_is_0_with_and_without_anchor(self):
        clip = self.sign("signed.h264", "one", "--start-time", "2027-01-02T03:04:05Z", "--vendor-manufacturer", "Example", "--vendor-serial", "V1")
        code, report, _ = self.verify(clip)
        self.assertEqual((code, report["verdict"], report["provenance"]), (0, "authentic", "unknown"))
        self.assertEqual(report["first_time"], "2027-01-02T03:04:05Z")
        self.assertEqual(report["frames"]["not_authentic"], [])
        self.assertEqual(report["frames"]["count"], 40)
        self.assertEqual(report["signer"]["vendor"]["manufacturer"], "Example")
        code, report, _ = self.verify(clip, "--trust", self.path / "one-ca.pem")
        self.assertEqual((code, report["provenance"]), (0, "trusted"), report["provenance_reason"])
        self.assertEqual(report["signer"]["serial"], "SN-one")
        code, report, _ = self.verify(clip, "--trust", self.path / "two-ca.pem", "--trust", self.path / "one-ca.pem")
        self.assertEqual((code, report["provenance"]), (0, "trusted"))

    def test_signed_by_somebody_else_is_1(self):
        clip = self.sign()
        for option, value in (("--trust", self.path / "two-ca.pem"), ("--signer", self.path / "two-cam.pem")):
            with self.subTest(option=option):
                code, report, _ = self.verify(clip, option, value)
                self.assertEqual(code, 1)
                self.assertNotEqual(report["provenance"], "trusted")
        code, report, _ = self.verify(clip, "--trust", self.path / "one-ca.pem", "--expect-serial", "SN-two")
        self.assertEqual((code, report["provenance"]), (1, "untrusted"))

    def test_the_expected_camera_is_0(self):
        clip = self.sign()
        code, report, _ = self.verify(clip, "--signer", self.path / "one-cam.pem")
        self.assertEqual((code, report["provenance"]), (0, "trusted"), report["provenance_reason"])
        code, _, _ = self.verify(clip, "--trust", self.path / "one-ca.pem", "--expect-serial", "SN-one")
        self.assertEqual(code, 0)

    def test_another_time_for_certificates(self):
        clip = self.sign()
        code, report, _ = self.verify(clip, "--trust", self.path / "one-ca.pem", "--at", "2099-01-01T00:00:00Z")
        self.assertEqual((code, report["provenance"]), (1, "untrusted"))
        self.assertEqual(report["certificates_judged_at"], "2099-01-01T00:00:00Z")
        self.assertTrue(report["certificates_judged_at_given"])

    def test_altered_picture_is_1_and_named(self):
        clip = self.sign()
        units = units_of(clip.read_bytes())
        pictures = [i for i, u in enumerate(units) if u[0] & 0x1F in (1, 5)]
        victim = bytearray(units[pictures[13]])
        victim[100] ^= 0x40
        units[pictures[13]] = bytes(victim)
        (self.path / "altered.h264").write_bytes(annex_b(units))
        code, report, _ = self.verify(self.path / "altered.h264")
        self.assertEqual((code, report["verdict"]), (1, "not_authentic"))
        self.assertEqual([(f["index"], f["kind"]) for f in report["frames"]["not_authentic"]], [(13, "altered")])

    def test_missing_picture_is_2_and_named(self):
        clip = self.sign()
        units = units_of(clip.read_bytes())
        pictures = [i for i, u in enumerate(units) if u[0] & 0x1F in (1, 5)]
        del units[pictures[15]]
        (self.path / "cut.h264").write_bytes(annex_b(units))
        code, report, _ = self.verify(self.path / "cut.h264")
        self.assertEqual((code, report["verdict"]), (2, "authentic_with_missing_frames"))
        self.assertEqual([(f["index"], f["kind"]) for f in report["frames"]["not_authentic"]], [(15, "missing")])
        # Missing frames and somebody else's signature: the worse answer wins.
        code, _, _ = self.verify(self.path / "cut.h264", "--trust", self.path / "two-ca.pem")
        self.assertEqual(code, 1)

    def test_without_a_promise_the_supplement_can_be_left_out(self):
        uuid = bytes.fromhex("5dd644f4f4574d2f8680fe9b3ea9a1a8")
        self.assertIn(uuid, self.sign().read_bytes())
        bare = self.sign("bare.h264", "one", "--no-supplement")
        self.assertNotIn(uuid, bare.read_bytes())
        # Nobody said that there would be more than pictures: what nothing covers is listed.
        code, report, _ = self.verify(bare, "--trust", self.path / "one-ca.pem")
        self.assertEqual((code, report["verdict"]), (0, "authentic"))
        self.assertIn("not_covered_by_format", [n["kind"] for n in report["notes"]])
        code, report, _ = self.verify(self.sign(), "--trust", self.path / "one-ca.pem")
        self.assertNotIn("not_covered_by_format", [n["kind"] for n in report["notes"]])

    def test_signing_twice_is_refused_unless_replaced(self):
        clip = self.sign()
        key = ["--key-file", self.path / "two-cam.key", "--chain", self.path / "two-cam.pem"]
        self.assert_one_line(run("sign", clip, self.path / "again.h264", *key), 64, "--replace")
        self.assertFalse((self.path / "again.h264").exists())
        self.assertEqual(run("sign", clip, self.path / "again.h264", *key, "--replace").returncode, 0)
        code, report, _ = self.verify(self.path / "again.h264", "--trust", self.path / "two-ca.pem")
        self.assertEqual((code, report["provenance"]), (0, "trusted"))

    def test_all_ways_to_sign_are_authentic(self):
        for more in ([], ["--no-supplement"], ["--low-bitrate"], ["--hash", "sha512"], ["--hash", "sha384"], ["--signing-interval", "3"], ["--max-partial-units", "4"],
                     ["--no-emulation-prevention"], ["--certificate-in-every-sei"], ["--certificate-at-start-only"], ["--no-certificate-sei"], ["--repeat-seis"]):
            with self.subTest(more=more):
                code, report, _ = self.verify(self.sign("way.h264", "one", *more), "--trust", self.path / "one-ca.pem")
                self.assertEqual((code, report["verdict"], report["provenance"]), (0, "authentic", "trusted"), report["verdict_reason"])
                self.assertEqual(report["frames"]["authentic"] + report["frames"]["not_covered"], 40)


class Folder(Case):
    """camvault verify --recursive: every clip of an archive, one summary, and no work done twice."""

    def archive(self, clips=12):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="archive-", dir=self.path))
        (folder / "deep" / "er").mkdir(parents=True)
        good = self.sign("good.h264").read_bytes()
        for i in range(clips):
            (folder / ("deep" if i % 2 else "deep/er") / f"clip{i:03}.h264").write_bytes(good)
        (folder / "notes.txt").write_text("no clip")
        return folder, good

    def summary(self, *arguments, code):
        result = run("verify", "--recursive", *arguments, "--json", "--trust", self.path / "one-ca.pem")
        self.assertEqual(result.returncode, code, result.stderr)
        return json.loads(result.stdout)

    def test_every_clip_once_and_the_worst_decides(self):
        folder, good = self.archive()
        odd = os.fsencode(folder) + b"/n\xffme \xc3\xa9.h264"
        with open(odd, "wb") as file:
            file.write(good)
        out = self.path / "summary.json"
        summary = self.summary(folder, "--summary", out, code=0)
        self.assertEqual(summary, json.loads(out.read_text()))
        names = [result["file"] for result in summary["results"]]
        self.assertEqual(names, sorted(names))
        self.assertEqual(len(set(names)), 13)
        self.assertIn(odd, [os.fsencode(folder / name) for name in names], "file names come back as they are")
        self.assertEqual({(r["exit_code"], r["verdict"], r["provenance"]) for r in summary["results"]}, {(0, "authentic", "trusted")})
        (folder / "empty.mp4").write_bytes(b"")
        self.assertEqual(self.summary(folder, code=65)["by_exit_code"], {"0": 13, "65": 1})
        altered = bytearray(good)
        altered[len(good) // 2] ^= 1
        (folder / "altered.h264").write_bytes(altered)
        for jobs in (1, 3):
            summary = self.summary(folder, "--jobs", jobs, code=1)
            self.assertEqual(summary["by_exit_code"], {"0": 13, "1": 1, "65": 1}, "a forged clip is worse than an unreadable one")
        text = run("verify", "--recursive", folder).stdout.decode()
        self.assertIn("15 clips: 13 authentic, 1 not authentic", text)
        self.assertIn("altered.h264", text)
        self.assertEqual(run("verify", "--recursive", folder, "--quiet").stdout.decode().count("\n"), 1)

    def test_a_page_for_people(self):
        folder, good = self.archive(2)
        (folder / "deep" / "a&b <i>.h264").write_bytes(good)
        (folder / "empty.mp4").write_bytes(b"")
        page = folder / "deep" / "summary.html"
        self.summary(folder, "--html", page, code=65)
        html = page.read_text()
        self.assertIn("1 clip cannot be read</h1>", html)
        self.assertIn("<b>3</b>", html)
        self.assertNotIn("<i>", html)
        links = [urllib.parse.unquote(link) for link in re.findall(r'href="(\.[^"]*)"', html)]
        self.assertEqual(len(links), 4)
        for link in links:
            self.assertTrue((page.parent / link).is_file(), link)
        self.assertEqual(run("verify", folder / "empty.mp4", "--html", page).returncode, 64)

    def test_ended_at_any_time_it_goes_on(self):
        folder, good = self.archive(40)
        state = self.path / "archive.state"
        command = [CAMVAULT, "verify", "--recursive", str(folder), "--state", str(state), "--jobs", "2", "--quiet",
                   "--trust", str(self.path / "one-ca.pem")]
        kills = 0
        for attempt in range(200):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                if process.wait(timeout=0.15 + 0.02 * attempt) == 0:
                    break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
        self.assertEqual(process.returncode, 0)
        lines = state.read_text().splitlines()[1:]
        names = [json.loads(line)["file"] for line in lines]
        self.assertEqual(len(names), 40)
        self.assertEqual(len(set(names)), 40, f"no clip twice in the state file, after {kills} kills")
        with open(state, "ab") as file:
            file.write(lines[0].encode()[:25])  # torn: power went while it was written
        changed = folder / names[0]
        changed.write_bytes(good[:len(good) // 2] + b"\x2a" + good[len(good) // 2 + 1:])
        summary = self.summary(folder, "--state", state, code=1)
        self.assertEqual(len(summary["results"]), 40)
        self.assertEqual([r["file"] for r in summary["results"] if r["exit_code"] != 0], [names[0]], "it was changed: looked at again")
        self.assertEqual(len(state.read_text().splitlines()), 42)
        self.assert_one_line(run("verify", "--recursive", folder, "--state", state), 64, "other options")

    def test_one_line_a_clip(self):
        clip = self.sign("line.h264")
        result = run("verify", "--json-line", clip)
        self.assertEqual((result.returncode, result.stdout.count(b"\n")), (0, 1))
        line = json.loads(result.stdout)
        self.assertEqual((line["camvault_result"], line["file"], line["exit_code"]), (1, str(clip), 0))
        report = json.loads(run("verify", "--json", clip).stdout)
        for either in (report, line["report"]):
            either.pop("checked_at")
        self.assertEqual(line["report"], report)
        result = run("verify", "--json-line", self.path / "nowhere.mp4")
        self.assertEqual(result.returncode, 65)
        self.assertIn("nowhere.mp4", json.loads(result.stdout)["error"])

    def test_threads_find_the_same(self):
        clip = self.sign("threads.h264")
        reports = []
        for jobs in (1, 2, 5):
            report = json.loads(run("verify", "--json", "--jobs", jobs, clip).stdout)
            report.pop("checked_at")
            reports.append(report)
        self.assertEqual(reports[0], reports[1])
        self.assertEqual(reports[0], reports[2])

    def test_wrong_usage(self):
        self.assert_one_line(run("verify"), 64, "--recursive")
        self.assert_one_line(run("verify", "--recursive", self.path / "nowhere"), 65)
        self.assertEqual(run("verify", "--recursive", self.path, "clip.mp4").returncode, 64)
        self.assertEqual(run("verify", "clip.mp4", "--jobs", "0").returncode, 64)
        self.assertEqual(run("verify", "clip.mp4", "--state", "x").returncode, 64)
        self.assert_one_line(run("verify", "--recursive", self.path, "--trust", self.path / "no-ca.pem"), 65)


class Trust(Case):
    """camvault trust, what verify makes of it, and OCSP answers by `openssl ocsp`."""

    def setUp(self):
        self.store = self.path / f"trust-{self.id().rsplit('.', 1)[1]}"

    def trust(self, *arguments, code=0):
        result = run("trust", *arguments, "--trust-store", self.store)
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stdout.decode()

    def listed(self):
        return json.loads(self.trust("list", "--json"))

    def test_add_list_remove(self):
        self.assertFalse(self.listed()["exists"])
        self.trust("add", "--kind", "maker", self.path / "one-ca.pem", "--label", "Maker one")
        self.trust("add", "--kind", "tsa", self.path / "two-ca.pem")
        anchors = self.listed()["anchors"]
        self.assertEqual([(a["kind"], a["label"]) for a in anchors], [("maker", "Maker one"), ("tsa", None)])
        self.assertIn("Maker one (CN=Test CA one)", self.trust("list"))
        self.trust("remove", anchors[0]["fingerprint_sha256"][:7], code=64)
        self.trust("remove", anchors[0]["fingerprint_sha256"][:12], "--kind", "owner", code=65)
        removed = json.loads(self.trust("remove", anchors[0]["fingerprint_sha256"][:12], "--json"))
        self.assertEqual(removed[0]["label"], "Maker one")
        self.assertEqual([a["kind"] for a in self.listed()["anchors"]], ["tsa"])

    def test_wrong_usage_and_unreadable_input(self):
        self.assert_one_line(run("trust", "add", "--kind", "root", self.path / "one-ca.pem"), 64)
        self.assert_one_line(run("trust", "add", self.path / "one-ca.pem"), 64)
        self.trust("add", "--kind", "maker", self.path / "one-cam.key", code=65)
        self.trust("add", "--kind", "maker", self.path / "one-ca.pem", "--label", "two\nlines", code=64)
        self.assertFalse(self.listed()["anchors"])

    def test_verify_uses_the_store_and_says_so(self):
        clip = self.sign("trust.h264")
        env = {"CAMVAULT_TRUST": str(self.store)}
        self.trust("add", "--kind", "tsa", self.path / "one-ca.pem")   # of the wrong kind: vouches for no camera
        result = run("verify", clip, "--json", env=env)
        self.assertEqual((result.returncode, json.loads(result.stdout)["provenance"]), (0, "unknown"))
        self.trust("add", "--kind", "maker", self.path / "one-ca.pem")
        result = run("verify", clip, "--json", env=env)
        report = json.loads(result.stdout)
        self.assertEqual((result.returncode, report["provenance"], report["trust_store"]), (0, "trusted", str(self.store)))
        self.assertIn(f"the trust store {self.store}", " ".join(run("verify", clip, env=env).stdout.decode().split()))
        result = run("verify", clip, "--json", "--no-trust-store", env=env)
        self.assertEqual((json.loads(result.stdout)["provenance"], json.loads(result.stdout)["trust_store"]), ("unknown", None))
        # Whoever keeps a list of makers wants to hear about the others.
        stranger = self.sign("stranger.h264", "two")
        result = run("verify", stranger, "--json", env=env)
        self.assertEqual((result.returncode, json.loads(result.stdout)["provenance"]), (1, "untrusted"))
        self.assertEqual(run("verify", stranger, "--trust", self.path / "two-ca.pem", env=env).returncode, 0)
        self.assert_one_line(run("verify", clip, "--trust-store", self.path / "no-such-store"), 65, "no trust store")
        self.assertEqual(run("verify", clip, "--trust-store", self.store).returncode, 0)

    def test_the_place_is_the_users(self):
        for env, folder in (({"XDG_CONFIG_HOME": str(self.path / "xdg")}, "xdg/camvault/trust"), ({"HOME": str(self.path / "home"), "XDG_CONFIG_HOME": ""}, "home/.config/camvault/trust")):
            merged = {k: v for k, v in os.environ.items() if k != "CAMVAULT_TRUST"} | env
            subprocess.run([CAMVAULT, "trust", "add", "--kind", "owner", self.path / "one-ca.pem"], env=merged, check=True, capture_output=True)
            self.assertTrue((self.path / folder / "owners").is_dir())

    def test_a_damaged_anchor_is_not_trusted_and_not_silent(self):
        clip = self.sign("damaged.h264")
        self.trust("add", "--kind", "maker", self.path / "one-ca.pem")
        (file,) = (self.store / "makers").iterdir()
        file.write_bytes(file.read_bytes()[:-40])
        self.assertIn("NOT TRUSTED", self.trust("list"))
        result = run("verify", clip, "--json", "--trust-store", self.store)
        self.assertEqual(json.loads(result.stdout)["provenance"], "unknown")
        self.assertIn(b"not trusted", result.stderr)

    def respond(self, camera, ca, state, out):
        at = self.path
        serial = subprocess.run(["openssl", "x509", "-in", f"{camera}-cam.pem", "-noout", "-serial"], cwd=at, check=True, capture_output=True).stdout.decode().split("=")[1].strip()
        (at / "index.txt").write_text(f"{state}\t{serial}\tunknown\t/CN=x\n")
        openssl("ocsp", "-issuer", f"{ca}-ca.pem", "-cert", f"{camera}-cam.pem", "-reqout", "ocsp.req", cwd=at)
        openssl("ocsp", "-index", "index.txt", "-CA", f"{ca}-ca.pem", "-rsigner", f"{ca}-ca.pem", "-rkey", f"{ca}-ca.key", "-reqin", "ocsp.req", "-respout", out, "-ndays", "7", cwd=at)
        return at / out

    def test_ocsp_answers_count_at_recording_time(self):
        clip = self.sign("ocsp.h264")
        trust = ["--trust", self.path / "one-ca.pem", "--ocsp"]
        good = self.respond("one", "one", "V\t361231235959Z\t", "good.ocsp")
        code, report, _ = self.verify(clip, *trust, good)
        self.assertEqual((code, report["provenance"]), (0, "trusted"))
        stolen = self.respond("one", "one", "R\t361231235959Z\t261101000000Z,keyCompromise", "stolen.ocsp")
        code, report, _ = self.verify(clip, *trust, stolen)
        self.assertEqual((code, report["provenance"]), (1, "untrusted"), report["provenance_reason"])
        self.assertIn("compromised", report["provenance_reason"])
        # Retired after the recording: the recording stays what it was.
        later = self.respond("one", "one", "R\t361231235959Z\t401101000000Z,superseded", "later.ocsp")
        code, report, _ = self.verify(clip, *trust, later)
        self.assertEqual((code, report["provenance"]), (0, "trusted"), report["provenance_reason"])
        self.assert_one_line(run("verify", clip, *trust, self.path / "one-ca.pem"), 65, "OCSP")

    def test_a_responder_is_asked_only_when_wanted(self):
        clip = self.sign("online.h264")
        self.respond("one", "one", "R\t361231235959Z\t261101000000Z,keyCompromise", "unused.ocsp")   # writes the index
        responder = subprocess.Popen(["openssl", "ocsp", "-index", "index.txt", "-CA", "one-ca.pem", "-rsigner", "one-ca.pem", "-rkey", "one-ca.key",
                                      "-port", "0", "-ndays", "1"], cwd=self.path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            line = responder.stdout.readline().decode()
            port = re.search(r":(\d+) PID=", line).group(1)
            trust = ["--trust", self.path / "one-ca.pem"]
            self.assertEqual(self.verify(clip, *trust)[1]["provenance"], "trusted")
            code, report, _ = self.verify(clip, *trust, "--ocsp-url", f"http://127.0.0.1:{port}/")
            self.assertEqual((code, report["provenance"]), (1, "untrusted"), report["provenance_reason"])
        finally:
            responder.kill()
            responder.communicate()
        code, report, err = self.verify(clip, *trust, "--ocsp-url", f"http://127.0.0.1:{port}/")
        self.assertEqual((code, report["provenance"]), (0, "trusted"))
        self.assertIn("no OCSP response", err)
        _, _, err = self.verify(clip, *trust, "--online")
        self.assertIn("names no OCSP responder", err)


class Evidence(Case):
    """Time stamps in the video, by `openssl ts` behind tests/support/peers/tsa_server.py."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tsa_folder = cls.path / "tsa"
        cls.tsa_folder.mkdir()
        peer = pathlib.Path(__file__).resolve().parents[3] / "tests/support/peers/tsa_server.py"
        cls.tsa = subprocess.Popen([sys.executable, peer, cls.tsa_folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        port, tls_port, version = cls.tsa.stdout.readline().decode().split(" ", 2)
        print("time stamps by `openssl ts`,", version.strip())
        cls.url = f"http://127.0.0.1:{port}"
        cls.tls_url = f"https://127.0.0.1:{tls_port}"
        cls.tsa_root = cls.tsa_folder / "root.pem"

    @classmethod
    def tearDownClass(cls):
        cls.tsa.stdin.close()
        cls.tsa.wait(timeout=20)
        cls.tsa.stdout.close()
        super().tearDownClass()

    def stamped(self, name, *more, start="now"):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if start == "now" else start
        return self.sign(name, "one", "--start-time", now, "--tsa", self.url + "/good", "--tsa-interval", "0s", "--tsa-trust", self.tsa_root, *more)

    def trusting(self, *tsas):
        store = self.path / f"trust-{self.id().rsplit('.', 1)[1]}"
        for file in tsas:
            self.assertEqual(run("trust", "add", "--kind", "tsa", file, "--trust-store", store).returncode, 0)
        return ["--trust-store", store] if tsas else []

    def test_a_trusted_authority_says_when(self):
        clip = self.stamped("stamped.h264")
        code, report, _ = self.verify(clip, "--trust", self.path / "one-ca.pem", *self.trusting(self.tsa_root))
        self.assertEqual((code, report["verdict"], report["provenance"]), (0, "authentic", "trusted"), report["provenance_reason"])
        stamps = report["time_stamps"]
        self.assertGreaterEqual(len(stamps), 2)
        for stamp in stamps:
            self.assertEqual((stamp["verdict"], stamp["authority"]), ("trusted", "Test TSA"), stamp["reason"])
        self.assertEqual(report["gops"][0]["time_stamp"], 0)
        self.assertEqual(stamps[0]["first_gop"], 0)
        self.assertFalse([n for n in report["notes"] if n["kind"].startswith("time_stamp")])
        text = " ".join(run("verify", clip, *self.trusting(self.tsa_root)).stdout.decode().split())
        self.assertIn("recorded before", text)
        self.assertIn("says Test TSA", text)

    def test_an_authority_that_nobody_trusts(self):
        clip = self.stamped("foreign.h264")
        for trust in (self.trusting(), self.trusting(self.tsa_folder / "foreign-root.pem")):
            _, report, _ = self.verify(clip, *trust)
            self.assertEqual({s["verdict"] for s in report["time_stamps"]}, {"untrusted"})
            self.assertIsNone(report["gops"][0]["time_stamp"])
            self.assertEqual(report["verdict"], "authentic")

    def test_times_that_cannot_be_are_noted(self):
        for start, kind in (("2035-01-01T00:00:00Z", "time_stamp_contradicts"), ("2026-01-01T00:00:00Z", "time_stamp_late")):
            clip = self.stamped("times.h264", start=start)
            _, report, _ = self.verify(clip, *self.trusting(self.tsa_root))
            self.assertIn(kind, [n["kind"] for n in report["notes"]])

    def test_signing_goes_on_without_an_authority(self):
        for path in ("/nonce", "/imprint", "/garbage", "/expired", "/no-eku", "/close"):
            with self.subTest(path=path):
                out = self.path / "without.h264"
                result = run("sign", self.path / "raw.h264", out, "--key-file", self.path / "one-cam.key", "--chain", self.path / "one-cam.pem",
                             "--tsa", self.url + path, "--tsa-trust", self.tsa_root)
                self.assert_one_line(result, 69, "time stamp")
                code, report, _ = self.verify(out, "--trust", self.path / "one-ca.pem")
                self.assertEqual((code, report["verdict"], report["time_stamps"]), (0, "authentic", []))

    def test_a_camera_films_while_the_authority_comes_and_goes(self):
        key = ["--key-file", self.path / "one-cam.key", "--chain", self.path / "one-cam.pem"]
        filming = ["camera", "run", "--source", "test", "--width", "320", "--height", "240", "--duration", "6", "--tsa-interval", "1s", *key, "--record"]
        clip = self.path / "filmed.mp4"
        result = run(*filming, clip, "--tsa", self.tls_url + "/good", "--tsa-ca", self.tsa_folder / "web-ca.pem", "--tsa-trust", self.tsa_root)
        if b"without GStreamer" in result.stderr:
            self.skipTest("this build has no camera")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout.decode(), r"[1-9][0-9]* time stamps?")
        code, report, _ = self.verify(clip, "--trust", self.path / "one-ca.pem", "--tsa-trust", self.tsa_root)
        self.assertEqual((code, report["provenance"]), (0, "trusted"), report["provenance_reason"])
        self.assertTrue([s for s in report["time_stamps"] if s["verdict"] == "trusted"], report["time_stamps"])
        self.assertTrue(report["certificates_judged_at_time_stamp"])
        # Nobody there: the recording is as long, and signed to the end.
        result = run(*filming, clip, "--tsa", "http://127.0.0.1:1/")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("0 time stamps", result.stdout.decode())
        self.assertIn("failed", result.stdout.decode())
        code, report, _ = self.verify(clip, "--trust", self.path / "one-ca.pem")
        self.assertEqual((code, report["verdict"], report["time_stamps"]), (0, "authentic", []))
        self.assertEqual(report["frames"]["count"], 150)

    def test_wrong_usage(self):
        key = ["--key-file", self.path / "one-cam.key", "--chain", self.path / "one-cam.pem"]
        for more in (["--tsa", "tsa.example"], ["--tsa", self.url, "--tsa-interval", "soon"], ["--tsa-interval", "5s"], ["--tsa", self.url, "--tsa-policy", "x"]):
            with self.subTest(more=more):
                self.assert_one_line(run("sign", self.path / "raw.h264", self.path / "x.h264", *key, *more), 64)

    def test_a_stolen_key_and_what_was_stamped_before(self):
        clip = self.stamped("stolen.h264")
        at = self.path
        serial = subprocess.run(["openssl", "x509", "-in", "one-cam.pem", "-noout", "-serial"], cwd=at, check=True, capture_output=True).stdout.decode().split("=")[1].strip()

        def answer(since):
            (at / "index2.txt").write_text(f"R\t361231235959Z\t{since},keyCompromise\t{serial}\tunknown\t/CN=x\n")
            openssl("ocsp", "-issuer", "one-ca.pem", "-cert", "one-cam.pem", "-reqout", "ocsp2.req", cwd=at)
            openssl("ocsp", "-index", "index2.txt", "-CA", "one-ca.pem", "-rsigner", "one-ca.pem", "-rkey", "one-ca.key", "-reqin", "ocsp2.req", "-respout", "ocsp2", "-ndays", "7", cwd=at)
            return at / "ocsp2"
        trust = ["--trust", self.path / "one-ca.pem", *self.trusting(self.tsa_root), "--ocsp"]
        # The last group has no stamp, so that a thief could have added it: not trusted, whenever the theft was.
        code, report, _ = self.verify(clip, *trust, answer("401101000000Z"))
        self.assertEqual((code, report["provenance"]), (1, "untrusted"))
        code, report, _ = self.verify(clip, *trust, answer("200101000000Z"))
        self.assertEqual((code, report["provenance"]), (1, "untrusted"))


class Output(Case):
    def test_json_follows_its_schema(self):
        if not SCHEMA:
            self.fail("CAMVAULT_REPORT_SCHEMA is not set")
        schema = json.loads(pathlib.Path(SCHEMA).read_text())
        _, report, _ = self.verify(self.sign(), "--trust", self.path / "one-ca.pem")
        self.assertEqual(sorted(report), sorted(schema["required"]))
        self.check(schema, report, schema, "report")

    def check(self, schema, value, root, where):
        """The part of JSON Schema that our schema uses."""
        if "$ref" in schema:
            schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
        kind = names[type(value)]
        self.assertTrue(not types or kind in types or (kind == "integer" and "number" in types), f"{where} is {kind}, not {types}")
        if "enum" in schema:
            self.assertIn(value, schema["enum"], where)
        if "const" in schema:
            self.assertEqual(value, schema["const"], where)
        if kind == "object" and "properties" in schema:
            for name in schema.get("required", []):
                self.assertIn(name, value, where)
            for name, inner in value.items():
                self.assertIn(name, schema["properties"], f"{where} has a field that the schema does not know")
                self.check(schema["properties"][name], inner, root, f"{where}.{name}")
        if kind == "array" and "items" in schema:
            for index, inner in enumerate(value):
                self.check(schema["items"], inner, root, f"{where}[{index}]")

    def test_plain_output_has_no_escape_sequences(self):
        text = run("verify", self.sign()).stdout.decode()
        self.assertIn("AUTHENTIC", text)
        self.assertNotIn("\x1b", text)

    def test_quiet_is_one_line(self):
        result = run("verify", self.sign(), "-q")
        self.assertEqual(result.stdout.decode(), "signed.h264: AUTHENTIC, ORIGIN NOT KNOWN\n")

    def on_a_terminal(self, env):
        clip = self.sign()
        child, master = pty.fork()
        if child == 0:
            os.execve(CAMVAULT, [CAMVAULT, "verify", str(clip)], dict(os.environ, TERM="xterm", **env))
        data = b""
        try:
            while chunk := os.read(master, 65536):
                data += chunk
        except OSError:
            pass
        os.close(master)
        os.waitpid(child, 0)
        return data.decode()

    def test_colours_only_on_a_terminal_that_wants_them(self):
        self.assertIn("\x1b[32m", self.on_a_terminal({}))
        self.assertNotIn("\x1b[", self.on_a_terminal({"NO_COLOR": "1"}))

    def test_a_hostile_file_name_cannot_control_the_terminal(self):
        hostile = self.path / "a\x1b]0;owned\x07\nVERDICT.h264"
        hostile.write_bytes(self.sign().read_bytes())
        out = run("verify", hostile).stdout.decode()
        self.assertNotIn("\x1b", out)
        self.assertNotIn("\nVERDICT", out)
        self.assert_one_line(run("verify", str(hostile) + "x"), 65)

    def test_html_report_is_one_file(self):
        report = self.path / "report.html"
        self.assertEqual(run("verify", self.sign(), "--trust", self.path / "one-ca.pem", "--report", report).returncode, 0)
        html = report.read_text()
        self.assertIn("<h1>Authentic</h1>", html)
        self.assertNotIn("<script", html)
        self.assertNotRegex(html, r"(src|href)=[\"']?(https?:)?//")
        result = run("verify", self.sign(), "--report", self.path / "no-such-folder" / "report.html")
        self.assert_one_line(result, 74)

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "wb") as full:
            result = subprocess.run([CAMVAULT, "verify", self.sign(), "--json"], stdout=full, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(result.returncode, 74)


class Help(unittest.TestCase):
    def pages(self):
        return run("help", "--list").stdout.decode().split()

    @staticmethod
    def words(page):
        return page.split("-")[1:]

    def test_every_subcommand_explains_itself(self):
        pages = self.pages()
        for name in ("camvault", "camvault-verify", "camvault-sign", "camvault-demo", "camvault-keystore-list", "camvault-factory-init", "camvault-factory-crl", "camvault-camera-run",
                     "camvault-trust-add"):
            self.assertIn(name, pages)
        for page in pages:
            with self.subTest(page=page):
                result = run(*self.words(page), "--help")
                self.assertEqual(result.returncode, 0)
                text = result.stdout.decode()
                self.assertIn("Examples:", text)
                self.assertEqual(run("help", *self.words(page)).returncode, 0)

    def test_manual_pages_mention_every_option(self):
        for page in self.pages():
            with self.subTest(page=page):
                text = run(*self.words(page), "--help").stdout.decode().split("Examples:")[0]
                roff = run("help", "--man", *self.words(page)).stdout.decode()
                self.assertTrue(roff.startswith(".TH "))
                plain = roff.replace("\\-", "-")
                for option in set(re.findall(r"--[a-z][a-z-]+", text)):
                    self.assertIn(option, plain)
                self.assertIn(".SH SYNOPSIS", roff)

    def test_the_build_wrote_manual_pages_and_completion(self):
        manual = pathlib.Path(os.environ["CAMVAULT_MANUAL"])
        self.assertEqual(sorted(p.name for p in (manual / "man1").iterdir()), sorted(f"{page}.1" for page in self.pages()))
        for page in self.pages():
            self.assertEqual((manual / "man1" / f"{page}.1").read_bytes(), run("help", "--man", *self.words(page)).stdout)
        self.assertEqual((manual / "completions" / "camvault").read_bytes(), run("help", "--bash-completion").stdout)

    def test_bash_completion_works(self):
        script = run("help", "--bash-completion").stdout.decode()
        self.assertEqual(subprocess.run(["bash", "-n"], input=script.encode()).returncode, 0)

        def complete(*words):
            ask = script + "\nCOMP_WORDS=(" + " ".join(f"'{w}'" for w in words) + f")\nCOMP_CWORD={len(words) - 1}\n_camvault\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
            return subprocess.run(["bash"], input=ask.encode(), capture_output=True, cwd="/").stdout.decode().split()

        self.assertIn("verify", complete("camvault", "ver"))
        self.assertIn("--trust", complete("camvault", "verify", "--t"))
        self.assertIn("status", complete("camvault", "keystore", "st"))
        self.assertNotIn("--trust", complete("camvault", "sign", "--t"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
