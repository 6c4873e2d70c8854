"""A camera's road into its owner's network, with real daemons; and fleetd asked by curl and openssl alone.

AX-2.2-1, IP-2.4-1, NC-1-1, NC-2-2, NC-2-3, SP-4.2.7
"""
import base64
import shutil
import sys
import unittest

from rig import CAMVAULT, Rig, must, run


class Enrolment(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig().start()
        cls.camera = cls.rig.camera("CAM-000001")
        cls.identity = cls.camera.root / "var/lib/camvault/identity"

    @classmethod
    def tearDownClass(cls):
        cls.rig.close()

    def issued(self, serial):
        return self.rig.api(f"certificates?serial={serial}")["certificates"]

    def test_1_a_camera_enrols_and_then_rests(self):
        code, first = self.rig.enrol(self.camera)
        self.assertEqual(code, 0, first)
        self.assertTrue(first["new"])
        self.assertEqual(first["serial"], "CAM-000001")
        chain = self.identity / "ldevid-chain.pem"
        checked = must("openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", self.rig.fleet_ca, chain)
        self.assertIn("OK", checked)
        code, second = self.rig.enrol(self.camera)
        self.assertEqual((code, second["new"], second["key"]), (0, False, first["key"]))
        self.assertEqual(len(self.issued("CAM-000001")), 1)

    def test_2_renewal_brings_a_new_key_and_takes_the_old_one_away(self):
        _, before = self.rig.enrol(self.camera)
        code, after = self.rig.enrol(self.camera, "--renew")
        self.assertEqual(code, 0, after)
        self.assertNotEqual(after["key"], before["key"])
        self.assertEqual(after["old_key"], "")
        self.assertEqual(self.rig.keys(self.camera), [after["key"]])
        self.assertEqual(len(self.issued("CAM-000001")), 2)
        # the server is known from now on, and so is its CA
        done = run(CAMVAULT, "enrol", "--root", self.camera.root, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_3_who_is_not_on_the_list_is_refused(self):
        stranger = self.rig.camera("CAM-666666", allowed=False)
        code, why = self.rig.enrol(stranger)
        self.assertEqual(code, 77, why)
        self.assertEqual(self.issued("CAM-666666"), [])
        log = (self.rig.folder / "fleetd.log").read_text()
        self.assertIn("CAM-666666 is not on the list", log)
        self.rig.api("devices", {"serials": ["CAM-666666"]})
        self.assertEqual(self.rig.enrol(stranger)[0], 0)

    def test_4_a_server_of_another_ca_is_not_believed(self):
        code, why = self.rig.enrol(self.rig.camera("CAM-000004"))
        self.assertEqual(code, 0, why)
        place = self.rig.camera("CAM-000005")
        done = run(CAMVAULT, "enrol", "--root", place.root, "--server", self.rig.url, "--trust", self.rig.factory_root)
        self.assertEqual(done.returncode, 65, done.stderr)
        done = run(CAMVAULT, "enrol", "--root", place.root, "--server", self.rig.url)
        self.assertEqual(done.returncode, 64, done.stderr)

    def test_5_a_revoked_camera_is_out_at_once(self):
        place = self.rig.camera("CAM-000007")
        self.assertEqual(self.rig.enrol(place)[0], 0)
        self.assertEqual(self.rig.api("revoke", {"serial": "CAM-000007"})["revoked"], 1)
        code, why = self.rig.enrol(place, "--renew")
        self.assertNotEqual(code, 0)
        status, crl = self.rig.curl("/crl", "-o", self.rig.folder / "crl.der", cert="")
        self.assertEqual(status, 200)
        text = must("openssl", "crl", "-inform", "DER", "-in", self.rig.folder / "crl.der", "-noout", "-text", "-CAfile", self.rig.fleet_ca)
        self.assertIn("Key Compromise", text)
        chain = place.root / "var/lib/camvault/identity/ldevid-chain.pem"
        done = run("openssl", "verify", "-crl_check", "-CAfile", self.rig.fleet_ca, "-CRLfile",
                   self.rig.owner.root / "var/lib/camvault/fleetd/ca.crl.pem", chain)
        self.assertIn("certificate revoked", done.stderr)

    def test_6_curl_and_openssl_enrol_by_hand(self):
        """Requests made without any code of ours, with an identity whose key is in a file."""
        f = self.rig.folder
        device = self.rig.device_in_files("HAND-1")
        self.rig.api("devices", {"serials": ["HAND-1"]})
        est = "/.well-known/est/"
        status, body = self.rig.curl(est + "cacerts", cert="")
        self.assertEqual(status, 200)
        (f / "ca.p7").write_bytes(base64.b64decode(body))
        self.assertIn("Fleet CA", must("openssl", "pkcs7", "-inform", "DER", "-in", f / "ca.p7", "-print_certs"))
        must("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f / "new.key", "-subj", "/serialNumber=HAND-1", "-outform", "DER",
             "-out", f / "new.der")
        (f / "new.b64").write_bytes(base64.encodebytes((f / "new.der").read_bytes()))
        post = ["-H", "Content-Type: application/pkcs10", "--data-binary", f"@{f}/new.b64"]
        status, body = self.rig.curl(est + "simpleenroll", *post, **device)
        self.assertEqual(status, 200, body)
        (f / "new.p7").write_bytes(base64.b64decode(body))
        (f / "new.pem").write_text(must("openssl", "pkcs7", "-inform", "DER", "-in", f / "new.p7", "-print_certs"))
        self.assertIn("OK", must("openssl", "verify", "-CAfile", self.rig.fleet_ca, f / "new.pem"))
        member = {"cert": f / "new.pem", "key": f / "new.key"}
        again = self.rig.curl(est + "simpleenroll", *post, **device)
        self.assertEqual(again, (200, body))  # the same certificate, not a second one
        self.assertEqual(self.rig.curl(est + "simplereenroll", *post, **member)[0], 200)
        self.assertEqual(len(self.issued("HAND-1")), 1)
        # refused neighbours
        self.assertEqual(self.rig.curl(est + "simpleenroll", *post, cert="")[0], 401)
        self.assertEqual(self.rig.curl(est + "simpleenroll", *post)[0], 403)  # an operator is no device
        self.assertEqual(self.rig.curl(est + "serverkeygen", *post, **device)[0], 501)
        self.assertEqual(self.rig.curl("/api/v1/devices", **device)[0], 403)
        self.assertEqual(self.rig.curl("/", cert="")[0], 403)
        must("openssl", "req", "-key", f / "new.key", "-new", "-subj", "/serialNumber=HAND-2", "-outform", "DER", "-out", f / "other.der")
        (f / "other.b64").write_bytes(base64.encodebytes((f / "other.der").read_bytes()))
        post[-1] = f"@{f}/other.b64"
        self.assertEqual(self.rig.curl(est + "simpleenroll", *post, **device)[0], 403)
        (f / "big").write_bytes(b"A" * 10_000_000)
        post[-1] = f"@{f}/big"
        self.assertIn(self.rig.curl(est + "simpleenroll", *post, **device)[0], (0, 413))
        done = run("openssl", "s_client", "-connect", f"localhost:{self.rig.config['port']}", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", input="")
        self.assertNotEqual(done.returncode, 0)

    def test_7_the_page_and_the_api(self):
        status, page = self.rig.curl("/")
        self.assertEqual(status, 200)
        self.assertIn("CAM-000001", page)
        self.assertNotIn("<script", page)
        self.assertEqual(self.rig.curl("/api/v1/devices", "-d", '{"serials":["<b>"]}')[0], 400)
        for note, status in (("é" * 100, 200), ("é" * 101, 400), ("a\\u0000b", 400)):
            self.assertEqual(self.rig.curl("/api/v1/devices", "-d", f'{{"serials":["NOTE-1"],"note":"{note}"}}')[0], status, note)
        self.assertIn("NOTE-1: allowed by CN=Olga Operator", (self.rig.folder / "fleetd.log").read_text())
        self.assertEqual(self.rig.curl("/api/v1/revoke", "-d", '{"serial":"NOBODY"}')[0], 404)
        self.assertGreaterEqual(self.rig.api("status")["enrolled"], 1)

    def test_8_a_clock_at_1970(self):
        if shutil.which("faketime") is None:
            self.skipTest("faketime is not installed (libs/tls/tests/context_test.cc has the clock at 1970, too)")
        place = self.rig.camera("CAM-000008")
        done = run("faketime", "1970-01-02 00:00:00", *self.rig.enrol_command(place))
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
