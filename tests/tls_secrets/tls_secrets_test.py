"""docs/tls-secrets.md: a client on unmodified libssl, whose handshake secrets are in keystored, against `openssl s_server`.

The server's key log says what the secrets are; they are looked for in the client's memory. NC-1-2, NC-3.1-1, NC-3.4-1.
"""
import contextlib
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "programs"))
from memory import found_in_process  # noqa: E402
from rig import Background, Camera, free_port, must  # noqa: E402

CLIENT = os.environ["TLS_SECRETS_CLIENT"]
CAMVAULT = os.environ["CAMVAULT"]
TIMES = 3
GROUPS = {"X25519": "X25519:P-256", "P-256": "P-256"}  # what is agreed -> what is offered


class Relay:
    """Stands on the wire between client and server, and keeps what the client says."""

    def __init__(self, port):
        self.to, self.said = port, b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.to), 10)
                self.said = b""
                threading.Thread(target=self._pass_on, args=(server, client, False), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(client, server, True), daemon=True).start()

    def _pass_on(self, source, sink, keep):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                if keep:
                    self.said += piece
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)

    def client_random(self):
        """RFC 8446 5.1, 4, 4.1.2: record header, handshake header, legacy_version, random."""
        assert self.said[0] == 22 and self.said[5] == 1, self.said[:11]
        return self.said[11:43].hex()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class TlsSecrets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.camera = Camera()
        cls.addClassCleanup(cls.camera.close)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="camvault-tls-secrets-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def path(self, name):
        return str(self.folder / name)

    def serve(self, psk=None, groups="X25519:P-256"):
        """openssl s_server with a key log; it answers each line reversed."""
        if psk:
            options = ["-nocert", "-psk", psk.hex(), "-psk_identity", "camera", "-cipher", "PSK", "-ciphersuites", "TLS_AES_128_GCM_SHA256"]
        else:
            must(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.path("key.pem"),
                  "-out", self.path("ca.pem"), "-days", "2", "-subj", "/CN=localhost"])
            options = ["-cert", self.path("ca.pem"), "-key", self.path("key.pem")]
        port = free_port()
        server = Background(["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-keylogfile", self.path("server.keys"), "-rev", "-quiet",
                             "-groups", groups, *options], self.path("server.log"), port=port)
        self.addCleanup(server.stop)
        self.wire = Relay(port)
        self.addCleanup(self.wire.close)
        return self.wire.port

    def secrets(self, client_random):
        """Label -> secret of that connection, as the server knows it."""
        lines = pathlib.Path(self.path("server.keys")).read_text().splitlines()
        return {label: bytes.fromhex(secret) for label, random, secret in (line.split() for line in lines if line.count(" ") == 2 and line[0] != "#")
                if random == client_random}

    def command(self, port, version, inside, psk="-", groups="X25519:P-256"):
        root = str(self.camera.folder) if inside else "-"
        return [CLIENT, str(port), version, root, "-" if psk != "-" else self.path("ca.pem"), psk, groups, self.path("client.keys")]

    @contextlib.contextmanager
    def client(self, *arguments, **options):
        command = self.command(*arguments, **options)
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            output = ""
            while not output.endswith("ready\n"):
                line = process.stdout.readline()
                if not line:
                    raise AssertionError("%s\n%s" % (command, output))
                output += line
            yield process.pid, dict(line.split(" ", 1) for line in output.splitlines() if " " in line)
        finally:
            process.communicate()

    def check_inside(self, said, needles, pid):
        self.assertEqual(found_in_process(pid, needles), [])
        self.assertEqual((said["random_from_keystore"], said["exchanges"]), ("1", "1"))
        self.assertNotIn(bytes.fromhex(said["master"]), needles.values())
        own = re.findall(r"^\w+ %s (\w+)$" % said["client_random"], pathlib.Path(self.path("client.keys")).read_text(), re.M)
        self.assertEqual(len(own), 1 if said["version"] == "TLSv1.2" else 5)
        for handle in own:
            self.assertNotIn(bytes.fromhex(handle), needles.values(), "the client's own key log knows handles only")

    def run_all(self, port, psk_file="-", psk=None, groups="X25519:P-256"):
        for version in ("1.2", "1.3"):
            for inside in (False, True) * TIMES:
                name = "-" if not psk else "camera/tls-psk" if inside else psk_file
                with self.client(port, version, inside, psk=name, groups=groups) as (pid, said):
                    self.assertEqual((said["version"], said["answer"]), ("TLSv" + version, "olleh"))
                    # What is on the wire is what the client speaks of, and (inside) what keystored gave.
                    self.assertEqual(self.wire.client_random(), said["client_random"])
                    needles = self.secrets(said["client_random"])
                    for secret in needles.values():
                        self.assertNotIn(secret, self.wire.said)
                    self.assertEqual(len(needles), 1 if version == "1.2" else 5, needles.keys())
                    if psk:
                        needles["PSK"] = psk
                    if inside:
                        print("TLS %s%s, secrets in keystored: %s us, %s requests" % (version, " PSK" if psk else "", said["handshake_us"], said["requests"]))
                        self.check_inside(said, needles, pid)
                    else:
                        print("TLS %s%s: %s us" % (version, " PSK" if psk else "", said["handshake_us"]))
                        self.assertNotEqual(found_in_process(pid, needles), [])  # the search is not blind

    def test_certificates(self):
        self.run_all(self.serve())

    def test_the_other_group(self):
        self.run_all(self.serve(groups="P-256"), groups="P-256")

    def test_pre_shared_key(self):
        psk = os.urandom(31) + b"."
        (self.folder / "psk").write_bytes(psk)
        must([CAMVAULT, "keystore", "secret", "set", "camera/tls-psk", "--purpose", "tls-psk", "--root", self.camera.folder], data=psk)
        self.run_all(self.serve(psk=psk), psk_file=self.path("psk"), psk=psk)

    def refused(self, *arguments, **options):
        done = subprocess.run(self.command(*arguments, **options), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        return done.stderr

    def test_refusals(self):
        """A server that insists on a group whose secret would not be inside; a PSK that is none; a server without our PSK."""
        self.refused(self.serve(groups="P-384"), "1.3", True, groups="X25519:P-256")
        must([CAMVAULT, "keystore", "secret", "set", "camera/short-psk", "--purpose", "tls-psk", "--root", self.camera.folder], data=b"0123456789abcde")
        must([CAMVAULT, "keystore", "secret", "set", "camera/wifi", "--purpose", "wifi-psk", "--root", self.camera.folder], data=b"0123456789abcdef")
        port = self.serve(psk=os.urandom(32))
        self.assertIn("limit", self.refused(port, "1.3", True, psk="camera/short-psk"))
        self.assertIn("purpose", self.refused(port, "1.3", True, psk="camera/wifi"))
        must([CAMVAULT, "keystore", "secret", "set", "camera/other-psk", "--purpose", "tls-psk", "--root", self.camera.folder], data=os.urandom(31) + b".")
        for version in ("1.2", "1.3"):
            self.refused(port, version, True, psk="camera/other-psk")


if __name__ == "__main__":
    unittest.main(verbosity=2)
