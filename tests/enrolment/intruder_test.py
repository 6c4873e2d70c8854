"""Who wants a camera, a certificate or the operator's rights, and must not get them: with real daemons, and requests by hand.

AX-2.2-1, IP-2.4-1, NC-1-1, NC-2-3, SP-4.2.7
"""
import base64
import concurrent.futures
import http.client
import json
import pathlib
import sqlite3
import ssl
import sys
import unittest

from registrar import Registrar
from rig import must
from zero_touch_rig import IDENTITY, ZeroTouchRig

EST = "/.well-known/est/"


class Intruder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = ZeroTouchRig().start()
        cls.addClassCleanup(cls.rig.close)

    def connection(self, pem, key):
        """One connection that stays, with this certificate."""
        context = ssl.create_default_context(cafile=str(self.rig.fleet_ca))
        context.load_cert_chain(pem, key)
        connection = http.client.HTTPSConnection("localhost", self.rig.config["port"], context=context, timeout=20)
        self.addCleanup(connection.close)
        return connection

    def request(self, name, serial):
        """A PKCS#10 request as EST wants it, of a key of its own in `name`.key"""
        f = self.rig.folder
        must("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f / f"{name}.key", "-subj",
             f"/serialNumber={serial}", "-outform", "DER", "-out", f / f"{name}.der")
        return base64.encodebytes((f / f"{name}.der").read_bytes())

    def enrol(self, connection, body):
        """(status, certificate in PEM)"""
        connection.request("POST", EST + "simpleenroll", body, {"Content-Type": "application/pkcs10"})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            return answer.status, content.decode()
        f = self.rig.folder
        (f / "issued.p7").write_bytes(base64.b64decode(content))
        return 200, must("openssl", "pkcs7", "-inform", "DER", "-in", f / "issued.p7", "-print_certs")

    def revoked(self):
        """Numbers in the list that everybody reads."""
        f = self.rig.folder
        self.assertEqual(self.rig.curl("/crl", "-o", f / "now.crl", cert="")[0], 200)
        text = must("openssl", "crl", "-inform", "DER", "-in", f / "now.crl", "-noout", "-text")
        return {line.split(":")[1].strip().lower() for line in text.splitlines() if "Serial Number:" in line}

    def test_1_an_owner_with_the_key_identifier_of_another(self):
        """The identifier that stands for an owner is in a certificate that he writes himself."""
        place = self.rig.camera("ID-1")
        self.assertEqual(self.rig.zero_touch(place)[0], 0)
        identifier = must("openssl", "x509", "-in", self.rig.fleet_ca, "-noout", "-ext", "subjectKeyIdentifier").split("\n")[1].strip()
        thief = Registrar(self.rig, "Thief", key_identifier=identifier)
        for name in ("owner.json", "ldevid.json", "ldevid-chain.pem", "owner-ca.pem"):
            (place.root / IDENTITY / name).unlink(missing_ok=True)
        nonce, prior = thief.seen_by(place)
        self.assertEqual(thief.ask("ID-1", nonce, prior)[0], 403)
        self.assertEqual(thief.ask("ID-1", nonce, prior, operation="requestauditlog")[0], 403)
        self.assertIn("is not of its key", self.rig.masa_log())
        # the neighbour: an owner's own identifier, whichever digest it is of
        own = Registrar(self.rig, "Own")
        other = self.rig.camera("ID-2", allowed=False)
        nonce, prior = own.seen_by(other)
        self.assertEqual(own.ask("ID-2", nonce, prior)[0], 200)

    def test_2_no_revocation_is_lost_when_several_operators_revoke(self):
        serials = [f"RV-{n}" for n in range(48)]
        with sqlite3.connect(self.rig.owner.root / "var/lib/camvault/fleetd/fleet.db", timeout=20) as books:
            for n, serial in enumerate(serials):
                books.execute("INSERT INTO devices VALUES (?, 1, '', '2026-01-01T00:00:00Z')", (serial,))
                books.execute("INSERT INTO certificates (number, serial, key_hash, der, issued, not_after) VALUES (?, ?, ?, '3000', "
                              "'2026-01-01T00:00:00Z', '2036-01-01T00:00:00Z')", (f"41{n:04x}", serial, f"key of {serial}"))
        books.close()

        connections = [self.connection(self.rig.folder / "op.pem", self.rig.folder / "op.key") for _ in range(4)]

        def revoke(connection, serial):
            connection.request("POST", "/api/v1/revoke", json.dumps({"serial": serial}))
            return connection.getresponse().read()

        with concurrent.futures.ThreadPoolExecutor(4) as operators:
            for at in range(0, len(serials), 4):
                answers = list(operators.map(revoke, connections, serials[at:at + 4]))
                self.assertEqual(answers, [b'{\n "revoked": 1\n}\n'] * 4)
                self.assertEqual({f"41{n:04x}" for n in range(at + 4)} - self.revoked(), set())

    def test_3_a_revoked_identity_on_a_connection_that_was_open(self):
        """The camera was replaced: its old identity is revoked, its number stays on the list."""
        f = self.rig.folder
        device = self.rig.device_in_files("OC-1")
        self.rig.api("devices", {"serials": ["OC-1"]})
        status, pem = self.enrol(self.connection(device["cert"], device["key"]), self.request("old", "OC-1"))
        self.assertEqual(status, 200, pem)
        (f / "old.pem").write_text(pem)
        thief = self.connection(f / "old.pem", f / "old.key")
        thief.request("GET", EST + "cacerts")
        thief.getresponse().read()
        self.rig.api("revoke", {"serial": "OC-1"})
        self.rig.api("devices", {"serials": ["OC-1"]})
        status, why = self.enrol(thief, self.request("stolen", "OC-1"))
        self.assertEqual(status, 403, why)
        self.assertEqual(self.enrol(self.connection(device["cert"], device["key"]), self.request("new", "OC-1"))[0], 200)

    def test_4_a_foreign_page_in_the_operators_browser(self):
        """A browser shows the operator's certificate to whomever a page makes it ask; what it says is where the page came from."""
        allow = ["-H", "Content-Type: text/plain", "-d", json.dumps({"serials": ["PAGE-1"]})]
        for origin in ("https://evil.example", "null", f"http://localhost:{self.rig.config['port']}", "https://localhost"):
            self.assertEqual(self.rig.curl("/api/v1/devices", *allow, "-H", f"Origin: {origin}")[0], 403, origin)
        self.assertEqual(self.rig.curl("/api/v1/devices", *allow, "-H", "Sec-Fetch-Site: cross-site")[0], 403)
        self.assertNotIn("PAGE-1", [device["serial"] for device in self.rig.api("devices")["devices"]])
        self.assertEqual(self.rig.curl("/api/v1/devices", *allow, "-H", f"Origin: {self.rig.url}", "-H", "Sec-Fetch-Site: same-origin")[0], 200)
        self.assertEqual(self.rig.curl("/api/v1/devices", *allow)[0], 200)  # no browser
        head = self.rig.curl("/", "-i")[1].lower()
        self.assertIn("frame-ancestors 'none'", head)

    def test_5_the_key_that_signs_video_asks_for_no_voucher(self):
        """It lies below the same root, and another program of the camera may use it."""
        f = self.rig.folder
        registrar = Registrar(self.rig, "Seen")
        device = self.rig.device_in_files("MS-1", "keyUsage=critical,digitalSignature\nextendedKeyUsage=1.3.6.1.5.5.7.3.36\n")
        self.rig.restart_masa(device_anchors=[str(self.rig.factory_root), str(f / "maker.pem")])

        def ask(certificate):
            (f / "prior.json").write_text(json.dumps({"ietf-voucher-request:voucher": {
                "created-on": "2026-11-22T04:00:00Z", "assertion": "proximity", "serial-number": "MS-1", "nonce": "AAECAwQFBgcICQoLDA0ODw==",
                "proximity-registrar-cert": base64.b64encode(ssl.PEM_cert_to_DER_cert(pathlib.Path(registrar.pem).read_text())).decode()}}))
            must("openssl", "cms", "-sign", "-binary", "-nodetach", "-econtent_type", "1.2.840.113549.1.9.16.1.40", "-in", f / "prior.json",
                 "-signer", certificate, "-inkey", device["key"], "-outform", "DER", "-out", f / "prior.cms")
            return registrar.ask("MS-1", "AAECAwQFBgcICQoLDA0ODw==", (f / "prior.cms").read_bytes())[0]

        self.assertEqual(ask(device["cert"]), 403)
        must("openssl", "x509", "-req", "-in", f / "dev.csr", "-CA", f / "maker.pem", "-CAkey", f / "maker.key", "-days", "30", "-out", f / "plain.pem")
        self.assertEqual(ask(f / "plain.pem"), 200)

    def test_6_another_makers_device_with_the_name_of_this_camera(self):
        """Brokers and switches look at the common name (mosquitto's use_identity_as_username)."""
        f = self.rig.folder
        device = self.rig.device_in_files("CN-1")
        self.rig.api("devices", {"serials": ["CN-1"]})

        def issued(name):
            must("openssl", "req", "-new", "-key", device["key"], "-subj", f"/CN={name}/serialNumber=CN-1", "-out", f / "cn.csr")
            must("openssl", "x509", "-req", "-in", f / "cn.csr", "-CA", f / "maker.pem", "-CAkey", f / "maker.key", "-days", "30", "-out", f / "cn.pem")
            status, pem = self.enrol(self.connection(f / "cn.pem", device["key"]), self.request("cn", "CN-1"))
            self.assertEqual(status, 200, pem)
            return must("openssl", "x509", "-noout", "-subject", "-nameopt", "multiline", input=pem).split("commonName")[1].split("\n")[0].strip(" =")

        for name in ("Camvault camera ID-1", "ID-1", "fleetd", "MyCN-1"):
            self.assertEqual(issued(name), "CN-1")
        self.assertEqual(issued("Other camera CN-1"), "Other camera CN-1")


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
