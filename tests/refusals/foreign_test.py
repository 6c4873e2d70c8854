"""Servers of others with the configurations that we ship: the refusal corpus as clients, and good and bad server with good and bad
client. NC-1-1, NC-2-1, NC-2-3, SP-4.2.7.

nginx shows an identity whose key is in keystored (docs/keystore-use.md), through the OpenSSL provider; its clients are ours and curl.
"""
import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import unittest

from careless import ask, corpus
from refusals_test import BAD, SERIAL, Refusals, must, run  # also finds rig.py
from rig import CAMVAULT, wait_until

PACKAGING = pathlib.Path(__file__).parents[2] / "packaging"
# What OpenSSL's own look at a client's certificate does not see (docs/tls.md).
BLIND = {"key agreement only"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Foreign(Refusals):
    def start(self, command, log, port, env=None):
        with open(log, "ab") as out:
            process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env)
        self.addCleanup(process.wait)
        self.addCleanup(process.send_signal, signal.SIGTERM)

        def listens():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            return process.poll() is not None
        self.assertTrue(wait_until(listens))
        self.assertIsNone(process.poll(), log.read_text())
        return process

    def shipped(self, file, folder, etc, port_line, port):
        """A file of packaging/, with the folder and the port of this test."""
        text = (PACKAGING / file).read_text().replace(etc, str(folder))
        self.assertIn(port_line, text)
        return text.replace(port_line, re.sub(r"\d+", "127.0.0.1:%d" % port if "ssl" in port_line else "%d 127.0.0.1" % port, port_line, count=1))

    def column(self, program, attempt):
        """Like `judge`, for servers that give few reasons."""
        refused = 0
        for case in corpus(self.clients):
            taken, said = attempt(case)
            with self.subTest(program=program, case=case.name, said=said):
                self.assertEqual(taken, case.name == "good" or case.name in BLIND)
            refused += not taken
            print(f"  {program:22} {case.name:26} {'taken' if taken else 'refused':8} {said}", flush=True)
        print(f"{program}: {refused} of {BAD} refused", flush=True)
        self.assertEqual(refused, BAD - len(BLIND))


