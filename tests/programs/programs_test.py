"""Real programs use keys that they never see: keystored started by the test, keys EC and RSA, everything on 127.0.0.1.

usage: programs_test.py [SUITE...]   SP-4.2.11, AX-3.1-1..3, NC-3.x: docs/keystore-use.md has the same commands.
"""
import os
import pathlib
import ssl
import sys
import unittest

import rig
from rig import must, run

TYPES = {"ec": "ec-p256", "rsa": "rsa-2048"}


class Programs(unittest.TestCase):
    """One camera for all tests of a suite; each counts the signatures that keystored made for it."""

    @classmethod
    def setUpClass(cls):
        cls.camera = rig.Camera()
        cls.addClassCleanup(cls.camera.close)
        cls.certificates = {}
        for short, kind in TYPES.items():
            cls.camera.key("camera/" + short, kind)
            cls.certificates[short] = cls.camera.certificate("camera/" + short)

    def need(self, *programs):
        absent = rig.missing(*programs)
        if absent:
            self.skipTest("not installed: %s (packaging/packages-test.txt)" % ", ".join(absent))

    def used(self, kind):
        return self.camera.signatures("camera/" + kind)

    def url_server(self, client_ca=False):
        """A server outside the camera that wants a client certificate: openssl, with its key in a file."""
        camera = self.camera
        certificate, key = camera.local_pair("peer")
        port = rig.free_port()
        camera.start(["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-cert", certificate, "-key", key, "-CAfile", camera.ca,
                      "-Verify", "1", "-verify_return_error", "-www"], port=None, env=camera.env, name="peer-server").wait_for(port)
        return port


class OpenSSL(Programs):
    def test_server_and_client_in_tls_1_2_and_1_3_mutually(self):
        camera = self.camera
        for server, client in (("ec", "rsa"), ("rsa", "ec")):
            port = rig.free_port()
            engine = ["-engine", "pkcs11", "-keyform", "engine", "-key"]
            program = camera.start(["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, *engine, camera.uri("camera/" + server),
                                    "-cert", self.certificates[server], "-CAfile", camera.ca, "-Verify", "1", "-verify_return_error", "-www"],
                                   name="s_server-" + server)
            program.wait_for(port)
            for version in ("-tls1_2", "-tls1_3"):
                before = self.used(server), self.used(client)
                code, output = run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, version, *engine, camera.uri("camera/" + client),
                                    "-cert", self.certificates[client], "-CAfile", camera.ca, "-verify_return_error", "-verify_hostname", "localhost"],
                                   env=camera.engine, data=b"Q\n")
                self.assertEqual(code, 0, output)
                self.assertIn("Verify return code: 0 (ok)", output)
                self.assertIn("New, TLSv%s, Cipher is" % version[-3:].replace("_", "."), output)
                self.assertEqual((self.used(server), self.used(client)), (before[0] + 1, before[1] + 1), camera.log())

    def test_a_certificate_request_and_a_cms_signature(self):
        camera = self.camera
        text = camera.path("text")
        pathlib.Path(text).write_text("what happened\n" * 20000)  # longer than keystored takes: openssl hashes it
        for short in TYPES:
            out = camera.path(short + ".p7")
            must(["openssl", "cms", "-sign", "-binary", "-engine", "pkcs11", "-keyform", "engine", "-inkey", camera.uri("camera/" + short), "-signer",
                  self.certificates[short], "-in", text, "-outform", "DER", "-out", out], env=camera.engine)
            must(["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", out, "-content", text, "-CAfile", camera.ca, "-purpose", "any",
                  "-out", "/dev/null"])


