"""A CA that answers slowly, wrongly or with 10 MB: `camvault enrol` believes nothing of it, ends in time, and loses nothing.

The CA stands behind a certificate that the camera was told to trust: what is wrong is what it says. RFC 7030, SP-4.2.7
"""
import base64
import contextlib
import datetime
import json
import socket
import ssl
import sys
import threading
import time
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7

from rig import CAMVAULT, Rig, run

SERIAL = "CAM-000001"
TIMEOUT = 1  # seconds, of --timeout
NOW = datetime.datetime.utcnow()
DAY = datetime.timedelta(days=1)


class Authority:
    """A CA that signs what it is asked for, or what it likes."""

    def __init__(self, name, above=None):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.certificate = (above or self).issue(self.name, self.key.public_key(), ca=True)

    def issue(self, name, key, ca=False, begin=NOW - DAY, end=NOW + 30 * DAY, usage=x509.ExtendedKeyUsageOID.CLIENT_AUTH, names=()):
        made = (x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(key).serial_number(x509.random_serial_number())
                .not_valid_before(begin).not_valid_after(end).add_extension(x509.BasicConstraints(ca, None), True)
                .add_extension(x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False), True))
        if not ca:
            made = made.add_extension(x509.ExtendedKeyUsage([usage]), False)
        if names:
            made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
        return made.sign(self.key, hashes.SHA256())


def device(serial):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "camera"), x509.NameAttribute(x509.NameOID.SERIAL_NUMBER, serial)])


def message(body, kind="application/pkcs7-mime; smime-type=certs-only", status="200 OK", size=None):
    return (f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body) if size is None else size}\r\n\r\n").encode() + body


def certs(*certificates):
    return message(base64.encodebytes(pkcs7.serialize_certificates(list(certificates), serialization.Encoding.DER)))


class Drip(bytes):
    """Comes a byte a second."""


class Est:
    """An EST server that says `answers[operation](request)`; one connection at a time."""

    def __init__(self, folder, authority, answers):
        key = ec.generate_private_key(ec.SECP256R1())
        own = authority.issue(device("server"), key.public_key(), usage=x509.ExtendedKeyUsageOID.SERVER_AUTH, names=["localhost"])
        (folder / "est.pem").write_bytes(own.public_bytes(serialization.Encoding.PEM))
        (folder / "est.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        (folder / "est-ca.pem").write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM))
        self.trust = folder / "est-ca.pem"
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "est.pem", folder / "est.key")
        self.answers, self.over, self.asked = answers, False, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(0.05)
        self.url = f"https://localhost:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self._work)
        self.thread.start()

    def _work(self):
        while not self.over:
            with contextlib.suppress(OSError):
                plain, _ = self.listener.accept()
                plain.settimeout(3)
                if "handshake" in self.answers:
                    self._say(plain, self.answers["handshake"](b""))
                    continue
                with self.context.wrap_socket(plain, server_side=True) as stream:
                    while self._serve(stream):
                        pass

    def _serve(self, stream):
        request = b""
        while b"\r\n\r\n" not in request:
            piece = stream.recv(65536)
            if not piece:
                return False
            request += piece
        head, _, body = request.partition(b"\r\n\r\n")
        size = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
        while len(body) < size:
            body += stream.recv(65536)
        operation = head.split(b" ")[1].rsplit(b"/", 1)[1].decode()
        self.asked.append(operation)
        self._say(stream, self.answers[operation](body))
        return True

    def _say(self, stream, answer):
        if not isinstance(answer, Drip):
            stream.sendall(answer)
            return
        for byte in answer:
            stream.sendall(bytes([byte]))
            for _ in range(20):
                if self.over:
                    raise OSError("the test is over")
                time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over = True
        self.thread.join()
        self.listener.close()


