#!/usr/bin/env python3
"""The command line with keys in keystored, as a user meets it."""
import json
import os
import subprocess
import unittest

from cli_case import Case, openssl, run, without_supplements


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


if __name__ == "__main__":
    unittest.main(verbosity=2)
