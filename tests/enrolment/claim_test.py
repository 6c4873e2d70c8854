"""First come, by code: `camvault claim` as camera and owner, with real daemons.

AX-2.2-1, NA-1-1, SP-4.2.7
"""
import json
import os
import subprocess
import sys
import threading
import unittest

from rig import CAMVAULT, Rig, must, run
from zero_touch_rig import IDENTITY, Impostor


class Claim(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig().start()
        cls.place = cls.rig.camera("HOME-1", rule=f"provisioners = [{os.getuid()}]\n")
        cls.code = json.loads(must(CAMVAULT, "claim", "code", "--root", cls.place.root, "--json"))["code"]

    @classmethod
    def tearDownClass(cls):
        cls.rig.close()

    def setUp(self):
        self.waiting = None

    def tearDown(self):
        if self.waiting:
            self.waiting.kill()
            self.waiting.communicate()
            self.waiting = None

    def wait(self):
        """The camera waits; its port."""
        self.waiting = subprocess.Popen([CAMVAULT, "claim", "wait", "--root", str(self.place.root), "--port", "0", "--json"],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said = ""
        while not said.rstrip().endswith("}"):
            line = self.waiting.stdout.readline()
            self.assertNotEqual(line, "", self.waiting.stderr.read() if line == "" else "")
            said += line
        return int(json.loads(said)["port"])

    def take(self, port, code=None, serial="HOME-1", maker=None):
        done = run(CAMVAULT, "claim", "take", "--camera", f"https://localhost:{port}", "--serial", serial, "--maker",
                   maker or self.rig.factory_root, "--owner-ca", self.rig.fleet_ca, "--fleet", self.rig.url, "--json",
                   input=code or self.code)
        return done.returncode, json.loads(done.stdout) if done.returncode == 0 else done.stderr

    def wrong_so_far(self, count=None):
        file = self.place.root / IDENTITY / "claim.json"
        if count is not None:
            file.write_text(f"wrong {count}\n")
        return file.read_text()

    def test_1_wrong_codes_cost_time(self):
        code, why = self.take(self.wait(), "AAAA-BBBB-CCCC")
        self.assertEqual(code, 77, why)
        self.assertIn("9 tries left", why)
        self.assertEqual(self.wrong_so_far(), "wrong 1\n")
        # started again it does not forget, and waits anew: 64 s after seven, whatever the code
        self.tearDown()
        self.wrong_so_far(7)
        code, why = self.take(self.wait())
        self.assertEqual(code, 69, why)
        self.assertIn("waits", why)
        self.assertEqual(self.wrong_so_far(), "wrong 7\n")
        self.assertFalse((self.place.root / IDENTITY / "owner.json").exists())
        self.wrong_so_far(0)

    def test_2_another_camera_gets_no_proof(self):
        f = self.rig.folder
        must("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f / "bad.key",
             "-subj", "/CN=Camera/serialNumber=HOME-1", "-addext", "basicConstraints=critical,CA:FALSE", "-addext",
             "keyUsage=critical,digitalSignature", "-days", "30", "-out", f / "bad.pem")
        server = Impostor(f / "bad.pem", f / "bad.key", lambda head, body: b"")
        code, why = self.take(server.port)
        self.assertEqual(code, 65, why)
        self.assertIn("no camera of this maker", why)
        code, why = self.take(server.port, maker=f / "bad.pem", serial="HOME-2")
        self.assertEqual(code, 65, why)
        self.assertIn("another camera", why)
        self.assertEqual(server.asked, [])
        # one that is believed and does not know the code
        liar = Impostor(f / "bad.pem", f / "bad.key", lambda head, body: b"HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n"
                        + b'{"version":1,"proof":"' + b"A" * 43 + b'="}  ')
        code, why = self.take(liar.port, maker=f / "bad.pem")
        self.assertEqual(code, 65, why)
        self.assertIn("does not know the code", why)
        # what it was given is of no use on another connection
        port = self.wait()
        (f / "replayed").write_bytes(liar.asked[0][1])
        done = run("curl", "-sS", "--noproxy", "*", "-k", "-w", "%{http_code}", "--data-binary", f"@{f}/replayed",
                   f"https://localhost:{port}/.well-known/camvault/claim")
        self.assertIn("wrong-code", done.stdout)
        self.assertTrue(done.stdout.endswith("403"), done.stdout)
        for liar_or in (server, liar):
            liar_or.close()

    def test_3_the_first_who_has_the_code_is_the_owner(self):
        self.wrong_so_far(0)
        port = self.wait()
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.take(port))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(code for code, _ in answers)[0], 0, answers)
        self.assertNotEqual(sorted(code for code, _ in answers)[1], 0, answers)
        self.assertEqual(self.waiting.wait(timeout=30), 0, self.waiting.stderr)
        said = json.loads(self.waiting.stdout.read())
        self.assertIn("HOME-1", said["identity"])
        chain = self.place.root / IDENTITY / "ldevid-chain.pem"
        self.assertIn("OK", must("openssl", "verify", "-CAfile", self.rig.fleet_ca, chain))
        # and stays it
        done = run(CAMVAULT, "claim", "wait", "--root", self.place.root, "--port", "0")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("has an owner", done.stderr)
        done = run(CAMVAULT, "enrol", "--zero-touch", "--root", self.place.root, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["owner"]["voucher"], "none")

    def test_4_ten_wrong_codes_lock_until_a_reset(self):
        # The owner has the key that signs video certified, too: that certificate is his, as the other one is.
        must(CAMVAULT, "enrol", "media", "--root", self.place.root, "--renew")
        must(CAMVAULT, "claim", "reset", "--root", self.place.root)
        left = [key["name"] for key in json.loads(must(CAMVAULT, "keystore", "list", "--root", self.place.root, "--json"))]
        self.assertEqual([name for name in left if "media-signing-" in name], [])
        self.assertIn("camera/media-signing", left)
        files = sorted(file.name for file in (self.place.root / IDENTITY).iterdir())
        self.assertEqual([name for name in files if name.startswith("media-signing")], ["media-signing-chain.pem"])
        self.assertEqual(self.rig.keys(self.place), [])
        for name in ("owner.json", "ldevid.json", "claim.json"):
            self.assertFalse((self.place.root / IDENTITY / name).exists(), name)
        self.wrong_so_far(10)
        code, why = self.take(self.wait())
        self.assertEqual(code, 77, why)
        self.assertIn("factory reset", why)
        self.tearDown()
        must(CAMVAULT, "claim", "reset", "--root", self.place.root)
        self.assertEqual(self.take(self.wait())[0], 0)
        self.assertEqual(self.waiting.wait(timeout=30), 0)

    def test_5_the_code_is_nowhere(self):
        plain = self.code.replace("-", "").encode()
        for folder, _, names in os.walk(self.place.root):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        content = file.read()
                    self.assertNotIn(plain, content, path)
                    self.assertNotIn(self.code.encode(), content, path)


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
