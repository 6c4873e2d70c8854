"""Cameras for the tests: a CA, keys and certificates made with openssl, and clips signed by `camvault sign`."""
import datetime
import json
import os
import subprocess

KEYS = {
    "p256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "p521": ["EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "rsa2048": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa3072": ["RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    "rsa4096": ["RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
}


def run(command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
    if done.returncode != 0:
        raise RuntimeError("%s\nexit code %d\n%s" % (" ".join(map(str, command)), done.returncode, done.stderr[-2000:]))
    return done.stdout


# docs/formats/supplement-sei.md: SEQUENCE { version 1 }
PROMISE = "1.2.840.113556.1.8000.2554.24022.17652.62551.19759.34432.16685886.11116968=DER:3003020101"


class Factory:
    """Root and intermediate CA in a folder of the test."""

    def __init__(self, folder):
        self.folder = folder
        self.root = self.path("root.pem")
        self.key("root", "p256")
        run(["openssl", "req", "-x509", "-new", "-key", self.path("root.key"), "-out", self.root, "-days", "3650",
             "-subj", "/O=Test maker/CN=Test root"])
        self.key("device-ca", "p256")
        self.certificate("device-ca", "Test device CA", "root", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign")

    def path(self, name):
        return os.path.join(self.folder, name)

    def key(self, name, kind):
        run(["openssl", "genpkey", "-algorithm", *KEYS[kind], "-out", self.path(name + ".key")])

    def certificate(self, name, subject, issuer, extensions):
        with open(self.path(name + ".ext"), "w") as f:
            f.write(extensions + "\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
        run(["openssl", "req", "-new", "-key", self.path(name + ".key"), "-out", self.path(name + ".csr"),
             "-subj", "/O=Test maker/serialNumber=%s/CN=%s" % (name, subject)])
        run(["openssl", "x509", "-req", "-in", self.path(name + ".csr"), "-out", self.path(name + ".pem"), "-days", "3650",
             "-CA", self.path(issuer + ".pem"), "-CAkey", self.path(issuer + ".key"), "-CAcreateserial",
             "-extfile", self.path(name + ".ext")])

    def camera(self, name, kind="p256", promise=False):
        """Returns the paths (key, chain) of a new camera; its certificate alone is NAME.pem. `promise`: it promises supplements."""
        self.key(name, kind)
        self.certificate(name, "Camera " + name, "device-ca", "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature" +
                         ("\n" + PROMISE if promise else ""))
        chain = self.path(name + ".chain.pem")
        with open(chain, "w") as out:
            for part in (name, "device-ca"):
                with open(self.path(part + ".pem")) as f:
                    out.write(f.read())
        return self.path(name + ".key"), chain


def sign(camvault, camera, source, target, hours=0, options=()):
    """`hours`: capture time of the first picture, after now (the certificates are valid from now)."""
    start = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=1, hours=hours)
    run([camvault, "sign", source, target, "--key-file", camera[0], "--chain", camera[1],
         "--start-time", start.strftime("%Y-%m-%dT%H:%M:%SZ"), *options])


def verify(camvault, clip, options=()):
    """Returns (exit code, report). Any exit code but 0, 1, 2 is an error of the program or the test."""
    done = subprocess.run([str(c) for c in (camvault, "verify", clip, "--json", *options)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120)
    if done.returncode not in (0, 1, 2):
        raise RuntimeError("camvault verify %s: exit code %d: %s" % (clip, done.returncode, done.stderr[-500:]))
    return done.returncode, json.loads(done.stdout)
