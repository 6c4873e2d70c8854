#!/usr/bin/env python3
"""The factory at the command line, with the real programs: keystoreds for root, issuing CA and camera, and `openssl`
as everybody else.

AX-2.1-1, AX-2.1-2, AX-2.1-5, NA-1-1, NC-4-1, IP-2.4-3, IP-3-1, IP-3-2.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from attest_test import Machine, make_maker, run


def openssl(*arguments, check=True):
    return subprocess.run(["openssl", *map(str, arguments)], check=check, capture_output=True, text=True, timeout=60)


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="camvault-factory-")
        cls.path = pathlib.Path(cls.folder.name)
        cls.machines = []

    @classmethod
    def tearDownClass(cls):
        for machine in reversed(cls.machines):
            machine.stop()
        cls.folder.cleanup()

    @classmethod
    def machine(cls, name, application, **options):
        made = Machine(cls.path / name, application, **options)
        cls.machines.append(made)
        return made

    def ok(self, *arguments, data=None):
        result = run(*arguments, data=data)
        self.assertEqual(result.returncode, 0, result.stderr.decode())
        return result.stdout.decode()

    def refused(self, code, words, *arguments, data=None):
        result = run(*arguments, data=data)
        self.assertEqual(result.returncode, code, result.stderr.decode())
        self.assertEqual(result.stderr.count(b"\n"), 1, result.stderr.decode())
        self.assertIn(words, result.stderr.decode())


class Identities(Base):
    """AX-2.1-2: one identity for each algorithm that the camera's keystore can do."""

    def make_factory(self, name):
        factory = self.machine(name, "factory")
        self.ok("factory", "init", "--root", factory.root, "--organization", "Test Cameras")
        return factory

    def check(self, factory, camera, made, subject):
        root_ca = factory.root / "var/lib/camvault/factory/root-ca.pem"
        for each in made["certificates"]:
            self.assertEqual(each["file"], str(camera.root / f"var/lib/camvault/identity/{each['use']}-chain.pem"))
            openssl("verify", "-x509_strict", "-CAfile", root_ca, "-untrusted", each["file"], each["file"])
            text = openssl("x509", "-in", each["file"], "-noout", "-text", "-nameopt", "RFC2253").stdout
            self.assertIn(subject, text)
            if each["use"] != "media-signing":
                self.assertIn("Not After : Dec 31 23:59:59 9999 GMT", text)

    def test_a_camera_has_three(self):
        factory, camera = self.make_factory("factory"), self.machine("camera", "camera")
        provision = ["factory", "provision", "--root", factory.root, "--camera-root", camera.root, "--serial", "T-1", "--json"]
        made = json.loads(self.ok(*provision))
        self.assertEqual([(c["use"], c["key_type"]) for c in made["certificates"]],
                         [("idevid", "ec-p256"), ("idevid-rsa-2048", "rsa-2048"), ("idevid-rsa-4096", "rsa-4096"), ("media-signing", "ec-p256")])
        self.assertEqual(made["not_made"], [])
        self.check(factory, camera, made, "serialNumber=T-1")
        keys = json.loads(self.ok("keystore", "list", "--root", camera.root, "--json"))
        self.assertEqual({k["name"] for k in keys if k["purpose"] == "device-identity"},
                         {"camera/idevid", "camera/idevid-rsa-2048", "camera/idevid-rsa-4096"})
        self.assertEqual(json.loads(self.ok(*provision)), made)  # the same camera asks again
        # SP-4.2.2: another camera's keys, the same serial number.
        other = self.machine("other", "camera")
        self.refused(64, "T-1", "factory", "provision", "--root", factory.root, "--camera-root", other.root, "--serial", "T-1", "--identities", "none")

    @unittest.skipUnless(shutil.which("swtpm_setup"), "not installed here: swtpm_setup")
    def test_what_a_module_cannot_make_is_named(self):
        factory = self.make_factory("factory-tpm")
        camera = self.machine("tpm", "camera", tpm_maker=make_maker(self.path / "maker"))
        provision = ["factory", "provision", "--root", factory.root, "--camera-root", camera.root, "--json", "--serial", "T-2"]
        config = camera.root / "etc/camvault/keystored.toml"
        both = config.read_text()
        camera.restart(both.replace('[[backend]]\ntype = "software"\n', ""))
        made = json.loads(self.ok(*provision))
        self.assertEqual([c["use"] for c in made["certificates"]], ["idevid", "idevid-rsa-2048", "media-signing"])
        self.assertEqual([n["use"] for n in made["not_made"]], ["idevid-rsa-4096"])
        self.check(factory, camera, made, "serialNumber=T-2")
        # Beside the TPM there is a software keystore after all: it makes what the TPM cannot.
        camera.restart(both)
        made = json.loads(self.ok(*provision))
        self.assertEqual((len(made["certificates"]), made["not_made"]), (4, []))
        held = {k["name"]: k["backend"] for k in json.loads(self.ok("keystore", "list", "--root", camera.root, "--json"))}
        self.assertEqual((held["camera/idevid-rsa-2048"], held["camera/idevid-rsa-4096"]), ("tpm2", "software"))



