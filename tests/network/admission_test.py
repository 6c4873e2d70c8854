"""Cameras join a network that they were never told about; impostors do not. 802.1X with hostapd, FreeRADIUS and wpa_supplicant.

usage: admission_test.py [SUITE...]     AX-2.1-2, AX-2.1-3, AX-2.2-1, NA-2.5-2
"""
import json
import os
import re
import sys
import time
import unittest

import admission
import lab
import pki
from admission import Admission, told
from lab import PRODUCTION, PROVISIONING, must, until

LIMIT = 10  # seconds from the start to admission: AX-2.1-3
if os.getloadavg()[0] > 2 * os.cpu_count():
    LIMIT = 40
    print("this machine is overloaded (%.0f): the limit is %d s instead of 10" % (os.getloadavg()[0], LIMIT))
RSA = 'sigalgs_list = "RSA-PSS+SHA256:RSA+SHA256"'
# A server that takes one algorithm only; of RSA keys at 128 bits of strength those of 3072 bits and more (SP 800-57).
ONLY = {"ec-p256": ('sigalgs_list = "ECDSA+SHA256"', ""), "rsa-2048": (RSA, ""), "rsa-4096": (RSA, ":@SECLEVEL=3")}
ENROL = """import os, subprocess, sys, time
# Stands for an enrolment protocol: a key in the keystore, a request over the provisioning network, a chain in the identity folder.
root, folder, camvault = sys.argv[1:]
subprocess.run([camvault, "keystore", "generate", "camera/ldevid-1", "--type", "ec-p256", "--purpose", "device-identity", "--root", root], check=True)
subprocess.run(["openssl", "req", "-new", "-engine", "pkcs11", "-keyform", "engine", "-key", "pkcs11:token=Camvault;object=camera%2Fldevid-1",
                "-subj", "/CN=camera", "-out", folder + "/request.new"], check=True)
os.rename(folder + "/request.new", folder + "/request.pem")
while not os.path.exists(folder + "/chain.pem"):
    time.sleep(0.02)
os.rename(folder + "/chain.pem", root + "/var/lib/camvault/identity/ldevid-chain.pem")
"""


def only(algorithm):
    signatures, strength = ONLY[algorithm]

    def change(conf):
        return conf.replace("ecdh_curve =", signatures + "\n\t\t\tecdh_curve =").replace("ECDHE+CHACHA20", "ECDHE+CHACHA20" + strength)
    return change


class Frames(Admission):
    def frames(self, camera):
        mac = camera.chatter.mac
        return sorted(self.site.provisioning.of(mac)), sorted(self.site.production.of(mac))

    def assert_closed_until(self, camera, moment):
        """No frame of the camera passed before, while many were sent."""
        provisioning, production = self.frames(camera)
        sent = [when for when in camera.chatter.sent if when < moment]
        self.assertGreater(len(sent), 20, "the camera said too little for this to mean anything")
        self.assertEqual([when for when in provisioning + production if when < moment], [])
        return len(sent)

    def assert_never_open(self, camera):
        self.assertEqual(camera.port.opened, [])
        return self.assert_closed_until(camera, time.monotonic())

    def assert_in(self, camera, vlan):
        """The port is open, and the camera is heard in that network and not in the other."""
        self.assertTrue(until(lambda: camera.port.is_open and camera.port.vlan == vlan, 5), "the port is not open to VLAN %d" % vlan)
        since = camera.port.opened[-1][0]
        there, other = (self.site.provisioning, self.site.production) if vlan == PROVISIONING else (self.site.production, self.site.provisioning)
        self.assertTrue(until(lambda: [when for when in there.of(camera.chatter.mac) if when > since], 5), "nothing of the camera arrives")
        self.assertEqual([when for when in other.of(camera.chatter.mac) if when > since + 0.1], [])