class Nginx(Foreign):
    def nginx(self, certificate, key, anchors, lists, serials, env=None):
        port = free_port()
        folder = self.rig.folder / ("nginx-%d" % port)
        folder.mkdir()
        for name, source in (("server.pem", certificate), ("server.key", key), ("camera-root-ca.pem", anchors), ("camera-lists.pem", lists)):
            (folder / name).write_text(pathlib.Path(source).read_text())
        (folder / "camvault-devices.map").write_text("".join(f"{serial} 1;\n" for serial in serials))
        paths = "".join("%s_temp_path %s/%s;\n" % (kind, folder, kind) for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;\n" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(user + "daemon off;\npid %s/pid;\nerror_log stderr info;\nenv CAMVAULT_KEYSTORE_ROOT;\nevents {}\nhttp {\naccess_log off;\n%s%s}\n"
                                           % (folder, paths, self.shipped("nginx/devices.conf", folder, "/etc/nginx", "listen 8444 ssl;", port)))
        self.start(["nginx", "-e", "stderr", "-p", folder, "-c", folder / "nginx.conf"], folder / "log", port, env)
        return port, folder / "log"

    def setUp(self):
        if run("sh", "-c", "command -v nginx || test -x /usr/sbin/nginx").returncode != 0:
            self.skipTest("nginx is not installed (packaging/packages-test.txt)")

    def test_corpus(self):
        good = corpus(self.servers)[0]
        port, log = self.nginx(good.pem, good.key, self.clients / "anchors.pem", self.clients / "lists.pem", [SERIAL])

        def attempt(case):
            before = len(log.read_text())
            answer = ask(port, case, b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").decode(errors="replace")
            status = answer.split()[1] if answer else "-"
            time.sleep(0.05)
            said = re.search(r"verify error: \(\d+:(.*?)\)|(ssl_\w+|tls_\w+):([\w ]+)\)", log.read_text()[before:])
            return status == "200", status + " " + (said.group(1) or said.group(3) if said else answer.rsplit("\n", 2)[-2] if status == "200" else "")
        self.column("nginx", attempt)

    def test_good_and_bad(self):
        """One cell of four, with curl and with our own client; the good server's key is in keystored."""
        place = self.rig.camera(SERIAL, allowed=False)
        look = self.rig.factory.root / "var/lib/camvault/factory"
        lists = self.rig.folder / "factory-lists.pem"
        must(CAMVAULT, "factory", "crl", "--root", self.rig.factory.root)
        must(CAMVAULT, "factory", "crl", "--ca", "root", "--root", self.rig.factory.root)
        lists.write_text((look / "device-ca.crl.pem").read_text() + (look / "root-ca.crl.pem").read_text())
        # The server: a key in this camera's keystored, a certificate of the corpus's CA for it.
        stub = self.rig.folder / "https.stub.pem"
        must(CAMVAULT, "keystore", "generate", "camera/https", "--type", "ec-p256", "--purpose", "tls", "--root", place.root)
        must(CAMVAULT, "keystore", "stub", "camera/https", "--root", place.root, "-o", stub)
        provider = self.rig.folder / "provider.cnf"
        provider.write_text("openssl_conf = init\n[init]\nproviders = providers\n[providers]\ndefault = default_provider\nkeystore = camvault_provider\n"
                            "[default_provider]\nactivate = 1\n[camvault_provider]\nmodule = %s\nactivate = 1\n" % os.environ["CAMVAULT_OPENSSL_PROVIDER"])
        env = dict(os.environ, OPENSSL_CONF=str(provider), CAMVAULT_KEYSTORE_ROOT=str(place.root), LC_ALL="C")
        f = self.rig.folder
        must("openssl", "req", "-new", "-key", stub, "-subj", "/CN=localhost", "-out", f / "https.csr", env=env)
        ext = f / "https.ext"
        ext.write_text("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost\n")
        for ca in ("good-ca", "bad-ca"):
            must("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f / (ca + ".key"), "-subj",
                 "/CN=" + ca, "-days", "9", "-out", f / (ca + ".pem"))
            must("openssl", "x509", "-req", "-in", f / "https.csr", "-CA", f / (ca + ".pem"), "-CAkey", f / (ca + ".key"), "-set_serial", "5", "-days", "9",
                 "-extfile", ext, "-out", f / (ca + "-https.pem"))
        # The clients: this factory's camera, and the corpus's good one, whom this nginx does not know.
        other = corpus(self.clients)[0]
        must("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f / "curl.key", "-subj", "/CN=x/serialNumber=CURL-1",
             "-out", f / "curl.csr")
        cells = {"curl": {}, "camvault enrol": {}}
        for server in ("good", "bad"):
            port, log = self.nginx(f / f"{server}-ca-https.pem", stub, self.rig.factory_root, lists, [SERIAL], env)
            for client in ("good", "bad"):
                identity = place.root / "var/lib/camvault/identity/idevid-chain.pem"
                named = {"good": (identity, f / "idevid.stub.pem"), "bad": (other.pem, other.key)}[client]
                if client == "good":
                    must(CAMVAULT, "keystore", "stub", "camera/idevid", "--root", place.root, "-o", named[1])
                done = run("curl", "-sS", "--noproxy", "*", "--cacert", f / "good-ca.pem", "--cert", named[0], "--key", named[1], "-w", "%{http_code}",
                           "-o", "/dev/null", f"https://localhost:{port}/", env=env)
                cells["curl"][server, client] = done.stdout.strip() == "200"
                print(f"  curl            server {server:4} client {client:4} {done.stdout.strip()} {done.stderr.partition(chr(10))[0]}", flush=True)
                camera = place if client == "good" else self.stranger()
                done = run(CAMVAULT, "enrol", "--root", camera.root, "--server", f"https://localhost:{port}", "--trust", f / "good-ca.pem", "--timeout", 5)
                # nginx is no EST server: what it says to those that it lets in is another kind of message.
                cells["camvault enrol"][server, client] = "another kind of message" in done.stderr
                print(f"  camvault enrol  server {server:4} client {client:4} {done.returncode} {done.stderr.strip()}", flush=True)
        for program, of in cells.items():
            self.assertEqual([cell for cell, connected in of.items() if connected], [("good", "good")], program)

    def stranger(self):
        """A camera of another maker, with the same serial number."""
        if not hasattr(self, "other_place"):
            maker = self.rig.place("other-maker", "factory")
            must(CAMVAULT, "factory", "init", "--root", maker.root, "--organization", "Other Maker")
            self.other_place = self.rig.place("other-camera", "camera")
            must(CAMVAULT, "factory", "provision", "--root", maker.root, "--camera-root", self.other_place.root, "--serial", SERIAL, "--identities", "none")
        return self.other_place


class Mosquitto(Foreign):
    def test_corpus(self):
        if run("sh", "-c", "command -v mosquitto || test -x /usr/sbin/mosquitto").returncode != 0:
            self.skipTest("mosquitto is not installed (packaging/packages-test.txt)")
        port = free_port()
        folder = self.rig.folder / "mosquitto"
        folder.mkdir()
        folder.chmod(0o777)
        self.rig.folder.chmod(0o755)
        good = corpus(self.servers)[0]
        for name, source in (("broker.pem", good.pem), ("broker.key", good.key), ("camera-root-ca.pem", self.clients / "anchors.pem"),
                             ("camera-lists.pem", self.clients / "lists.pem")):
            (folder / name).write_text(pathlib.Path(source).read_text())
        (folder / "acl").write_text("pattern write devices/%u/#\n")
        user = "user root\n" if os.geteuid() == 0 else ""
        text = self.shipped("cloud/mosquitto.conf", folder, "/etc/mosquitto", "listener 8883\n", port).replace("/var/lib/mosquitto", str(folder))
        (folder / "conf").write_text(user + "log_type all\n" + text)
        log = folder / "log"
        self.start(["mosquitto", "-c", folder / "conf"], log, port)
        topic = ("devices/%s/events" % SERIAL).encode()

        def attempt(case):
            connect = b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x"
            publish = len(topic).to_bytes(2, "big") + topic + b"\x00\x01{}"
            before = len(log.read_text())
            answer = ask(port, case, b"\x10" + bytes([len(connect)]) + connect + b"\x32" + bytes([len(publish)]) + publish)
            wait_until(lambda: re.search("isconnected|losed|rror", log.read_text()[before:]), 2)
            said = log.read_text()[before:]
            taken = answer[:4] == b"\x20\x02\x00\x00" and "Denied PUBLISH" not in said
            words = re.findall(r"Denied PUBLISH|error:[^\n]*?:([\w ]+)\.?$", said, re.M)
            return taken, "Denied PUBLISH" if "Denied PUBLISH" in said else words[-1] if words else ""
        self.column("mosquitto", attempt)


if __name__ == "__main__":
    unittest.main(verbosity=2)