class Provider(Programs):
    """camvault.so: URIs, and stubs in place of key files."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.camera.key("camera/ed", "ed25519")
        cls.env = cls.camera.with_provider()

    def test_tls_1_2_and_1_3_mutually_by_uri_and_by_stub(self):
        camera = self.camera
        for server, client, named in (("ec", "rsa", "camvault:camera/%s".__mod__), ("rsa", "ec", lambda key: camera.stub("camera/" + key))):
            port = rig.free_port()
            camera.start(["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-key", named(server), "-cert", self.certificates[server],
                          "-CAfile", camera.ca, "-Verify", "1", "-verify_return_error", "-www"], env=self.env, name="s_server-" + server).wait_for(port)
            for version, groups in (("1_2", "X25519:P-256"), ("1_2", "P-256"), ("1_3", "X25519"), ("1_3", "P-256")):  # EC keys of others are still made
                before = self.used(server), self.used(client)
                code, output = run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, "-tls" + version, "-groups", groups, "-key", named(client),
                                    "-cert", self.certificates[client], "-CAfile", camera.ca, "-verify_return_error", "-verify_hostname", "localhost"],
                                   env=self.env, data=b"Q\n")
                self.assertEqual(code, 0, output)
                self.assertIn("New, TLSv%s, Cipher is" % version.replace("_", "."), output)
                self.assertEqual((self.used(server), self.used(client)), (before[0] + 1, before[1] + 1), camera.log())

    def test_requests_and_documents_of_every_kind_verify_elsewhere(self):
        camera = self.camera
        pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
        for key, options in (("ec", []), ("rsa", []), ("rsa", pss), ("ed", []), ("ec", ["-sha384"]), ("rsa", ["-sha512"])):
            out = camera.path("self.pem")
            must(["openssl", "req", "-new", "-x509", "-key", "camvault:camera/" + key, "-subj", "/CN=x", "-out", out, *options], env=self.env)
            must(["openssl", "verify", "-CAfile", out, out])
        text = camera.path("text")
        pathlib.Path(text).write_text("what happened\n" * 20000)
        for short in TYPES:
            out = camera.path(short + ".p7")
            must(["openssl", "cms", "-sign", "-binary", "-inkey", camera.stub("camera/" + short), "-signer", self.certificates[short], "-in", text,
                  "-outform", "DER", "-out", out], env=self.env)
            must(["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", out, "-content", text, "-CAfile", camera.ca, "-purpose", "any",
                  "-out", "/dev/null"])

    def test_curl_with_a_stub(self):
        self.need("curl")
        port = self.url_server()
        for short in TYPES:
            before = self.used(short)
            must(["curl", "-sS", "--cacert", self.camera.ca, "--cert", self.certificates[short], "--key", self.camera.stub("camera/" + short),
                  "https://localhost:%d/" % port], env=self.env)
            self.assertGreater(self.used(short), before)

    def test_what_it_refuses(self):
        camera = self.camera
        camera.key("camera/media", "ec-p256", "media-signing")
        for key, reason in (("camera/media", "media-signing"), ("camera/absent", "no such key"), ("nonsense", ""), ("other/key", "policy")):
            code, output = run(["openssl", "pkey", "-in", "camvault:" + key, "-pubout"], env=self.env)
            self.assertNotEqual(code, 0)
            self.assertIn(reason, output)
        code, output = run([rig.CAMVAULT, "keystore", "stub", "camera/media", "--root", camera.folder])
        self.assertEqual(code, 77, output)
        # No private half comes out, in any form.
        for options in ([], ["-traditional"], ["-outform", "DER"], ["-text"]):
            code, output = run(["openssl", "pkey", "-in", "camvault:camera/ec", *options], env=self.env)
            self.assertNotIn("PRIVATE KEY", output)
            self.assertNotIn("priv:\n  ", output)
        # SHA-1, a salt of another length: not signed by the keystore.
        text = camera.path("short")
        pathlib.Path(text).write_text("x")
        for options in (["-sha1"], ["-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:20"]):
            code, output = run(["openssl", "dgst", *options, "-sign", "camvault:camera/rsa", "-out", "/dev/null", text], env=self.env)
            self.assertNotEqual(code, 0, output)


class P11tool(Programs):
    def test_lists_and_signs(self):
        self.need("p11tool", "certtool")
        camera = self.camera
        listed = must(["p11tool", "--provider", rig.MODULE, "--list-all", camera.uri("camera/ec")], env=camera.env)
        self.assertIn("type=private", listed)
        self.assertIn("type=cert", listed)
        self.assertIn("CKA_NEVER_EXTRACTABLE", listed)
        for short in TYPES:
            done = must(["p11tool", "--provider", rig.MODULE, "--test-sign", camera.uri("camera/" + short)], env=camera.env)
            self.assertIn("ok", done)


class Curl(Programs):
    def test_proves_itself_to_a_server(self):
        self.need("curl")
        camera = self.camera
        port = self.url_server()
        for short in TYPES:
            for version in ("1.2", "1.3"):
                before = self.used(short)
                code, output = run(["curl", "-sS", "--cacert", camera.ca, "--cert", self.certificates[short], "--key", camera.uri("camera/" + short),
                                    "--tlsv" + version, "--tls-max", version, "https://localhost:%d/" % port], env=camera.engine)
                self.assertEqual(code, 0, output)
                self.assertIn("Client certificate", output)
                self.assertGreater(self.used(short), before)
        code, _ = run(["curl", "-sS", "--cacert", camera.ca, "https://localhost:%d/" % port], env=camera.engine)
        self.assertNotEqual(code, 0, "a client without a certificate must be refused")


class Nginx(Programs):
    def serve(self, short, key, env):
        """nginx with two workers; every handshake is a signature, and it is a worker who asks for it, as the user he became."""
        camera = self.camera
        folder = pathlib.Path(camera.path("nginx-%s-%d" % (short, len(camera.programs))))
        port = rig.nginx(camera, folder, self.certificates[short], key)
        program = camera.start(["/usr/sbin/nginx", "-p", folder, "-c", folder / "nginx.conf"], env=env, name=folder.name)
        program.wait_for(port)
        workers = program.children()
        self.assertEqual(len(workers), 2)
        before = self.used(short)
        answered = set()
        for n in range(40):
            version = ssl.TLSVersion.TLSv1_2 if n % 2 else ssl.TLSVersion.TLSv1_3
            answer, _, _ = rig.tls_client(camera, port, version=version)
            self.assertIn("200 OK", answer)
            answered.add(int(answer.rsplit("worker ", 1)[1]))
        self.assertLessEqual(answered, set(workers))
        self.assertGreaterEqual(self.used(short), before + 40)
        asked = [line for line in camera.log().splitlines() if "sign_" in line and any(" pid %d " % w in line for w in workers)]
        self.assertGreaterEqual(len(asked), 40)
        self.assertTrue(all(" uid %d " % camera.uids[-1] in line for line in asked), asked[:3])
        program.stop()

    def test_master_and_workers_with_the_module(self):
        self.need("nginx")
        for short in TYPES:
            self.serve(short, "engine:pkcs11:" + self.camera.uri("camera/" + short), self.camera.configured_engine())

    def test_master_and_workers_with_the_provider_and_a_stub(self):
        self.need("nginx")
        for short in TYPES:
            self.serve(short, self.camera.stub("camera/" + short), self.camera.with_provider())


class Stunnel(Programs):
    def test_carries_a_plain_service(self):
        self.need("stunnel4")
        camera = self.camera
        for short in TYPES:
            port = rig.free_port()
            behind = rig.free_port()
            certificate, key = camera.local_pair("behind-" + short)
            camera.start([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", behind], cwd=camera.folder, env=camera.env,
                         name="http-" + short).wait_for(behind)
            conf = camera.path("stunnel-%s.conf" % short)
            pathlib.Path(conf).write_text(
                "foreground = yes\npid =\nsyslog = no\nengine = pkcs11\nengineCtrl = MODULE_PATH:%s\nengineCtrl = INIT\n"
                "[camera]\naccept = 127.0.0.1:%d\nconnect = 127.0.0.1:%d\nengineId = pkcs11\nkey = %s\ncert = %s\n"
                "verifyChain = yes\nCAfile = %s\n" % (rig.MODULE, port, behind, camera.uri("camera/" + short), self.certificates[short], camera.ca))
            camera.start(["stunnel4", conf], name="stunnel-" + short).wait_for(port)
            before = self.used(short)
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                answer, _, _ = rig.tls_client(camera, port, certificate=(certificate, key), version=version)
                self.assertIn("200 OK", answer)
            self.assertGreaterEqual(self.used(short), before + 2)


class GnuTLS(Programs):
    def test_client_and_server(self):
        self.need("gnutls-cli", "gnutls-serv")
        camera = self.camera
        port = self.url_server()
        for short in TYPES:
            before = self.used(short)
            for version in ("TLS1.2", "TLS1.3"):
                code, output = run(["gnutls-cli", "--provider", rig.MODULE, "--x509cafile", camera.ca, "--x509certfile", self.certificates[short],
                                    "--x509keyfile", camera.uri("camera/" + short, "private"), "--priority", "NORMAL:-VERS-ALL:+VERS-" + version,
                                    "-p", port, "localhost"], env=camera.env, data=b"GET / HTTP/1.0\r\n\r\n")
                self.assertEqual(code, 0, output)
                self.assertIn("Handshake was completed", output)
            self.assertEqual(self.used(short), before + 2)

            served = rig.free_port()
            camera.start(["gnutls-serv", "--provider", rig.MODULE, "--x509certfile", self.certificates[short], "--x509keyfile",
                          camera.uri("camera/" + short, "private"), "--http", "-p", served], env=camera.env, name="gnutls-serv-" + short).wait_for(served)
            answer, _, _ = rig.tls_client(camera, served)
            self.assertIn("HTTP/1.0 200", answer)
            self.assertGreater(self.used(short), before + 2)


class Eapol(Programs):
    """EAP-TLS (RFC 5216, 9190) as 802.1X has it: eapol_test is wpa_supplicant's half, hostapd the authentication server's."""

    def test_the_camera_joins_the_network(self):
        self.need("eapol_test", "hostapd")
        camera = self.camera
        certificate, key = camera.local_pair("radius")
        pathlib.Path(camera.path("eap_users")).write_text("* TLS\n")
        pathlib.Path(camera.path("clients")).write_text("127.0.0.1/32 test-secret\n")
        port = rig.free_port()
        pathlib.Path(camera.path("hostapd.conf")).write_text(
            "driver=none\ninterface=none0\nlogger_stdout=-1\nlogger_stdout_level=1\neap_server=1\neap_user_file=%s\nca_cert=%s\nserver_cert=%s\nprivate_key=%s\n"
            "radius_server_clients=%s\nradius_server_auth_port=%d\n"
            % (camera.path("eap_users"), camera.ca, certificate, key, camera.path("clients"), port))
        server = camera.start(["/usr/sbin/hostapd", camera.path("hostapd.conf")], env=camera.env, name="hostapd")
        for short in TYPES:
            conf = camera.path("wpa-%s.conf" % short)
            pathlib.Path(conf).write_text(
                'network={\n  key_mgmt=WPA-EAP\n  eap=TLS\n  identity="camera"\n  ca_cert="%s"\n  client_cert="%s"\n  private_key="%s"\n}\n'
                % (camera.ca, self.certificates[short], camera.uri("camera/" + short)))
            before = self.used(short)
            code, output = run(["eapol_test", "-c", conf, "-a", "127.0.0.1", "-p", port, "-s", "test-secret", "-t", "20"], env=camera.engine)
            self.assertEqual(code, 0, output[-3000:] + server.text()[-1500:])
            self.assertIn("SUCCESS", output)
            self.assertEqual(self.used(short), before + 1)


class Rtsps(Programs):
    """GStreamer's RTSP server; GLib's TLS (glib-networking on GnuTLS) finds the token through p11-kit, as on an installed system."""

    def test_serves_over_tls(self):
        camera = self.camera
        modules = pathlib.Path(camera.path(".config/pkcs11/modules"))
        modules.mkdir(parents=True)  # p11-kit reads a user's own modules, unless he is root
        (modules / "camvault.module").write_text("module: %s\n" % rig.MODULE)
        user = rig.WORKER if os.geteuid() == 0 else None
        for short in TYPES:
            port = rig.free_port()
            camera.start([os.environ["RTSPS_SERVER"], port, camera.uri("camera/" + short, "cert"), camera.uri("camera/" + short, "private")],
                         env=dict(camera.env, GST_REGISTRY=camera.path("none/registry")), name="rtsps-" + short, user=user).wait_for(port)
            before = self.used(short)
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                request = "DESCRIBE rtsps://localhost:%d/live RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n" % port
                answer, negotiated, _ = rig.tls_client(camera, port, version=version, request=request, until="a=rtpmap")
                self.assertIn("RTSP/1.0 200 OK", answer)
                self.assertIn("m=video", answer)
                self.assertEqual(negotiated, "TLSv1.2" if version == ssl.TLSVersion.TLSv1_2 else "TLSv1.3")
            self.assertEqual(self.used(short), before + 2)


class Rauc(Programs):
    def test_signs_an_update_bundle(self):
        self.need("rauc", "mksquashfs")
        camera = self.camera
        for short, kind in TYPES.items():
            name = "camera/firmware-" + short
            camera.key(name, kind, purpose="firmware-signing")
            certificate = camera.certificate(name, usage="", subject="Update signer")
            content = pathlib.Path(camera.path("content-" + short))
            content.mkdir()
            (content / "rootfs.img").write_bytes(os.urandom(100000))
            (content / "manifest.raucm").write_text("[update]\ncompatible=test camera\nversion=1\n[bundle]\nformat=verity\n[image.rootfs]\nfilename=rootfs.img\n")
            bundle = camera.path(short + ".raucb")
            env = dict(camera.env, RAUC_PKCS11_MODULE=rig.MODULE)
            must(["rauc", "bundle", "--cert", certificate, "--key", camera.uri(name), "--keyring", camera.ca, content, bundle], env=env)
            self.assertGreaterEqual(camera.signatures(name), 1)
            self.assertIn("test camera", must(["rauc", "info", "--keyring", camera.ca, bundle], env=camera.env))
            changed = bytearray(pathlib.Path(bundle).read_bytes())
            changed[-500] ^= 1  # in the signature, which stands at the end
            pathlib.Path(bundle).write_bytes(changed)
            code, _ = run(["rauc", "info", "--keyring", camera.ca, bundle], env=camera.env)
            self.assertNotEqual(code, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
