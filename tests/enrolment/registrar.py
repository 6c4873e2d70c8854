"""A registrar that openssl and curl are: an owner without any code of ours. RFC 8995 5.5."""
import base64
import json

from rig import must
from zero_touch_rig import Impostor, http

VOUCHER = "application/voucher-cms+json"
CMC_RA = "1.3.6.1.5.5.7.3.28"


def domain_id(certificate):
    """RFC 8995 5.8.2, as openssl says it: what a maker's list has to say."""
    text = must("openssl", "x509", "-in", certificate, "-noout", "-ext", "subjectKeyIdentifier").split("\n")[1]
    return base64.b64encode(bytes.fromhex(text.replace(":", "").strip())).decode()


class Registrar:
    """An owner without any code of ours: a CA, and a registrar below it."""

    def __init__(self, rig, name, usage=CMC_RA, key_identifier="hash"):
        self.rig, self.base = rig, rig.folder / name
        self.ca, self.pem, self.key = (f"{self.base}{suffix}" for suffix in ("-ca.pem", ".pem", ".key"))
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        must("openssl", "req", "-x509", *curve, "-keyout", f"{self.base}-ca.key", "-subj", f"/CN={name} CA", "-days", "30", "-addext",
             f"subjectKeyIdentifier={key_identifier}", "-out", self.ca)
        must("openssl", "req", *curve, "-keyout", self.key, "-subj", f"/CN={name}", "-out", f"{self.base}.csr")
        with open(f"{self.base}.ext", "w") as out:
            out.write("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nsubjectAltName=DNS:localhost\n"
                      f"extendedKeyUsage=serverAuth,{usage}\n")
        must("openssl", "x509", "-req", "-in", f"{self.base}.csr", "-CA", self.ca, "-CAkey", f"{self.base}-ca.key", "-set_serial", "3", "-days",
             "30", "-extfile", f"{self.base}.ext", "-out", self.pem)

    def ask(self, serial, nonce=None, prior=None, operation="requestvoucher"):
        """What masad answers: its status, and the voucher (its message and what is in it) or the log."""
        request = {"created-on": "2026-11-22T08:00:00Z", "serial-number": serial}
        if nonce:
            request["nonce"] = nonce
        if prior:
            request["prior-signed-voucher-request"] = base64.b64encode(prior).decode()
        text, cms, out = (f"{self.base}.{suffix}" for suffix in ("json", "cms", "answer"))
        with open(text, "w") as file:
            json.dump({"ietf-voucher-request:voucher": request}, file)
        must("openssl", "cms", "-sign", "-binary", "-nodetach", "-econtent_type", "1.2.840.113549.1.9.16.1.40", "-in", text, "-signer", self.pem,
             "-inkey", self.key, "-certfile", self.ca, "-outform", "DER", "-out", cms)
        status = int(must("curl", "-sS", "--noproxy", "*", "--cacert", self.rig.masa_folder / "ca.pem", "-H", f"Content-Type: {VOUCHER}",
                          "-H", f"Accept: {VOUCHER}", "--data-binary", f"@{cms}", "-o", out, "-w", "%{http_code}",
                          f"https://localhost:{self.rig.masa_port}/.well-known/brski/{operation}"))
        with open(out, "rb") as file:
            message = file.read()
        if status != 200:
            return status, None, None
        if operation == "requestauditlog":
            return status, message, json.loads(message)
        read = must("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", out, "-CAfile", self.rig.masa_folder / "masa.pem",
                    "-purpose", "any")
        return status, message, json.loads(read)["ietf-voucher:voucher"]

    def pin(self):
        return "".join(must("openssl", "x509", "-in", self.ca).splitlines()[1:-1])

    def seen_by(self, place):
        """What a camera signs that sees this registrar: (nonce, message)."""
        server = Impostor(self.pem, self.key, lambda head, body: http(403))
        self.rig.zero_touch(place, server.url)
        server.close()
        body = server.asked[0][1]
        (self.rig.folder / "asked.cms").write_bytes(body)
        text = must("openssl", "cms", "-verify", "-noverify", "-binary", "-inform", "DER", "-in", self.rig.folder / "asked.cms")
        return json.loads(text)["ietf-voucher-request:voucher"]["nonce"], body
