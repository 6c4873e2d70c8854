"""EAP-TLS of both versions with each of the camera's keys, by eapol_test: and each refusal a second time, at once.

eapol_test is wpa_supplicant's half without a network. AX-2.1-2, NA-2.5-2
"""
import unittest

import admission
import lab
import pki
from admission import Admission
from lab import find, run

VERSIONS = {"TLSv1.2": "tls_disable_tlsv1_3=1", "TLSv1.3": "tls_disable_tlsv1_3=0"}


class Matrix(Admission):
    @classmethod
    def set_up_site(cls):
        if find("eapol_test") is None:
            raise unittest.SkipTest("not installed: eapol_test (packaging/packages-test.txt)")
        cls.keystore = lab.Keystore(cls.site.folder / "camera", "camera")
        cls.site.parts.append(cls.keystore)
        cls.number = 0
        cls.good = {kind: cls.made("CAM-1", kind) for kind in ("ec-p256", "rsa-2048", "rsa-4096")}
        cls.expired = cls.made("CAM-1", "ec-p256", end=pki.NOW - pki.DAY / 24)
        cls.early = cls.made("CAM-1", "ec-p256", begin=pki.NOW + pki.DAY)
        cls.revoked = cls.made("CAM-1", "ec-p256")
        cls.device_ca.revoked.append(cls.revoked[2])
        cls.radius = cls.server("radius", ["CAM-1"])

    @classmethod
    def made(cls, serial, kind, **times):
        cls.number += 1
        key = "camera/key-%d" % cls.number
        folder = cls.site.folder / ("key-%d" % cls.number)
        folder.mkdir()
        cls.keystore.generate(key, kind)
        cls.keystore.request(key, "/CN=x", folder / "request.pem")
        certificate = cls.device_ca.issue(pki.name("Camera " + serial, serial=serial), pki.requested_key(folder / "request.pem"), **times)
        (folder / "chain.pem").write_bytes(pki.pem(certificate, cls.device_ca.certificate))
        return key, folder, certificate

    def join(self, identity, version, folder=None):
        key, folder, _ = identity
        (folder / "ca.pem").write_bytes(pki.pem(self.network_ca.certificate))
        conf = folder / "eapol.conf"
        conf.write_text('network={\n  key_mgmt=WPA-EAP\n  eap=TLS\n  identity="camera"\n  ca_cert="%s"\n  domain_match="%s"\n  client_cert="%s"\n'
                        '  private_key="pkcs11:token=Camvault;object=%s"\n  phase1="%s"\n}\n'
                        % (folder / "ca.pem", admission.RADIUS_NAME, folder / "chain.pem", key.replace("/", "%2F"), VERSIONS[version]))
        with self.site.space.entered():
            return run([find("eapol_test"), "-c", conf, "-a", "127.0.0.1", "-s", self.site.secret, "-t", "10"], env=self.keystore.env)

    def test_every_key_and_version(self):
        for kind, identity in self.good.items():
            for version in VERSIONS:
                with self.subTest(kind=kind, version=version):
                    code, output = self.join(identity, version)
                    self.assertEqual(code, 0, output[-2000:])
                    self.assertIn("Using TLS version " + version, output)
                    self.assertIn("SUCCESS", output)

    def test_refusals(self):
        for name, identity, reason in (("expired", self.expired, "certificate has expired"), ("not yet valid", self.early, "certificate is not yet valid"),
                                       ("revoked", self.revoked, "certificate revoked")):
            for version in VERSIONS:
                with self.subTest(name, version=version):
                    before = len(self.radius.text())
                    code, output = self.join(identity, version)
                    self.assertNotEqual(code, 0, output[-2000:])
                    self.assertIn("FAILURE", output)
                    self.assertIn(reason, self.radius.text()[before:])


if __name__ == "__main__":
    unittest.main(verbosity=2)
