"""docs/tls-secrets.md: a client on unmodified libssl, whose handshake secrets are in another process, against `openssl s_server`.

The server's key log says what the secrets are; they are looked for in the client's memory. NC-3.1-1, NC-3.4-1.
"""
import contextlib
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "programs"))
from memory import found_in_process  # noqa: E402

CLIENT = os.environ["TLS_SECRETS_CLIENT"]
TIMES = 5


class TlsSecrets(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="camvault-tls-secrets-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def path(self, name):
        return str(self.folder / name)

    def serve(self, psk):
        """openssl s_server with a key log; it answers each line reversed."""
        if psk:
            (self.folder / "psk").write_bytes(os.urandom(32))
            options = ["-nocert", "-psk", (self.folder / "psk").read_bytes().hex(), "-psk_identity", "camera", "-cipher", "PSK",
                       "-ciphersuites", "TLS_AES_128_GCM_SHA256"]
        else:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.path("key.pem"),
                            "-out", self.path("ca.pem"), "-days", "2", "-subj", "/CN=localhost"], check=True, capture_output=True)
            options = ["-cert", self.path("ca.pem"), "-key", self.path("key.pem")]
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        server = subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-keylogfile", self.path("server.keys"), "-rev", "-quiet", *options],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        for _ in range(500):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return port
            time.sleep(0.02)
        raise RuntimeError("openssl s_server does not listen")

    def secrets(self, client_random):
        """Label -> secret of that connection, as the server knows it."""
        lines = pathlib.Path(self.path("server.keys")).read_text().splitlines()
        return {label: bytes.fromhex(secret) for label, random, secret in (line.split() for line in lines if line.count(" ") == 2 and line[0] != "#")
                if random == client_random}

    @contextlib.contextmanager
    def client(self, port, version, mode, psk):
        command = [CLIENT, str(port), version, mode, "-" if psk else self.path("ca.pem"), self.path("psk") if psk else "-", self.path("client.keys")]
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

    def run_all(self, psk):
        port = self.serve(psk)
        for version in ("1.2", "1.3"):
            for mode in ("plain", "vault") * TIMES:
                with self.client(port, version, mode, psk) as (pid, said):
                    self.assertEqual((said["version"], said["answer"]), ("TLSv" + version, "olleh"))
                    needles = self.secrets(said["client_random"])
                    self.assertEqual(len(needles), 1 if version == "1.2" else 5, needles.keys())
                    if psk:
                        needles["PSK"] = (self.folder / "psk").read_bytes()
                    found = found_in_process(pid, needles)
                    if mode == "plain":
                        self.assertNotEqual(found, [])  # the search is not blind
                        continue
                    self.assertEqual(found, [])
                    self.assertEqual((said["random_from_vault"], said["secrets_in_vault_from_exchange"], said["master_is_handle"]), ("1", "1", "1"))
                    for secret in re.findall(r"^\w+ %s (\w+)$" % said["client_random"], pathlib.Path(self.path("client.keys")).read_text(), re.M):
                        self.assertTrue(secret.startswith(b"\xfeVAULT".hex()), "the client's own key log knows handles only")

    def test_certificates(self):
        self.run_all(psk=False)

    def test_pre_shared_key(self):
        self.run_all(psk=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