class BadCa(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig().start()
        cls.addClassCleanup(cls.rig.close)
        cls.place = cls.rig.camera(SERIAL)
        cls.ca, cls.other = Authority("CA"), Authority("CA")
        cls.state = cls.place.root / "var/lib/camvault/identity/ldevid.json"

    def attempt(self, codes, words=".", **answers):
        """The CA says what a good one would, but for `answers`; the camera has to refuse, in time, and to keep what it had."""
        told = {"cacerts": lambda _: certs(self.ca.certificate), "csrattrs": lambda _: message(b"", status="204 No Content"),
                "simpleenroll": lambda body: certs(self.sign(body)), **answers}
        with Est(self.rig.folder, self.ca, told) as est:
            begin = time.monotonic()
            done = run(CAMVAULT, "enrol", "--root", self.place.root, "--server", est.url, "--trust", est.trust, "--timeout", TIMEOUT)
            took = time.monotonic() - begin
        said = done.stderr.strip()
        print(f"  {self.id().rsplit('.', 1)[1][5:]:28} {done.returncode} {took:4.1f} s  {said}", flush=True)
        self.assertIn(done.returncode, codes, said)
        self.assertRegex(said, words)
        self.assertLess(took, 4 * TIMEOUT + 5)  # two connections at most, and a machine that is busy
        self.assertLessEqual(len(self.rig.keys(self.place)), 1)
        self.assertIsNone(json.loads(self.state.read_text())["active"])

    @staticmethod
    def request(body):
        return x509.load_der_x509_csr(base64.b64decode(body))

    def sign(self, body, by=None, serial=SERIAL, **more):
        request = self.request(body)
        return (by or self.ca).issue(device(serial), more.pop("key", request.public_key()), **more)

    def test_drip_in_handshake(self):
        self.attempt((69,), "time", handshake=lambda _: Drip(b"\x16\x03\x03" + b"\x00" * 100))

    def test_drip_in_cacerts(self):
        self.attempt((69,), "time", cacerts=lambda _: Drip(certs(self.ca.certificate)))

    def test_drip_in_enrolment(self):
        self.attempt((69,), "time", simpleenroll=lambda body: Drip(certs(self.sign(body))))

    def test_drip_in_body(self):
        self.attempt((69,), "time", simpleenroll=lambda _: message(b"", size=1000))

    def test_later(self):
        self.attempt((69,), "202", simpleenroll=lambda _: message(b"", status="202 Later"))

    def test_ten_megabytes(self):
        self.attempt((65,), "long|limit|large", simpleenroll=lambda _: message(b"A" * 10_000_000))

    def test_ten_megabytes_in_chunks(self):
        chunk = b"fff\r\n" + b"A" * 4095 + b"\r\n"
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/pkcs7-mime\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.attempt((65,), "long|limit|large", cacerts=lambda _: head + chunk * 2500)

    def test_endless_headers(self):
        self.attempt((65,), "long|limit|large|many", cacerts=lambda _: b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000)

    def test_wrong_content_type(self):
        self.attempt((65,), "kind", simpleenroll=lambda body: message(b"<html>", kind="text/html"))

    def test_garbage(self):
        self.attempt((65,), simpleenroll=lambda _: message(base64.encodebytes(b"\x30\x82" + b"\x00" * 2000)))

    def test_no_base64(self):
        self.attempt((65,), simpleenroll=lambda _: message(b"\x00\xff" * 1000))

    def test_no_http(self):
        self.attempt((65,), cacerts=lambda _: b"nonsense\r\n\r\n" * 100)

    def test_no_certificate(self):
        self.attempt((65,), simpleenroll=lambda _: certs(self.ca.certificate))

    def test_empty(self):
        self.attempt((65,), cacerts=lambda _: message(b""))

    def test_certificate_of_another_key(self):
        self.attempt((65,), "another key", simpleenroll=lambda body: certs(self.sign(body, key=self.other.key.public_key())))

    def test_certificate_of_another_camera(self):
        self.attempt((65,), "another camera", simpleenroll=lambda body: certs(self.sign(body, serial="CAM-666666")))

    def test_certificate_of_another_ca(self):
        self.attempt((65,), "nobody would take", simpleenroll=lambda body: certs(self.sign(body, by=self.other)))

    def test_expired(self):
        self.attempt((65,), "nobody would take.*expired", simpleenroll=lambda body: certs(self.sign(body, begin=NOW - 30 * DAY, end=NOW - 20 * DAY)))

    def test_for_servers_only(self):
        self.attempt((65,), "nobody would take.*clients",
                     simpleenroll=lambda body: certs(self.sign(body, usage=x509.ExtendedKeyUsageOID.SERVER_AUTH)))

    def test_an_authority_for_a_camera(self):
        self.attempt((65,), "nobody would take", simpleenroll=lambda body: certs(self.sign(body, ca=True)))

    def test_chain_of_forty(self):
        def answer(body):
            above = [self.ca]
            for n in range(40):
                above.append(Authority(f"CA {n}", above[-1]))
            return certs(self.sign(body, by=above[-1]), *[a.certificate for a in reversed(above)])
        self.attempt((65,), simpleenroll=answer)

    def test_two_thousand_certificates(self):
        self.attempt((65,), simpleenroll=lambda body: certs(self.sign(body), *[self.ca.certificate] * 2000))

    def test_two_thousand_authorities(self):
        self.attempt((65,), cacerts=lambda _: certs(*[self.ca.certificate] * 2000))

    def test_zz_and_then_a_good_one(self):
        code, enrolled = self.rig.enrol(self.place)
        self.assertEqual((code, enrolled["key"] if code == 0 else enrolled), (0, "camera/ldevid-1"))
        self.assertEqual(self.rig.keys(self.place), ["camera/ldevid-1"])
        self.assertEqual(len(self.rig.api("certificates?serial=" + SERIAL)["certificates"]), 1)


if __name__ == "__main__":
    unittest.main(verbosity=1, argv=sys.argv)
