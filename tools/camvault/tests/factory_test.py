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


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=1)
