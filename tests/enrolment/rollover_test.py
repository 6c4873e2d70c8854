"""The owner's CA gets a new key (RFC 7030 4.1.3, RFC 4210 4.4): cameras that know the old one alone go on, and move to the new one.

NC-1-1, NC-2-2, SP-4.2.7
"""
import base64
import json
import unittest

from rig import CAMVAULT, FLEETD, Rig, must, run


class Rollover(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig().start()
        cls.addClassCleanup(cls.rig.close)

    def new_key(self):
        self.rig.fleetd.stop()
        done = run(FLEETD, "--root", self.rig.owner.root, "--new-ca")
        self.rig.start()
        return done

    def chain(self, place):
        return place.root / "var/lib/camvault/identity/ldevid-chain.pem"

    def leads_to(self, ca, place, *more):
        return run("openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-no-CApath", "-no-CAstore", *more, "-CAfile", ca, self.chain(place))

    def renew(self, place):
        """With what the camera has learned, and nothing else."""
        done = run(CAMVAULT, "enrol", "--root", place.root, "--renew", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_rollover(self):
        rig = self.rig
        cameras = [rig.camera(f"ROLL-{n}") for n in range(3)]
        for camera in cameras:
            self.assertEqual(rig.enrol(camera)[0], 0)
        old = rig.folder / "old-ca.pem"
        old.write_text(rig.fleet_ca.read_text())
        done = self.new_key()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotEqual(rig.fleet_ca.read_text(), old.read_text())

        # RFC 7030 4.1.3: the new one, the old one, each by the other. Whoever trusts either of them gets it.
        for trusted in (old, rig.fleet_ca):
            body = must("curl", "-sS", "--noproxy", "*", "--cacert", trusted, rig.url + "/.well-known/est/cacerts")
            (rig.folder / "ca.p7").write_bytes(base64.b64decode(body))
            told = must("openssl", "pkcs7", "-inform", "DER", "-in", rig.folder / "ca.p7", "-print_certs")
            self.assertEqual(told.count("BEGIN CERTIFICATE"), 4)

        # A camera that rests does nothing; when it renews it believes the server by the old CA, and its identity is by the new one.
        first, second, lost = cameras
        done = run(CAMVAULT, "enrol", "--root", first.root, "--json")
        self.assertEqual((done.returncode, json.loads(done.stdout)["new"]), (0, False), done.stderr)
        self.assertIn("OK", self.leads_to(old, first).stdout)
        renewed = self.renew(first)
        self.assertEqual(renewed["note"], "")
        self.assertIn("OK", self.leads_to(rig.fleet_ca, first).stdout)
        self.assertNotEqual(self.leads_to(old, first).returncode, 0)
        self.assertEqual(rig.keys(first), [renewed["key"]])
        self.renew(first)  # from the new one to the new one

        # New cameras, whatever CA they were given.
        for number, trusted in enumerate((old, rig.fleet_ca)):
            place = rig.camera(f"ROLL-NEW-{number}")
            command = rig.enrol_command(place)
            command[command.index("--trust") + 1] = str(trusted)
            self.assertEqual(run(*command).returncode, 0)

        # What the old CA issued can be revoked, and its list says so.
        self.assertEqual(rig.api("revoke", {"serial": "ROLL-2"})["revoked"], 1)
        self.assertNotEqual(rig.enrol(lost, "--renew")[0], 0)
        lists = rig.owner.root / "var/lib/camvault/fleetd/ca.crl.pem"
        self.assertIn("certificate revoked", self.leads_to(old, lost, "-crl_check", "-CRLfile", lists).stderr)
        self.assertIn("OK", self.leads_to(old, second, "-crl_check", "-CRLfile", lists).stdout)
        self.assertIn("OK", self.leads_to(rig.fleet_ca, first, "-crl_check", "-CRLfile", lists).stdout)

        # Two more, and the camera that knows only the first one still gets there; then there are four.
        for _ in range(2):
            self.assertEqual(self.new_key().returncode, 0)
        self.renew(second)
        self.assertIn("OK", self.leads_to(rig.fleet_ca, second).stdout)
        done = self.new_key()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("four", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
