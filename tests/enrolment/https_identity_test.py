"""A camera's HTTPS identity as openssl and curl see it, with the vendor's root and nothing else; and that certificate, API and label
say the same serial number. AX-2.1-1, NA-1-1, NC-1-1

The camera is nginx with packaging/nginx/camera.conf; its key is in keystored, through the OpenSSL provider.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import unittest

from rig import CAMVAULT, Rig, must, run, wait_until

SERIAL = "B8A44F000001"
NAME = "b8a44f000001.camera.example"
PACKAGING = pathlib.Path(__file__).parents[2] / "packaging"


class HttpsIdentity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if shutil.which("nginx") is None and not os.path.exists("/usr/sbin/nginx"):
            raise unittest.SkipTest("nginx is not installed (packaging/packages-test.txt)")
        cls.rig = Rig()
        cls.addClassCleanup(cls.rig.close)
        cls.camera = cls.rig.camera(SERIAL, allowed=False)
        cls.identity = cls.camera.root / "var/lib/camvault/identity"
        provider = cls.rig.folder / "provider.cnf"
        provider.write_text("openssl_conf = init\n[init]\nproviders = providers\n[providers]\ndefault = default_provider\nkeystore = camvault_provider\n"
                            "[default_provider]\nactivate = 1\n[camvault_provider]\nmodule = %s\nactivate = 1\n" % os.environ["CAMVAULT_OPENSSL_PROVIDER"])
        cls.env = dict(os.environ, OPENSSL_CONF=str(provider), CAMVAULT_KEYSTORE_ROOT=str(cls.camera.root), LC_ALL="C")
        cls.make_https()
        cls.port = cls.serve()

    @classmethod
    def make_https(cls):
        """A key in the camera, and a certificate for it by the factory's profile."""
        stub, csr = cls.identity / "https.stub.pem", cls.rig.folder / "https.csr"
        must(CAMVAULT, "keystore", "generate", "camera/https", "--type", "ec-p256", "--purpose", "tls", "--root", cls.camera.root)
        must(CAMVAULT, "keystore", "stub", "camera/https", "--root", cls.camera.root, "-o", stub)
        must("openssl", "req", "-new", "-key", stub, "-subj", "/serialNumber=" + SERIAL, "-out", csr, env=cls.env)
        must(CAMVAULT, "factory", "certify", "--root", cls.rig.factory.root, "--serial", SERIAL, "--profile", "tls", "--request", csr, "--out",
             cls.identity / "https-chain.pem")

    @classmethod
    def serve(cls):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        folder = cls.rig.folder / "nginx"
        folder.mkdir()
        server = (PACKAGING / "nginx/camera.conf").read_text().replace("/var/lib/camvault", str(cls.camera.root / "var/lib/camvault"))
        server = server.replace("listen 443 ssl", "listen 127.0.0.1:%d ssl" % port)
        paths = "".join("%s_temp_path %s/%s;\n" % (kind, folder, kind) for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;\n" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(user + "daemon off;\npid %s/pid;\nerror_log stderr;\nenv CAMVAULT_KEYSTORE_ROOT;\nevents {}\nhttp {\naccess_log off;\n%s%s}\n"
                                           % (folder, paths, server))
        with open(folder / "log", "ab") as log:
            process = subprocess.Popen(["nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")], stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log, env=cls.env)
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.send_signal, signal.SIGTERM)

        def listens():
            with socket.socket() as s:
                return process.poll() is not None or s.connect_ex(("127.0.0.1", port)) == 0
        assert wait_until(listens) and process.poll() is None, (folder / "log").read_text()
        return port

    def curl(self, ca, name=NAME):
        return run("curl", "-sS", "--noproxy", "*", "--cacert", ca, "--resolve", f"{name}:{self.port}:127.0.0.1", f"https://{name}:{self.port}/api/v1/identity")

    def openssl(self, ca, name=NAME):
        return run("openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-servername", name, "-CAfile", ca, "-no-CApath", "-no-CAstore", "-verify_return_error",
                   "-verify_hostname", name, "-showcerts", input="Q\n")

    def test_the_vendor_root_is_enough(self):
        done = self.openssl(self.rig.factory_root)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Verify return code: 0 (ok)", done.stdout)
        self.assertEqual(done.stdout.count("BEGIN CERTIFICATE"), 2)  # its own and the device CA's: the camera does not bring the root
        done = self.curl(self.rig.factory_root)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_another_root_and_another_name_are_not(self):
        other = self.rig.folder / "operators.pem"
        self.assertNotEqual(self.openssl(other).returncode, 0)
        self.assertEqual(self.curl(other).returncode, 60)
        self.assertEqual(self.curl(self.rig.factory_root, "b8a44f000002.camera.example").returncode, 60)
        self.assertNotEqual(self.openssl(self.rig.factory_root, "b8a44f000002.camera.example").returncode, 0)

    def test_one_serial_number_everywhere(self):
        served = re.search("-----BEGIN.*?-----END CERTIFICATE-----", self.openssl(self.rig.factory_root).stdout, re.S).group(0)
        subject = must("openssl", "x509", "-noout", "-subject", "-nameopt", "sep_multiline", input=served)
        api = json.loads(self.curl(self.rig.factory_root).stdout)
        label = must(CAMVAULT, "factory", "label", "--root", self.rig.factory.root, "--serial", SERIAL)
        idevid = must("openssl", "x509", "-noout", "-subject", "-nameopt", "sep_multiline", "-fingerprint", "-sha256", "-in", self.identity / "idevid-chain.pem")
        fingerprint = re.search("Fingerprint=(.*)", idevid).group(1).replace(":", "").lower()
        print(label + subject + str(api))
        self.assertEqual(re.search("serialNumber=(.*)", subject).group(1), SERIAL)
        self.assertEqual(re.search("serialNumber=(.*)", idevid).group(1), SERIAL)
        self.assertEqual(api, {"serial": SERIAL, "idevid_sha256": fingerprint})
        self.assertIn(f"S/N {SERIAL}\nSHA-256 {fingerprint}\n", label)
        said = json.loads(must(CAMVAULT, "factory", "label", "--root", self.rig.factory.root, "--serial", SERIAL, "--json"))
        self.assertEqual(said, api)
        # The certificate that is served, and the IDevID, are of the same maker and the same camera; nobody is called so who is not known.
        self.assertEqual(run(CAMVAULT, "factory", "label", "--root", self.rig.factory.root, "--serial", "NOBODY").returncode, 65)


if __name__ == "__main__":
    unittest.main(verbosity=2)
