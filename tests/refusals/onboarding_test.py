"""The refusal corpus on the road to an owner: BRSKI's three parts, and the claim by code. RFC 8995, AX-2.2-1, NC-1-1, SP-4.2.7.

What has no column, since nobody is believed by his certificate there, is in docs/tls.md.
"""
import json
import re
import shutil
import ssl
import sys
import unittest

from careless import Server, ask, corpus, exactly
from refusals_test import SERIAL, Refusals, must, run  # also finds zero_touch_rig.py
from rig import CAMVAULT, wait_until
from zero_touch_rig import IDENTITY, ZeroTouchRig, free_port

VOUCHER = "application/voucher-cms+json"
CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.S)
LATER = b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def read_request(stream):
    """(path, body)"""
    head = b""
    while b"\r\n\r\n" not in head:
        head += exactly(stream, 1)
    length = re.search(rb"content-length: *(\d+)", head, re.I)
    return head.split()[1].decode(), exactly(stream, int(length.group(1)) if length else 0)


def answer_with(status, kind, body):
    return f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Onboarding(Refusals):
    @classmethod
    def setUpClass(cls):
        cls.rig = ZeroTouchRig()
        cls.addClassCleanup(cls.rig.close)
        cls.take_corpus(f"https://localhost:{cls.rig.masa_port}")
        cls.rig.restart_masa(device_anchors=[str(cls.rig.factory_root), str(cls.clients / "anchors.pem")],
                             device_lists=[str(cls.clients / "lists.pem")])
        # The owner knows the devices of the corpus, and makers' services of the corpus beside the right one.
        cls.rig.config.update({"device_anchors": [str(cls.rig.factory_root), str(cls.clients / "anchors.pem")],
                               "device_lists": [str(cls.clients / "lists.pem")], "masa_lists": [str(cls.servers / "lists.pem")],
                               "masa_anchors": [*cls.rig.config["masa_anchors"], str(cls.servers / "anchors.pem")]})
        cls.rig.start()
        cls.rig.api("devices", {"serials": [SERIAL]})

    def cms(self, text, certificate, key):
        """`text`, signed by openssl, without any code of ours."""
        f = self.rig.folder
        (f / "signed.json").write_text(json.dumps(text))
        (f / "above.pem").write_text("".join(CERTIFICATE.findall(certificate.read_text())[1:]))
        above = ["-certfile", f / "above.pem"] if (f / "above.pem").stat().st_size else []
        must("openssl", "cms", "-sign", "-binary", "-nodetach", "-econtent_type", "1.2.840.113549.1.9.16.1.40", "-in", f / "signed.json", "-signer",
             certificate, *above, "-inkey", key, "-outform", "DER", "-out", f / "signed.cms")
        return (f / "signed.cms").read_bytes()

    def forget_owner(self, place):
        for name in ("owner.json", "ldevid.json", "ldevid-chain.pem", "owner-ca.pem"):
            (place.root / IDENTITY / name).unlink(missing_ok=True)

    def test_registrar(self):
        """fleetd, asked for a voucher by devices of the corpus; the good one has it from masad."""
        log = self.rig.folder / "fleetd.log"
        registrar = "".join(ssl.get_server_certificate(("localhost", self.rig.config["port"])).splitlines()[1:-1])

        def attempt(case):
            wanted = {"created-on": "2026-11-22T04:00:00Z", "assertion": "proximity", "serial-number": SERIAL, "nonce": "AAECAwQFBgcICQoLDA0ODw==",
                      "proximity-registrar-cert": registrar}
            body = self.cms({"ietf-voucher-request:voucher": wanted}, case.pem, case.key)
            before = len(log.read_text())
            head = (f"POST /.well-known/brski/requestvoucher HTTP/1.1\r\nHost: localhost\r\nContent-Type: {VOUCHER}\r\nAccept: {VOUCHER}\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n")
            answer = ask(self.rig.config["port"], case, head.encode() + body)
            status = int(answer.split()[1]) if answer else 0
            wait_until(lambda: re.search("refused|voucher", log.read_text()[before:]), 5)
            line = log.read_text()[before:].strip().splitlines()
            return status == 200 and VOUCHER.encode() in answer, status, re.sub(r"^.*fleetd: ", "", line[-1]) if line else ""
        self.judge("fleetd, BRSKI", self.clients, attempt, (0, 403))

    def test_makers_service(self):
        """fleetd asks a service whose address a camera's certificate names."""
        port = free_port()
        self.rig.teach_factory(port)
        self.addCleanup(self.rig.teach_factory, self.rig.masa_port)
        place = self.rig.camera("ASKS-1")

        def attempt(case):
            with Server(lambda stream: stream.sendall(LATER) or read_request(stream)[1], case, port) as server:
                done = run(*self.rig.zero_touch_command(place))
            said = next(e["detail"] for e in self.rig.api("onboarding?serial=ASKS-1")["events"] if e["event"] == "refused")
            return bool(server.asked), done.returncode, said
        self.judge("fleetd asks masad", self.servers, attempt, (69,))

    def test_pledge(self):
        """A registrar with a voucher that names the corpus's CA: the camera believes the voucher, and not yet who brings it."""
        f = self.rig.folder
        place = self.rig.camera("PLEDGE-1")
        must("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f / "voucher.key", "-subj", "/CN=Vouchers",
             "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "keyUsage=critical,digitalSignature", "-days", "30", "-out", f / "voucher.pem")
        shutil.copy(f / "voucher.pem", place.root / IDENTITY / "masa-anchors.pem")
        pinned = "".join((self.registrars / "anchors.pem").read_text().splitlines()[1:-1])

        def attempt(case):
            enrols = []

            def registrar(stream):
                while True:
                    path, body = read_request(stream)
                    if not path.endswith("/requestvoucher"):
                        enrols.append(path) if "/est/" in path else None
                        stream.sendall(LATER)
                        return False
                    (f / "asked.cms").write_bytes(body)
                    asked = json.loads(must("openssl", "cms", "-verify", "-noverify", "-binary", "-inform", "DER", "-in", f / "asked.cms"))
                    voucher = {"created-on": "2026-01-01T00:00:00Z", "assertion": "logged", "serial-number": "PLEDGE-1",
                               "nonce": asked["ietf-voucher-request:voucher"]["nonce"], "pinned-domain-cert": pinned}
                    stream.sendall(answer_with(200, VOUCHER, self.cms({"ietf-voucher:voucher": voucher}, f / "voucher.pem", f / "voucher.key")))

            self.forget_owner(place)
            with Server(registrar, case) as server:
                done = run(*self.rig.zero_touch_command(place, f"https://localhost:{server.port}"), "--crl", self.registrars / "lists.pem")
            self.assertEqual((place.root / IDENTITY / "owner.json").exists(), bool(enrols))
            return bool(enrols), done.returncode, done.stderr.strip()
        self.judge("enrol --zero-touch", self.registrars, attempt, (65,))

    def test_take(self):
        """Cameras of the corpus that wait for their owner, who has to be told of no proof."""
        def attempt(case):
            with Server(lambda stream: stream.sendall(answer_with(409, "application/json", b'{"version":1,"error":"has-owner","tries_left":0,"wait":0}'))
                        or read_request(stream)[1], case) as server:
                done = run(CAMVAULT, "claim", "take", "--camera", f"https://localhost:{server.port}", "--serial", SERIAL, "--maker",
                           self.clients / "anchors.pem", "--crl", self.clients / "lists.pem", "--owner-ca", self.rig.fleet_ca, "--fleet", self.rig.url,
                           input="AAAA-BBBB-CCCC")
            return bool(server.asked), done.returncode, done.stderr.strip()
        self.judge("camvault claim take", self.clients, attempt, (65,))


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
