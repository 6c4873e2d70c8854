"""The refusal corpus against every program of ours that speaks TLS or its like. NC-1-1, NC-2-1, NC-2-2, NA-2.2-1, SP-4.2.7, SP-A.3.2.

Each program has to take the good identity, to refuse every bad one with the exit code that its documentation names, and to say
why. The table that is printed is the one of docs/tls.md.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

from careless import PeerAuth, Server, ask, corpus, speak_http, speak_mqtt

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "enrolment"))
from rig import CAMVAULT, Rig, must, run, wait_until  # noqa: E402

TOOL = os.environ["REFUSALS_TOOL"]
SERIAL = "CAM-000001"
BAD = 12  # the nine of the acceptance list, and three more

# What the reason has to speak of, whoever gives it.
WORDS = {"missing intermediate": "no trusted|not trusted|leads? to|not known|issuer", "expired": "expired|ended", "not yet valid": "only from",
         "revoked": "revoked", "wrong CA": "no trusted|not trusted|leads? to|not known|issuer|signature", "non-CA signer": "authority|CA",
         "wrong name": "name|list|meant|another", "weak key": "weak|short|bits|small|read", "wrong key usage": "usage|may not|signatures?|purpose",
         "key agreement only": "usage|may not|signatures?|purpose",
         "for the other side of TLS": "not for TLS|purpose", "SHA-1": "SHA-1|weak|hash|digest"}


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig()
        cls.addClassCleanup(cls.rig.close)
        cls.take_corpus()

    @classmethod
    def take_corpus(cls, masa="https://localhost"):
        must(TOOL, "corpus", cls.rig.folder / "corpus", masa)
        cls.servers, cls.clients, cls.registrars = [cls.rig.folder / "corpus" / name for name in ("servers", "clients", "registrars")]

    def judge(self, program, folder, attempt, allowed):
        """`attempt(case)` -> (taken, exit code or status, words). Prints a column of the table."""
        refused = 0
        for case in corpus(folder):
            taken, code, said = attempt(case)
            with self.subTest(program=program, case=case.name, code=code, said=said):
                if case.name == "good":
                    self.assertTrue(taken, said)
                    continue
                self.assertFalse(taken)
                self.assertIn(code, allowed)
                self.assertRegex(said, re.compile(WORDS[case.name], re.I))
                refused += 1
            print(f"  {program:22} {case.name:26} {code!s:>4}  {said}", flush=True)
        print(f"{program}: {refused} of {BAD} refused", flush=True)
        self.assertEqual(refused, BAD)


class Clients(Refusals):
    """Our programs meet a server."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rig.start()
        cls.camera = cls.rig.camera(SERIAL)

    def test_cloud(self):
        def attempt(case):
            with Server(speak_mqtt, case) as server:
                profile = self.camera.write("etc/camvault/cloud.toml", '[mqtt]\nhost = "localhost"\nport = %d\n[tls]\nanchors = "%s"\nlists = ["%s"]\n'
                                            % (server.port, self.servers / "anchors.pem", self.servers / "lists.pem"))
                must(CAMVAULT, "cloud", "send", "events", "--profile", profile, "--root", self.camera.root, input="{}")
                done = run(CAMVAULT, "cloud", "run", "--once", "--patience", 1, "--profile", profile, "--root", self.camera.root)
            return bool(server.asked) or done.returncode == 0, done.returncode, done.stderr.strip()
        self.judge("camvault cloud", self.servers, attempt, (65,))

    def test_enrol(self):
        def attempt(case):
            with Server(speak_http(b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), case) as server:
                done = run(CAMVAULT, "enrol", "--root", self.camera.root, "--server", f"https://localhost:{server.port}", "--trust",
                           self.servers / "anchors.pem", "--crl", self.servers / "lists.pem")
            return bool(server.asked), done.returncode, done.stderr.strip()
        self.judge("camvault enrol", self.servers, attempt, (65,))

    def test_authorities(self):
        """Time stamp authorities and OCSP responders: whatever is wrong with them, they are not there."""
        def attempt(case):
            answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nContent-Length: 2\r\nConnection: close\r\n\r\n\x30\x00"
            with Server(speak_http(answer), case) as server:
                done = run(TOOL, "ask", f"https://localhost:{server.port}/", self.servers / "both.pem")
            return bool(server.asked) and done.returncode == 0, done.returncode, done.stderr.strip()
        self.judge("OCSP and TSA client", self.servers, attempt, (69,))

    def peer(self, action, *more):
        return [CAMVAULT, "peer", action, *map(str, more), "--json", "--root", str(self.camera.root), "--trust", str(self.clients / "anchors.pem"),
                "--crl", str(self.clients / "lists.pem"), "--serial", SERIAL]

    def test_peer_check(self):
        def attempt(case):
            with Server(PeerAuth(case).respond) as server:
                done = run(*self.peer("check", f"127.0.0.1:{server.port}"))
            said = json.loads(done.stdout)
            if said["proven"]:
                self.assertEqual((said["serial"], server.asked), (SERIAL, 1))
            return said["proven"], done.returncode, said.get("reason", "")
        self.judge("camvault peer check", self.clients, attempt, (1,))

    def test_peer_listen(self):
        cases = corpus(self.clients)
        program = subprocess.Popen(self.peer("listen", "--count", len(cases)), stdout=subprocess.PIPE, text=True)
        self.addCleanup(program.wait)
        self.addCleanup(program.stdout.close)
        self.addCleanup(program.kill)
        port = json.loads(program.stdout.readline())["port"]

        def attempt(case):
            PeerAuth(case).initiate(port)
            said = json.loads(program.stdout.readline())
            return said["proven"], 1, said.get("reason", "")
        self.judge("camvault peer listen", self.clients, attempt, (1,))
        self.assertEqual(program.wait(timeout=10), 1)


class Servers(Refusals):
    """Clients meet our server."""

    def test_fleetd(self):
        self.rig.config["device_anchors"].append(str(self.clients / "anchors.pem"))
        self.rig.config["device_lists"] = [str(self.clients / "lists.pem")]
        self.rig.start()
        self.rig.api("devices", {"serials": [SERIAL]})
        f = self.rig.folder
        log = f / "fleetd.log"

        def request():
            must("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f / "new.key", "-subj", "/CN=new",
                 "-out", f / "new.csr")
            body = "".join((f / "new.csr").read_text().splitlines(True)[1:-1])
            return ("POST /.well-known/est/simpleenroll HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/pkcs10\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}").encode()

        def attempt(case):
            before = len(log.read_text())
            answer = ask(self.rig.config["port"], case, request()).decode(errors="replace")
            status = int(answer.split()[1]) if answer else 0
            if status != 200:
                wait_until(lambda: "refused" in log.read_text()[before:], 5)
            line = log.read_text()[before:].strip().splitlines()
            return status == 200, status, re.sub(r"^.*fleetd: ", "", line[-1]) if line else ""
        self.judge("fleetd", self.clients, attempt, (0, 403))
        self.assertEqual(len(self.rig.api("certificates?serial=" + SERIAL)["certificates"]), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
