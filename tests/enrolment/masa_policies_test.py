"""Whose camera is it? Each policy of masad with real daemons, and with registrars that openssl and curl are. RFC 8995 5.4 to 5.8

AX-2.2-1, IP-2.4-1, SP-4.2.7
"""
import sys
import unittest

from registrar import Registrar, domain_id
from rig import run
from zero_touch_rig import IDENTITY, MASAD, Impostor, SecondOwner, ZeroTouchRig, http


class Policies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = ZeroTouchRig().start()
        cls.addClassCleanup(cls.rig.close)
        cls.other = SecondOwner(cls.rig)
        cls.addClassCleanup(cls.other.close)
        cls.registrar = Registrar(cls.rig, "Hand")

    def policy(self, policy, sold=(), **changes):
        """masad again, with other settings; `sold`: (serial, certificate of the owner's CA)."""
        for key in ("policy", "sales_list", "nonceless"):
            self.rig.masa_config.pop(key, None)
        if policy == "sales-list":
            lines = [f"{serial} {domain_id(ca)}\n" for serial, ca in sold]
            changes["sales_list"] = str(self.rig.maker.write("etc/camvault/sold", "# who bought what\n" + "".join(lines)))
        self.rig.restart_masa(policy=policy, **changes)

    def camera(self, serial, owners):
        place = self.rig.camera(serial, allowed=False)
        for owner in owners:
            owner.api("devices", {"serials": [serial]})
        return place

    def reset(self, place):
        for name in ("owner.json", "ldevid.json", "ldevid-chain.pem", "owner-ca.pem"):
            (place.root / IDENTITY / name).unlink(missing_ok=True)

    def test_1_sales_list(self):
        self.policy("sales-list", [("SL-1", self.rig.fleet_ca), ("SL-2", self.other.fleet_ca)])
        one, two, three = (self.camera(f"SL-{n}", [self.rig, self.other]) for n in (1, 2, 3))
        # sold to this owner
        code, told = self.rig.zero_touch(one)
        self.assertEqual((code, told["owner"]["assertion"]), (0, "verified"), told)
        self.assertEqual(self.rig.voucher(one)["assertion"], "verified")
        # to another one, to nobody, and the neighbour the other way around: it is not who comes first
        for place, url in ((two, self.rig.url), (three, self.rig.url), (three, self.other.url)):
            code, why = self.rig.zero_touch(place, url)
            self.assertEqual(code, 77, why)
            self.assertFalse((place.root / IDENTITY / "owner.json").exists())
        self.assertIn("was not sold to this owner", self.rig.masa_log())
        self.assertIn("refused", dict(self.rig.events("SL-2")))
        code, told = self.rig.zero_touch(two, self.other.url)
        self.assertEqual((code, told["owner"]["assertion"]), (0, "verified"), told)
        # sold on: the list says so, and nothing has to be released
        self.policy("sales-list", [("SL-1", self.other.fleet_ca)])
        self.reset(one)
        self.assertEqual(self.rig.zero_touch(one, self.rig.url)[0], 77)
        self.assertEqual(self.rig.zero_touch(one, self.other.url)[0], 0)

    def test_2_logged(self):
        self.policy("logged")
        place = self.camera("LG-1", [self.rig, self.other])
        for owner, log in ((self.rig, "1 vouchers, 0 for other owners"), (self.other, "2 vouchers, 1 for other owners")):
            code, told = self.rig.zero_touch(place, owner.url)
            self.assertEqual((code, told["owner"]["assertion"]), (0, "proximity"), told)
            self.assertEqual(dict(owner.events("LG-1"))["audit-log"], log)
            self.reset(place)
        # Whoever asks, but with the device's own word for it: for the registrar that it saw, and no other.
        nonce, prior = self.registrar.seen_by(place)
        status, _, voucher = self.registrar.ask("LG-1", nonce, prior)
        self.assertEqual((status, voucher["assertion"], voucher["nonce"]), (200, "proximity", nonce))
        self.assertEqual(voucher["pinned-domain-cert"], self.registrar.pin())
        self.assertEqual(Registrar(self.rig, "Unseen").ask("LG-1", nonce, prior)[0], 403)
        self.assertIn("saw another registrar", self.rig.masa_log())
        for refused in (("LG-2", nonce, prior), ("LG-1", "AAECAwQFBgcICQoLDA0ODw==", prior), ("LG-1", nonce, None), ("LG-1", None, prior)):
            self.assertEqual(self.registrar.ask(*refused)[0], 403, refused)
        for reason in ("is for another device", "has another nonce", "own request is wanted", "without a nonce are not given"):
            self.assertIn(reason, self.rig.masa_log())
        _, _, log = self.registrar.ask("LG-1", nonce, prior, operation="requestauditlog")
        self.assertEqual(len({event["domainID"] for event in log["events"]}), 3)
        # The log is for who is in it.
        self.assertEqual(Registrar(self.rig, "Curious").ask("LG-1", operation="requestauditlog")[0], 403)
        # One that the device saw, and that is no registrar by its certificate.
        plain = Registrar(self.rig, "Plain", usage="clientAuth")
        nonce, prior = plain.seen_by(place)
        self.assertEqual(plain.ask("LG-1", nonce, prior)[0], 403)
        self.assertIn("is no registrar", self.rig.masa_log())
        # The same request where a list decides: not sold to it.
        nonce, prior = self.registrar.seen_by(place)
        self.policy("sales-list", [("LG-1", self.rig.fleet_ca)])
        self.assertEqual(self.registrar.ask("LG-1", nonce, prior)[0], 403)

    def test_3_nonceless(self):
        sold = [("NL-1", self.registrar.ca), ("NL-2", self.rig.fleet_ca)]
        self.policy("sales-list", sold)
        self.assertEqual(self.registrar.ask("NL-1")[0], 403)
        self.assertIn("without a nonce are not given", self.rig.masa_log())
        self.policy("sales-list", sold, nonceless=True, nonceless_hours=2)
        status, message, voucher = self.registrar.ask("NL-1")
        self.assertEqual((status, voucher["serial-number"], voucher["assertion"]), (200, "NL-1", "verified"))
        self.assertEqual(voucher["pinned-domain-cert"], self.registrar.pin())
        self.assertNotIn("nonce", voucher)
        hours = [int(voucher[name][11:13]) for name in ("created-on", "expires-on")]
        self.assertEqual((hours[1] - hours[0]) % 24, 2)
        _, _, log = self.registrar.ask("NL-1", operation="requestauditlog")
        self.assertEqual([event["nonce"] for event in log["events"]], ["NULL"])
        # neighbours: sold to somebody else, to nobody; a nonce without the device's word; no registrar
        self.assertEqual(self.registrar.ask("NL-2")[0], 403)
        self.assertEqual(self.registrar.ask("NL-3")[0], 403)
        self.assertEqual(self.registrar.ask("NL-1", nonce="AAECAwQFBgcICQoLDA0ODw==")[0], 403)
        self.assertEqual(Registrar(self.rig, "Layman", usage="clientAuth").ask("NL-1")[0], 403)
        # The camera, which is there and draws a nonce, does not take it, whoever brings it.
        place = self.camera("NL-1", [])
        server = Impostor(self.registrar.pem, self.registrar.key, lambda head, body: http(200, body=message))
        self.addCleanup(server.close)
        code, why = self.rig.zero_touch(place, server.url)
        self.assertEqual(code, 65, why)
        self.assertIn("no nonce", why)
        self.assertFalse((place.root / IDENTITY / "owner.json").exists())

    def test_4_settings_that_fit_together(self):
        config = self.rig.maker.root / "etc/camvault/masad.toml"
        good = "".join(line + "\n" for line in config.read_text().splitlines() if not line.startswith(("policy", "sales_list", "nonceless")))
        bad_list = self.rig.maker.write("etc/camvault/bad-list", "SL-1\n")
        for lines, exit_code in ((f'policy = "sales-list"\nsales_list = "{bad_list}"\n', 65), ('policy = "sales-list"\n', 64),
                                 ('policy = "first-owner"\nnonceless = true\n', 64), ('policy = "logged"\nnonceless = true\n', 64),
                                 (f'policy = "logged"\nsales_list = "{bad_list}"\n', 64), ('policy = "anybody"\n', 64)):
            config.write_text(good + lines)
            done = run(MASAD, "--root", self.rig.maker.root)
            self.assertEqual(done.returncode, exit_code, lines + done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