class Line(Base):
    """AX-2.1-5, NC-4-1, IP-3-2: root and issuing CA in keystores of their own, an order, a line that works by itself."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.site = cls.machine("site", "factory")
        cls.vault = cls.machine("vault", "factory")
        cls.state = cls.site.root / "var/lib/camvault/factory"
        cls.root_socket = cls.vault.root / "run/camvault/keystored.sock"
        result = run("factory", "init", "--root", cls.site.root, "--root-keystore", cls.root_socket, "--organization", "Test Cameras",
                     "--orders-required")
        assert result.returncode == 0, result.stderr
        cls.camera = cls.machine("camera", "camera")

    def audit(self, *more):
        result = run("factory", "audit", "--root", self.site.root, "--json", *more)
        return result.returncode, json.loads(result.stdout)

    def names(self, machine):
        return {k["name"] for k in json.loads(self.ok("keystore", "list", "--root", machine.root, "--json"))}

    def test_1_the_root_key_is_elsewhere(self):
        self.assertEqual(self.names(self.vault), {"factory/root-ca"})
        self.assertEqual(self.names(self.site), {"factory/device-ca", "factory/issue-log"})
        code, report = self.audit()
        self.assertEqual((code, report["whole"], report["signed"]), (0, True, True), report)
        self.vault.stop()  # from here on the root key is absent

    def test_2_only_what_is_ordered(self):
        provision = ["factory", "provision", "--root", self.site.root, "--camera-root", self.camera.root, "--identities", "none", "--serial"]
        self.refused(77, "unlisted-serial", *provision, "L-1")
        order = self.path / "one.order"
        order.write_text("camvault-order 1\norder: PO-1\ncount: 2\nL-1\nL-2\n")
        self.ok("factory", "order", order, "--root", self.site.root)
        self.refused(64, "PO-1", "factory", "order", order, "--root", self.site.root)
        self.ok(*provision, "L-1")
        self.refused(77, "key-of-another-camera", *provision, "L-3")
        other = self.machine("copy", "camera")
        self.refused(64, "L-1", *[str(other.root) if a == self.camera.root else a for a in provision], "L-1")
        self.assertEqual(json.loads(self.ok("factory", "orders", "--root", self.site.root, "--json")), [{"order": "PO-1", "count": 2, "issued": 1}])
        self.refused(69, "keystored", "factory", "crl", "--ca", "root", "--root", self.site.root, "--root-keystore", self.root_socket)

    def make_requests(self, folder, serials):
        """What cameras hand over, with keys of their own; `openssl` makes them, as any firmware could."""
        folder.mkdir()
        for serial in serials:
            text = ""
            for use in ("idevid", "media-signing"):
                text += openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", self.path / "scratch.key",
                                "-subj", f"/OU={use}/serialNumber={serial}").stdout
            (folder / f"{serial}.pem").write_text(text)

    def test_3_a_batch_that_is_killed(self):
        serials = [f"B-{i:03}" for i in range(60)]
        order = self.path / "batch.order"
        order.write_text("camvault-order 1\norder: PO-2\ncount: 60\n" + "".join(s + "\n" for s in serials))
        signers = self.path / "signers.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", self.path / "signer.key", "-out", signers,
                "-subj", "/CN=Order office", "-days", "10", "-addext", "keyUsage=digitalSignature")
        shutil.copy(signers, self.state / "order-signers.pem")
        self.refused(77, "unsigned-order", "factory", "order", order, "--root", self.site.root)
        openssl("cms", "-sign", "-binary", "-in", order, "-signer", signers, "-inkey", self.path / "signer.key", "-outform", "DER", "-out", self.path / "order.p7s")
        self.ok("factory", "order", order, "--signature", self.path / "order.p7s", "--root", self.site.root)
        requests = self.path / "requests"
        self.make_requests(requests, serials + ["X-1"])
        batch = ["factory", "batch", "--root", self.site.root, "--order", "PO-2", "--requests", requests, "--json"]
        for wait in (0.15, 0.3, 0.5):
            process = subprocess.Popen([os.environ["CAMVAULT"], *map(str, batch)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(timeout=wait)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        result = run(*batch)
        self.assertIn(result.returncode, (2,), result.stderr.decode())
        done = json.loads(result.stdout)
        self.assertTrue(done["finished"])
        self.assertIn("unlisted-serial", done["refusals"])
        issued = self.ok("factory", "list", "--root", self.site.root).split()
        self.assertEqual(sorted(i for i in issued if i.startswith("B-")), serials)
        seen = self.path / "seen.json"
        code, report = self.audit("--seen", seen)
        self.assertEqual((code, report["whole"], report["signed"], report["cameras"]), (0, True, True, len(issued)), report)
        again = json.loads(run(*batch).stdout)
        self.assertEqual((again["issued"], again["refusals"]["replayed-request"]), (0, 60))
        code, report = self.audit("--seen", seen)
        self.assertEqual(code, 0, report)
        log = (self.state / "issued.jsonl")
        text = log.read_bytes()
        log.write_bytes(b"".join(text.splitlines(keepends=True)[:-3]))
        code, report = self.audit("--seen", seen)
        self.assertEqual((code, report["whole"]), (1, False))
        log.write_bytes(text)
        for serial in ("B-000", "B-059"):
            chain = self.state / f"issued/{serial}.pem"
            openssl("verify", "-x509_strict", "-CAfile", self.state / "root-ca.pem", "-untrusted", self.state / "device-ca.pem", chain)

    def test_4_delivered_to_a_distributor(self):
        out = self.path / "delivery.json"
        self.ok("factory", "deliver", "--root", self.site.root, "--to", "North", "--order", "PO-2", "--out", out)
        root_ca = self.state / "root-ca.pem"
        check = ["factory", "delivery", out, "--trust", root_ca, "--serial"]
        self.assertIn("60 cameras", self.ok(*check, "B-001"))
        self.assertEqual(run(*check, "L-1").returncode, 1)
        openssl("cms", "-verify", "-binary", "-inform", "DER", "-in", f"{out}.p7s", "-content", out, "-CAfile", root_ca, "-purpose", "any", "-out", "/dev/null")
        self.refused(64, "delivered-before", "factory", "deliver", "--root", self.site.root, "--to", "South", "--order", "PO-2", "--out", out)
        out.write_bytes(out.read_bytes().replace(b"B-001", b"B-901"))
        self.assertEqual(run(*check, "B-901").returncode, 1)

    def test_5_ocsp_and_a_rollover(self):
        answers = self.path / "ocsp"
        self.ok("factory", "ocsp", "--root", self.site.root, "--serial", "B-002", "--out", answers)
        chain, ca, root_ca = self.state / "issued/B-002.pem", self.state / "device-ca.pem", self.state / "root-ca.pem"
        number = openssl("x509", "-in", chain, "-noout", "-serial").stdout.strip().split("=")[1].lower()
        text = openssl("ocsp", "-respin", answers / f"{number}.der", "-issuer", ca, "-cert", chain, "-CAfile", root_ca, "-no_nonce")
        self.assertIn(": good", text.stdout)
        self.assertIn("verify OK", text.stderr)
        self.vault.start()  # the root key is fetched
        self.ok("factory", "authority", "--root", self.site.root, "--root-keystore", self.root_socket)
        self.assertIn("61 cameras", self.ok("factory", "reissue", "--root", self.site.root))
        self.assertIn("0 cameras", self.ok("factory", "reissue", "--root", self.site.root))
        self.ok("factory", "withdraw", "device-ca", "--root", self.site.root, "--root-keystore", self.root_socket)
        self.vault.stop()
        crl = self.state / "root-ca.crl.pem"
        verify = ["verify", "-crl_check_all", "-CRLfile", crl, "-CAfile", root_ca, "-untrusted"]
        self.ok("factory", "crl", "--root", self.site.root)
        both = self.path / "lists.pem"
        both.write_text(crl.read_text() + (self.state / "device-ca-2.crl.pem").read_text())
        verify[3] = both
        openssl(*verify, self.state / "device-ca-2.pem", self.state / "issued-1/B-002.pem")
        self.assertIn("revoked", openssl("verify", "-crl_check_all", "-CRLfile", crl, "-CRLfile", crl, "-CAfile", root_ca, ca, check=False).stderr)
        code, report = self.audit()
        self.assertEqual((code, report["whole"]), (0, True), report)


class Foreign(Base):
    """NC-4-1: somebody else's CA signs our requests; only what is for the camera's keys is taken."""

    def test_openssl_ca(self):
        camera = self.machine("camera", "camera")
        request = self.path / "camera.pem"
        self.ok("factory", "request", "--camera-root", camera.root, "--serial", "F-1", "--out", request)
        blocks = [b + "-----END CERTIFICATE REQUEST-----\n" for b in request.read_text().split("-----END CERTIFICATE REQUEST-----\n")[:-1]]
        self.assertEqual(len(blocks), 2)
        (self.path / "ca.conf").write_text(
            f"[ca]\ndefault_ca = x\n[x]\ndir = {self.path}\ndatabase = $dir/index\nserial = $dir/number\nnew_certs_dir = $dir\n"
            "default_md = sha256\ndefault_days = 100\npolicy = any\nx509_extensions = leaf\ncopy_extensions = none\n"
            "[any]\nserialNumber = supplied\norganizationalUnitName = optional\ncommonName = optional\n"
            "[leaf]\nbasicConstraints = critical,CA:false\nkeyUsage = critical,digitalSignature\n")
        (self.path / "index").write_text("")
        (self.path / "number").write_text("1000\n")
        ca, key = self.path / "theirs.pem", self.path / "theirs.key"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-noenc", "-keyout", key, "-out", ca, "-subj", "/CN=Their CA", "-days", "100")
        files = []
        for i, block in enumerate(blocks):
            (self.path / f"{i}.csr").write_text(block)
            openssl("req", "-verify", "-noout", "-in", self.path / f"{i}.csr")
            openssl("ca", "-batch", "-config", self.path / "ca.conf", "-cert", ca, "-keyfile", key, "-notext", "-in", self.path / f"{i}.csr",
                    "-out", self.path / f"{i}.crt")
            files += ["--certificates", self.path / f"{i}.crt"]
        install = ["factory", "install", "--camera-root", camera.root, *files, "--trust", ca, "--serial"]
        self.refused(65, "another serial number", *install, "F-2")
        look_alike, look_key = self.path / "look.pem", self.path / "look.key"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-noenc", "-keyout", look_key, "-out", look_alike, "-subj", "/CN=Their CA", "-days", "100")
        self.refused(65, "idevid", *[look_alike if a == ca else a for a in install], "F-1")
        other = self.machine("other", "camera")
        self.ok("factory", "request", "--camera-root", other.root, "--serial", "F-1", "--out", self.path / "other.pem")
        self.refused(65, "none of the certificates", *[other.root if a == camera.root else a for a in install], "F-1")
        self.assertFalse(list((camera.root / "var/lib/camvault/identity").glob("*.pem")))
        self.ok(*install, "F-1")
        for use in ("idevid", "media-signing"):
            openssl("verify", "-CAfile", ca, camera.root / f"var/lib/camvault/identity/{use}-chain.pem")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=1)