class FactoryDefault(Frames):
    """AX-2.1-3, AX-2.2-1: nobody configures anything, and the camera is in production."""

    @classmethod
    def set_up_site(cls):
        site = cls.site
        cls.factory = lab.Keystore(site.folder / "factory", "factory")
        site.parts.append(cls.factory)
        cls.factory.camvault("factory", "init", "--organization", "Test maker")
        for which in ("root", "device"):
            cls.factory.camvault("factory", "crl", "--ca", which)
        cls.camera = lab.Camera(site, "camera")
        cls.factory.camvault("factory", "provision", "--camera-root", cls.camera.root, "--serial", "CAM-1")
        cls.cameras = {algorithm: admission.same_keystore(site, "only-" + algorithm, cls.camera) for algorithm in ONLY}
        cls.radius = cls.server("radius", None, factory=cls.factory)
        for number, algorithm in enumerate(ONLY):
            own = cls.network_ca.server(site.folder, algorithm, admission.RADIUS_NAME, bits=None if algorithm == "ec-p256" else 3072)
            cls.server("radius-" + algorithm, None, factory=cls.factory, port=1813 + number, server=own, change=only(algorithm))
            cls.cameras[algorithm].plug(1813 + number)
        cls.camera.plug(1812)
        cls.spool = site.folder / "spool"
        cls.spool.mkdir()
        script = site.folder / "enrol.py"
        script.write_text(ENROL)
        cls.factory_default(cls.camera, [sys.executable, str(script), str(cls.camera.root), str(cls.spool), lab.CAMVAULT])
        for camera in cls.cameras.values():
            cls.factory_default(camera)
        for camera in (cls.camera, *cls.cameras.values()):
            camera.start()

    def test_each_algorithm(self):
        for algorithm, camera in self.cameras.items():
            with self.subTest(algorithm), told(camera):
                reached = camera.reached("provisioning")
                self.assertTrue(reached, "never in the provisioning network")
                when, state = reached
                self.assertEqual((state["identity"]["algorithm"], state["identity"]["kind"]), (algorithm, "idevid"))
                self.assertIn("CN=" + admission.RADIUS_NAME, state["server"])
                self.assert_in(camera, PROVISIONING)
                sent = self.assert_closed_until(camera, camera.port.opened[0][0])
                print("%s only: admitted after %.1f s, 0 of %d frames before" % (algorithm, when - camera.began, sent))
                self.assertLess(when - camera.began, LIMIT)

    def test_from_the_box_to_production(self):
        camera = self.camera
        with told(camera):
            reached = camera.reached("provisioning")
            self.assertTrue(reached, "never in the provisioning network")
            self.assertLess(reached[0] - camera.began, LIMIT)
            # The owner's authority answers the request that the camera's own program made.
            request = self.spool / "request.pem"
            self.assertTrue(until(request.exists, 20), "no request for an LDevID")
            self.assert_in(camera, PROVISIONING)
            certificate = self.owner.issue(pki.name("Camera CAM-1", "Test owner", "CAM-1"), pki.requested_key(request))
            (self.spool / "chain.new").write_bytes(pki.pem(certificate, self.owner.certificate))
            os.rename(self.spool / "chain.new", self.spool / "chain.pem")
            production = camera.reached("production", kind="ldevid")
            self.assertTrue(production, "never in the production network")
            self.assert_in(camera, PRODUCTION)
            self.assertEqual([vlan for _, _, vlan in camera.port.opened], [PROVISIONING, PRODUCTION])
            sent = self.assert_closed_until(camera, camera.port.opened[0][0])
            self.assertIn("Login OK", self.radius.text())
            print("from the box to production in %.1f s, 0 manual steps, 0 of %d frames before" % (production[0] - camera.began, sent))
        status = lab.run([lab.CAMVAULT, "network", "status", "--root", camera.root, "--interface", "eth0", "--json"])
        self.assertEqual((status[0], json.loads(status[1])["phase"]), (0, "production"))
        configuration = (camera.root / "run/camvault/network/eth0.conf").read_text()
        self.assertNotIn("PRIVATE KEY", configuration)
        self.assertEqual(configuration.count("ca_cert="), configuration.count("network={"))


