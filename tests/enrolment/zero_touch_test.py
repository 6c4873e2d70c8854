"""Zero touch with real daemons: keystored and `camvault enrol` as the camera, fleetd, masad. RFC 8995

AX-2.2-1, IP-2.4-1, NC-1-1, SP-4.2.7, SP-A.3.2
"""
import base64
import json
import shutil
import sys
import time
import unittest

from rig import must, run
from zero_touch_rig import IDENTITY, Impostor, SecondOwner, ZeroTouchRig, http

VOUCHER = "application/voucher-cms+json"


class ZeroTouch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = ZeroTouchRig().start()
        f = cls.rig.folder
        must("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f / "bad.key",
             "-subj", "/CN=Somebody", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE",
             "-addext", "keyUsage=critical,digitalSignature", "-days", "30", "-out", f / "bad.pem")

    @classmethod
    def tearDownClass(cls):
        cls.rig.close()

    def impostor(self, answer, delay=0):
        made = Impostor(self.rig.folder / "bad.pem", self.rig.folder / "bad.key", answer, delay)
        self.addCleanup(made.close)
        return made

    def has_no_owner(self, place):
        self.assertFalse((place.root / IDENTITY / "owner.json").exists())
        self.assertFalse((place.root / IDENTITY / "ldevid.json").exists())
        self.assertEqual(self.rig.keys(place), [])

    def sign(self, name, json_text, signer, key):
        """A voucher made by openssl, without any code of ours."""
        f = self.rig.folder
        (f / f"{name}.json").write_text(json_text)
        must("openssl", "cms", "-sign", "-binary", "-nodetach", "-econtent_type", "1.2.840.113549.1.9.16.1.40", "-in", f / f"{name}.json",
             "-signer", signer, "-inkey", key, "-outform", "DER", "-out", f / f"{name}.cms")
        return (f / f"{name}.cms").read_bytes()

    def test_01_a_camera_finds_its_owner(self):
        place = self.rig.camera("ZT-000001")
        code, told = self.rig.zero_touch(place)
        self.assertEqual(code, 0, told)
        self.assertEqual((told["serial"], told["new"], told["owner"]["voucher"], told["owner"]["assertion"]),
                         ("ZT-000001", True, "new", "proximity"))
        chain = place.root / IDENTITY / "ldevid-chain.pem"
        self.assertIn("OK", must("openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", self.rig.fleet_ca, chain))
        voucher = self.rig.voucher(place)
        self.assertEqual(voucher["serial-number"], "ZT-000001")
        ca = must("openssl", "x509", "-in", self.rig.fleet_ca, "-outform", "PEM")
        self.assertEqual(voucher["pinned-domain-cert"], "".join(ca.splitlines()[1:-1]))
        events = dict(self.rig.events("ZT-000001"))
        self.assertEqual((events["voucher-status"], events["enroll-status"]), ("good", "good"))
        self.assertEqual(events["audit-log"], "1 vouchers, 0 for other owners")
        # later: no voucher is asked for, and nothing is made
        code, again = self.rig.zero_touch(place)
        self.assertEqual((code, again["new"], again["owner"]["voucher"], again["key"]), (0, False, "present", told["key"]))
        self.assertEqual(len(self.rig.events("ZT-000001")), len(events))

    def test_02_who_is_not_on_the_list_is_refused(self):
        place = self.rig.camera("ZT-666666", allowed=False)
        code, why = self.rig.zero_touch(place)
        self.assertEqual(code, 77, why)
        self.assertIn(("refused", "the device is not on the list"), self.rig.events("ZT-666666"))
        self.has_no_owner(place)

    def test_03_somebody_in_between(self):
        """A server with a certificate of its own that passes everything on to the right registrar and back."""
        place = self.rig.camera("ZT-000003")
        f = self.rig.folder

        def pass_on(head, body):
            # Without the camera's key the man in the middle comes as what he has: nobody, to the registrar.
            (f / "body").write_bytes(body)
            status, answer = self.rig.curl("/.well-known/brski/requestvoucher", "-H", f"Content-Type: {VOUCHER}", "--data-binary",
                                           f"@{f}/body", cert="")
            return http(status, body=answer.encode())

        between = self.impostor(pass_on)
        code, why = self.rig.zero_touch(place, between.url)
        self.assertEqual(code, 77, why)
        self.has_no_owner(place)

    def test_04_vouchers_that_are_not_believed(self):
        """A server that has vouchers: of another maker, another camera, another request, and one that is good but not for it."""
        place = self.rig.camera("ZT-000004")
        f = self.rig.folder
        good = self.rig.camera("ZT-000014")
        self.assertEqual(self.rig.zero_touch(good)[0], 0)
        kept = base64.b64decode(json.loads((good.root / IDENTITY / "owner.json").read_text())["voucher"])
        bad_pin = "".join((f / "bad.pem").read_text().splitlines()[1:-1])

        def nonce_of(body):
            (f / "asked.cms").write_bytes(body)
            text = must("openssl", "cms", "-verify", "-noverify", "-binary", "-inform", "DER", "-in", f / "asked.cms")
            return json.loads(text)["ietf-voucher-request:voucher"]

        def own(head, body):
            asked = nonce_of(body)
            self.assertEqual(asked["serial-number"], "ZT-000004")
            self.assertEqual(asked["assertion"], "proximity")
            self.assertEqual(asked["proximity-registrar-cert"], bad_pin)
            voucher = {"created-on": "2026-01-01T00:00:00Z", "assertion": "logged", "serial-number": "ZT-000004",
                       "nonce": asked["nonce"], "pinned-domain-cert": bad_pin}
            return http(200, body=self.sign("own", json.dumps({"ietf-voucher:voucher": voucher}), f / "bad.pem", f / "bad.key"))

        answers = {"of another maker": (own, "not of this camera's maker"),
                   "of another camera, of old": (lambda h, b: http(200, body=kept), "another camera"),
                   "a request as a voucher": (lambda h, b: http(200, body=b), "not the JSON"),
                   "garbage": (lambda h, b: http(200, body=b"\x30\x80" + b"\x00" * 2000), "no signed message"),
                   "another kind": (lambda h, b: http(200, kind="text/html", body=kept), "another kind"),
                   "10 MB": (lambda h, b: http(200, body=b"A" * 10_000_000), "")}
        for name, (answer, reason) in answers.items():
            server = self.impostor(answer)
            begin = time.monotonic()
            code, why = self.rig.zero_touch(place, server.url)
            self.assertEqual(code, 65, f"{name}: {why}")
            self.assertIn(reason, why, name)
            self.assertLess(time.monotonic() - begin, 5, name)
            self.has_no_owner(place)
        # its own voucher of yesterday, for the right owner: the nonce is another one
        self.assertEqual(self.rig.zero_touch(place)[0], 0)
        mine = base64.b64decode(json.loads((place.root / IDENTITY / "owner.json").read_text())["voucher"])
        for file in (place.root / IDENTITY).glob("*"):
            if file.name in ("owner.json", "ldevid.json"):
                file.unlink()
        code, why = self.rig.zero_touch(place, self.impostor(lambda h, b: http(200, body=mine)).url)
        self.assertEqual(code, 65, why)
        self.assertIn("another request", why)

    def test_05_the_makers_service_is_away_slow_or_wrong(self):
        f = self.rig.folder
        answers = {"away": None, "slow": lambda h, b: None, "garbage": lambda h, b: http(200, body=b"voucher"),
                   "10 MB": lambda h, b: http(200, body=b"A" * 10_000_000), "an error": lambda h, b: http(500),
                   "not yet": lambda h, b: http(202, headers="Retry-After: 60\r\n")}
        self.rig.config["masa_anchors"].append(str(f / "bad.pem"))
        self.rig.fleetd.stop()
        self.rig.start()
        for i, (name, answer) in enumerate(answers.items()):
            server = self.impostor(answer or (lambda h, b: None), delay=9 if name == "slow" else 0)
            if name == "away":
                server.close()
            self.rig.teach_factory(server.port)
            serial = f"ZT-00005{i}"
            place = self.rig.camera(serial)
            begin = time.monotonic()
            code, why = self.rig.zero_touch(place)
            self.assertEqual(code, 69, f"{name}: {why}")
            self.assertIn("try again in 5 s", why, name)
            self.assertLess(time.monotonic() - begin, 9, name)
            self.has_no_owner(place)
            self.assertIn("the maker's service", dict(self.rig.events(serial))["refused"])
        # a service that nobody vouches for
        self.rig.config["masa_anchors"].pop()
        self.rig.fleetd.stop()
        self.rig.start()
        place = self.rig.camera("ZT-000059")
        self.assertEqual(self.rig.zero_touch(place)[0], 69)
        self.assertEqual(server.asked[1:], [])
        self.rig.teach_factory(self.rig.masa_port)

    def test_06_the_first_owner_keeps_it_until_it_is_released(self):
        place = self.rig.camera("ZT-000006")
        self.assertEqual(self.rig.zero_touch(place)[0], 0)
        # the same camera, reset, at another owner's
        second = SecondOwner(self.rig)
        try:
            second.api("devices", {"serials": ["ZT-000006"]})
            for name in ("owner.json", "ldevid.json", "ldevid-chain.pem", "owner-ca.pem"):
                (place.root / IDENTITY / name).unlink()
            code, why = self.rig.zero_touch(place, second.url)
            self.assertEqual(code, 77, why)
            self.assertIn("another owner", self.rig.masa_log())
            self.rig.release("ZT-000006")
            code, told = self.rig.zero_touch(place, second.url)
            self.assertEqual(code, 0, told)
            self.assertEqual(dict(second.events("ZT-000006"))["audit-log"], "2 vouchers, 1 for other owners")
            self.assertEqual(run(*second.release_command("ZT-NOBODY")).returncode, 65)
        finally:
            second.close()

    def test_07_a_clock_at_1970(self):
        if shutil.which("faketime") is None:
            self.skipTest("faketime is not installed (libs/voucher/tests has the clock at 1970, too)")
        place = self.rig.camera("ZT-000007")
        code, told = self.rig.zero_touch(place, before=("faketime", "1970-01-02 00:00:00"))
        self.assertEqual(code, 0, told)

    def test_08_curl_and_openssl_are_a_camera(self):
        """A voucher-request made by hand, and the voucher read by hand."""
        f = self.rig.folder
        device = self.rig.device_in_files("HAND-1", "basicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\n"
                                          f"1.3.6.1.5.5.7.1.32=ASN1:IA5STRING:localhost:{self.rig.masa_port}\n")
        self.rig.restart_masa(device_anchors=[str(self.rig.factory_root), str(f / "maker.pem")])
        self.rig.api("devices", {"serials": ["HAND-1"]})
        shown = run("openssl", "s_client", "-connect", f"localhost:{self.rig.config['port']}", input="").stdout
        begin = shown.index("-----BEGIN CERTIFICATE-----")
        registrar = shown[begin:shown.index("-----END CERTIFICATE-----")].splitlines()[1:]
        asked = {"created-on": "2026-11-22T04:00:00+01:00", "assertion": "proximity", "serial-number": "HAND-1",
                 "nonce": "AAECAwQFBgcICQoLDA0ODw==", "proximity-registrar-cert": "".join(registrar)}

        def ask(name, kind=VOUCHER, **changes):
            cms = self.sign(name, json.dumps({"ietf-voucher-request:voucher": {**asked, **changes}}), f / "dev.pem", f / "dev.key")
            (f / "request").write_bytes(cms)
            return self.rig.curl("/.well-known/brski/requestvoucher", "-H", f"Content-Type: {kind}", "-H", f"Accept: {VOUCHER}",
                                 "--data-binary", f"@{f}/request", "-o", f / "voucher.cms", **device)[0]

        self.assertEqual(ask("request"), 200)
        text = must("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", f / "voucher.cms", "-CAfile",
                    self.rig.masa_folder / "masa.pem", "-purpose", "any")
        voucher = json.loads(text)["ietf-voucher:voucher"]
        self.assertEqual((voucher["serial-number"], voucher["nonce"], voucher["assertion"]), ("HAND-1", asked["nonce"], "proximity"))
        # refused neighbours
        self.assertEqual(ask("other", **{"serial-number": "ZT-000001"}), 403)
        self.assertEqual(ask("unseen", **{"proximity-registrar-cert": "".join((f / "bad.pem").read_text().splitlines()[1:-1])}), 403)
        self.assertEqual(ask("unknown", camvault="x"), 400)
        self.assertEqual(ask("kind", kind="application/json"), 415)
        path = "/.well-known/brski/requestvoucher"
        self.assertEqual(self.rig.curl(path, **device)[0], 405)
        post = ["-H", f"Content-Type: {VOUCHER}", "--data-binary", f"@{f}/request"]
        self.assertEqual(self.rig.curl(path, *post, cert="")[0], 401)
        self.assertEqual(self.rig.curl(path, *post)[0], 403)  # an operator is no device
        self.assertEqual(self.rig.curl("/.well-known/brski/requestauditlog", *post, **device)[0], 404)
        status = ["-H", "Content-Type: application/json", "-d", '{"version": 1, "status": true}']
        self.assertEqual(self.rig.curl("/.well-known/brski/voucher_status", *status, **device)[0], 200)


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
