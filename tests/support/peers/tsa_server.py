#!/usr/bin/env python3
"""A time stamp authority on loopback: `openssl ts` behind Python's HTTP server. Some paths are dishonest on purpose.

    tsa_server.py FOLDER [PORT [TLS_PORT]]

Makes keys and certificates in FOLDER when they are not there (root.pem: the authority's root; foreign-root.pem: of
another one; web-ca.pem: of the TLS certificate for 127.0.0.1), prints "HTTP_PORT HTTPS_PORT" and serves until its
standard input ends.

    /good            an honest token              /big        an answer of 10 MB
    /nonce           another nonce                /slow       no answer for 30 s
    /imprint         another imprint              /drip       a byte every 0.2 s
    /foreign         of a foreign authority       /garbage    bytes that are no answer
    /expired         the certificate has expired  /html       a web page
    /no-eku          a certificate for anything   /error      500
    /no-cert         without the certificate      /redirect   302 to /good
    /reject          the authority says no        /close      nothing at all
"""
import datetime
import http.server
import pathlib
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

POLICY = "1.3.6.1.4.1.32473.7.1"
folder = pathlib.Path(sys.argv[1])


def run(*arguments, data=None):
    done = subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True, cwd=folder)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode())
    return done.stdout


def make_certificate(name, issuer=None, eku=None, ca=False, days=(-30, 365), address=None):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer[1].subject if issuer else subject)
               .public_key(key.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(now + datetime.timedelta(days=days[0])).not_valid_after(now + datetime.timedelta(days=days[1]))
               .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
               .add_extension(x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False), critical=True))
    if eku:
        builder = builder.add_extension(x509.ExtendedKeyUsage([eku]), critical=True)
    if address:
        import ipaddress
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
    return key, builder.sign((issuer or (key,))[0], hashes.SHA256())


def save(name, pair):
    key, certificate = pair
    (folder / f"{name}.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def make_everything():
    stamping = ExtendedKeyUsageOID.TIME_STAMPING
    root = make_certificate("Test time root", ca=True)
    foreign = make_certificate("Foreign time root", ca=True)
    web = make_certificate("Test web CA", ca=True)
    save("root", root)
    save("foreign-root", foreign)
    save("web-ca", web)
    save("good", make_certificate("Test TSA", root, stamping))
    save("foreign", make_certificate("Foreign TSA", foreign, stamping))
    save("expired", make_certificate("Retired TSA", root, stamping, days=(-30, -1)))
    save("no-eku", make_certificate("No TSA", root))
    save("tls", make_certificate("127.0.0.1", web, ExtendedKeyUsageOID.SERVER_AUTH, address="127.0.0.1"))
    (folder / "serial").write_text("01\n")
    (folder / "ts.cnf").write_text(f"[tsa]\ndefault_tsa = it\n[it]\nserial = {folder}/serial\ncrypto_device = builtin\nsigner_digest = sha256\n"
                                   f"default_policy = {POLICY}\ndigests = sha256, sha384, sha512\naccuracy = secs:1\nclock_precision_digits = 3\n"
                                   "ess_cert_id_chain = no\ness_cert_id_alg = sha256\n")


busy = threading.Lock()  # `openssl ts` counts in one file


def reply(query, signer):
    with busy, tempfile.TemporaryDirectory() as temporary:
        at = pathlib.Path(temporary)
        (at / "query").write_bytes(query)
        run("ts", "-reply", "-config", "ts.cnf", "-queryfile", at / "query", "-signer", f"{signer}.pem", "-inkey", f"{signer}.key", "-out", at / "answer")
        return (at / "answer").read_bytes()


def der(tag, content):
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x82, size >> 8, size & 255])
    return bytes([tag]) + length + content


def resigned(query, signer, *how):
    """What an honest authority says, signed by `openssl cms` with any certificate and in any way."""
    answer = reply(query, "good")
    with tempfile.TemporaryDirectory() as temporary:
        at = pathlib.Path(temporary)
        (at / "answer").write_bytes(answer)
        run("ts", "-reply", "-config", "ts.cnf", "-in", at / "answer", "-token_out", "-out", at / "token")
        run("cms", "-verify", "-noverify", "-inform", "DER", "-in", at / "token", "-out", at / "info")
        run("cms", "-sign", "-binary", "-nodetach", "-econtent_type", "1.2.840.113549.1.9.16.1.4", "-cades", "-md", "sha256", *how, "-in", at / "info",
            "-signer", f"{signer}.pem", "-inkey", f"{signer}.key", "-outform", "DER", "-out", at / "forged")
        return der(0x30, der(0x30, der(2, b"\x00")) + (at / "forged").read_bytes())


def changed_nonce(query):  # ... nonce INTEGER, certReq TRUE
    assert query.endswith(b"\x01\x01\xff")
    return query[:-4] + bytes([query[-4] ^ 1]) + query[-3:]


def changed_imprint(query):
    at = query.index(b"\x04\x20") + 2
    return query[:at] + bytes([query[at] ^ 1]) + query[at + 1:]


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def send(self, body, kind="application/timestamp-reply", status=200, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        query = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 65536))
        path = self.path
        try:
            if path in ("/good", "/foreign", "/expired"):
                self.send(reply(query, path[1:]))
            elif path == "/nonce":
                self.send(reply(changed_nonce(query), "good"))
            elif path == "/imprint":
                self.send(reply(changed_imprint(query), "good"))
            elif path == "/no-eku":
                self.send(resigned(query, "no-eku"))
            elif path == "/no-cert":
                self.send(resigned(query, "good", "-nocerts"))
            elif path == "/reject":
                self.send(reply(query.replace(bytes.fromhex("0609608648016503040201"), bytes.fromhex("0609608648016503040299")), "good"))
            elif path == "/big":
                self.send(b"\x30\x83\x98\x96\x80" + bytes(10_000_000))
            elif path == "/slow":
                time.sleep(30)
            elif path == "/drip":
                self.send_response(200)
                for byte in b"Content-Type: application/timestamp-reply\r\n" * 100:
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.2)
            elif path == "/garbage":
                self.send(bytes((i * 197 + 13) % 256 for i in range(3000)))
            elif path == "/html":
                self.send(b"<html>hello</html>", "text/html")
            elif path == "/redirect":
                self.send(b"", status=302, Location="/good")
            elif path == "/close":
                self.close_connection = True
            else:
                self.send(b"", status=500)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a client that does not trust us hangs up


def main():
    if not (folder / "root.pem").exists():
        make_everything()
    plain = Server(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Handler)
    secure = Server(("127.0.0.1", int(sys.argv[3]) if len(sys.argv) > 3 else 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem", folder / "tls.key")
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    for server in (plain, secure):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(plain.server_port, secure.server_port, run("version").decode().strip(), flush=True)
    sys.stdin.buffer.read()


main()