class Impostors(Frames):
    """Each of them speaks to the server that lets the camera in."""

    EXPECTED = {
        "unlisted": "camvault: idevid CAM-9 is not in the list of devices",
        "foreign": "unable to get local issuer certificate",
        "copy": "self.signed certificate",
        "revoked": "certificate revoked",
        "slash": "has no serial number|is ambiguous",
        "unnamed": "has no serial number|is ambiguous",
        "other-issuer": "admit nobody",
    }

    @classmethod
    def set_up_site(cls):
        site = cls.site
        foreign = pki.Authority(pki.name("Device CA"), pki.Authority(pki.name("Device Root CA")))
        other = pki.Authority(pki.name("Other CA"), cls.root)
        cls.cameras = {}

        def camera(name, port=1812):
            cls.cameras[name] = made = lab.Camera(site, name)
            made.plug(port)
            cls.factory_default(made)
            return made
        cls.identity(camera("unlisted"), "CAM-9")
        cls.identity(camera("foreign"), "CAM-1", authority=foreign)
        cls.device_ca.revoked.append(cls.identity(camera("revoked"), "CAM-2"))
        cls.identity(camera("other-issuer"), "CAM-1", authority=other)
        cls.identity(camera("slash"), "EVIL", subject=pki.name("x/serialNumber=CAM-1", serial="CAM-1"))
        cls.identity(camera("unnamed"), "EVIL", subject=pki.name("Camera/serialNumber=CAM-1"))
        cls.self_signed(camera("copy"), "CAM-1")
        # The camera itself is honest here: it is the server that is not, or its own second identity.
        cls.identity(camera("rogue-authority", 1813), "CAM-1")
        cls.identity(camera("rogue-name", 1814), "CAM-1")
        fallback = camera("fallback")
        cls.identity(fallback, "CAM-1")
        cls.owner.revoked.append(cls.ldevid(fallback, "CAM-1"))

        cls.identity(camera("expired"), "CAM-1", end=pki.NOW - pki.DAY / 24)

        # A list of the other issuer is there, so that nothing but the policy is in its way.
        other.write(site.folder, "other")
        cls.radius = cls.server("radius", ["CAM-1", "CAM-2"], lists=[site.folder / "other-0.crl.pem"])
        rogue = pki.Authority(pki.name("Onboarding CA"))
        for number, (name, authority, dns) in enumerate((("rogue-authority", rogue, admission.RADIUS_NAME), ("rogue-name", cls.network_ca, "radius.evil.test"))):
            cls.server("server-" + name, ["CAM-1"], port=1813 + number, server=authority.server(site.folder, name, dns))
        for each in cls.cameras.values():
            each.start()

    @classmethod
    def self_signed(cls, camera, serial):
        camera.keystore.generate("camera/idevid", "ec-p256")
        must(["openssl", "req", "-x509", "-new", "-engine", "pkcs11", "-keyform", "engine", "-key", "pkcs11:token=Camvault;object=camera%2Fidevid", "-subj",
              "/O=Test maker/CN=Camera %s/serialNumber=%s" % (serial, serial), "-days", "30", "-out", camera.identity / "idevid-chain.pem"], env=camera.keystore.env)

    def refusal_of(self, camera, reason):
        """What the server's ordinary log says of it."""
        address = camera.chatter.mac.replace(":", "-").upper()

        def said():
            lines = [line.split("Login incorrect", 1)[1].split(": [camera]")[0].strip(" ()") for line in self.radius.text().splitlines()
                     if "Login incorrect" in line and address in line]
            return next((line for line in lines if re.search(reason, line)), None) or (lines if len(lines) > 3 else None)
        return str(until(said, 5))

    def test_are_refused(self):
        for name, reason in self.EXPECTED.items():
            camera = self.cameras[name]
            with self.subTest(name), told(camera):
                self.assertTrue(camera.reached("refused"), "not refused")
                refusal = self.refusal_of(camera, reason)
                self.assertRegex(refusal, reason)
                sent = self.assert_never_open(camera)
                print("%s: refused (%s), 0 of %d frames passed" % (name, refusal, sent))

    def test_an_expired_identity_is_not_even_shown(self):
        # What the server says of one that is: matrix_test.py.
        camera = self.cameras["expired"]
        with told(camera):
            reached = camera.reached("no-identity")
            self.assertTrue(reached)
            self.assertRegex(reached[1]["reason"], "idevid-chain.pem: it ended at 20")
            self.assert_never_open(camera)

    def test_rogue_servers_are_refused(self):
        for name, reason in (("rogue-authority", "unable to get local issuer|self.signed"), ("rogue-name", "[Dd]omain mismatch")):
            camera = self.cameras[name]
            with self.subTest(name), told(camera):
                reached = camera.reached("server-refused")
                self.assertTrue(reached, "not refused")
                self.assertRegex(reached[1]["reason"], reason)
                self.assert_never_open(camera)
                # No other identity was shown to it: a server that is not believed learns nothing.
                self.assertEqual({s["phase"] for _, s in camera.states}, {"authenticating", "server-refused"})
                print("%s: not believed (%s)" % (name, reached[1]["reason"]))

    def test_a_refused_identity_of_the_owner_leads_back_to_provisioning(self):
        camera = self.cameras["fallback"]
        with told(camera):
            refused = camera.reached("refused", kind="ldevid")
            self.assertTrue(refused)
            self.assertTrue(camera.reached("provisioning", kind="idevid"))
            self.assert_in(camera, PROVISIONING)
            self.assertEqual([vlan for _, _, vlan in camera.port.opened], [PROVISIONING])


if __name__ == "__main__":
    unittest.main(verbosity=2)
