"""A camera renews the key that signs its video while it films, with real daemons.

AX-2.1-2, SP-4.2.7, IP-4.2-2; issue 5, point 2.
"""
import base64
import json
import os
import signal
import subprocess
import sys
import time
import unittest

from rig import CAMVAULT, Rig, must, run, wait_until

POINTS = int(os.environ.get("MEDIA_KILL_POINTS", "6"))
FILM = ["--width", "320", "--height", "240", "--bitrate", "300", "--key-interval", "0.4"]


def media(place, *more):
    done = run(CAMVAULT, "enrol", "media", "--root", place.root, "--json", *more)
    return done.returncode, json.loads(done.stdout) if done.returncode == 0 else done.stderr


def media_keys(place):
    listed = json.loads(must(CAMVAULT, "keystore", "list", "--root", place.root, "--json"))
    return sorted(key["name"] for key in listed if "media-signing" in key["name"])


class Media(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig().start()
        cls.place = cls.rig.camera("CAM-000001")
        code, enrolled = cls.rig.enrol(cls.place)
        assert code == 0, enrolled
        cls.identity = cls.place.root / "var/lib/camvault/identity"

    @classmethod
    def tearDownClass(cls):
        cls.rig.close()

    def verify(self, clip, *anchors):
        trust = [word for anchor in anchors for word in ("--trust", str(anchor))]
        done = run(CAMVAULT, "verify", clip, *trust, "--json")
        return json.loads(done.stdout)

    def film(self, clip):
        process = subprocess.Popen([CAMVAULT, "camera", "run", "--root", str(self.place.root), "--source", "test", "--record", str(clip), *FILM],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.kill)
        self.assertTrue(wait_until(lambda: clip.exists() and clip.stat().st_size > 20_000), "no picture comes")
        return process

    def test_1_nothing_happens_before_it_is_time(self):
        code, said = media(self.place)
        self.assertEqual(code, 0, said)
        self.assertEqual((said["new"], said["key"]), (False, "camera/media-signing"))
        self.assertFalse((self.identity / "media-signing-current.pem").exists())

    def test_2_the_key_changes_twice_while_the_camera_films(self):
        clip = self.rig.folder / "rotation.mp4"
        camera = self.film(clip)
        code, first = media(self.place, "--renew")
        self.assertEqual(code, 0, first)
        self.assertEqual((first["new"], first["key"], first["old_key"]), (True, "camera/media-signing-1", ""))
        time.sleep(3)
        code, second = media(self.place, "--renew")
        self.assertEqual(code, 0, second)
        self.assertEqual((second["key"], second["old_key"]), ("camera/media-signing-2", "camera/media-signing-1"))
        self.assertIn("still signs with it", second["note"])
        # The old key goes when the camera lets go of it, not before; the factory's stays.
        self.assertTrue(wait_until(lambda: media(self.place)[1]["old_key"] == ""))
        self.assertEqual(media_keys(self.place), ["camera/media-signing", "camera/media-signing-2"])
        time.sleep(1)
        camera.send_signal(signal.SIGTERM)
        said, _ = camera.communicate(timeout=60)
        self.assertEqual(camera.returncode, 0, said)
        self.assertIn("renewed while it ran (2)", said)

        report = self.verify(clip, self.rig.factory_root, self.rig.fleet_ca)
        self.assertEqual((report["verdict"], report["provenance"]), ("authentic", "trusted"), report["provenance_reason"])
        self.assertEqual(report["frames"]["counts"]["not_covered"] if "counts" in report["frames"] else 0, 0)
        signers = report["signers"]
        self.assertEqual([s["vouched_by"] for s in signers], ["first", "former_key", "former_key"])
        self.assertEqual([s["number"].lower() for s in signers[1:]], [first["number"].lower(), second["number"].lower()])
        self.assertEqual(signers[0]["last_time"], signers[1]["first_time"])
        self.assertLess(signers[0]["first_gop"], signers[1]["first_gop"])
        notes = [n for n in report["notes"] if n["kind"] == "key_changed"]
        self.assertEqual(len(notes), 2)
        self.assertIn("the former key vouches", notes[0]["text"])
        self.assertIn(signers[1]["number"], notes[0]["text"])
        self.assertNotIn("attestation_invalid", [n["kind"] for n in report["notes"]])
        self.assertEqual(len(report["attestations"]), 3)  # one for each key
        self.assertEqual(report["signing"]["seis_unsigned"], 0)  # no group of pictures went without
        # Each authority is needed: what the owner's says about the second half is nobody's word for the first.
        for anchor in (self.rig.factory_root, self.rig.fleet_ca):
            self.assertEqual(self.verify(clip, anchor)["provenance"], "untrusted", anchor)
        self.assertEqual(run(CAMVAULT, "verify", clip, "--trust", self.rig.factory_root, "--trust", self.rig.fleet_ca).returncode, 0)
        # Somebody else's pictures behind the change are no continuation.
        other = self.rig.folder / "forged.mp4"
        data = bytearray(clip.read_bytes())
        data[int(len(data) * 0.8)] ^= 1
        other.write_bytes(data)
        self.assertNotEqual(self.verify(other, self.rig.factory_root, self.rig.fleet_ca)["verdict"], "authentic")

    def test_3_what_signs_is_no_key_to_doors(self):
        """Requests by hand, under the label, with a key in a file."""
        f = self.rig.folder
        device = self.rig.device_in_files("HAND-1")

        def ask(name, path, serial="HAND-1", for_key=None, **who):
            key = for_key or f / (name + ".key")
            if for_key is None:
                must("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
            must("openssl", "req", "-new", "-key", key, "-subj", f"/serialNumber={serial}", "-outform", "DER", "-out", f / "ask.der")
            (f / "ask.b64").write_bytes(base64.encodebytes((f / "ask.der").read_bytes()))
            status, body = self.rig.curl("/.well-known/est/" + path, "-H", "Content-Type: application/pkcs10", "--data-binary", f"@{f}/ask.b64", **who)
            if status == 200:
                (f / "ask.p7").write_bytes(base64.b64decode(body))
                (f / (name + ".pem")).write_text(must("openssl", "pkcs7", "-inform", "DER", "-in", f / "ask.p7", "-print_certs"))
            return status

        self.assertEqual(ask("early", "media-signing/simpleenroll", **device), 403)  # on no list
        self.rig.api("devices", {"serials": ["HAND-1"]})
        self.assertEqual(ask("video", "media-signing/simpleenroll", **device), 200)
        text = must("openssl", "x509", "-in", f / "video.pem", "-noout", "-text")
        self.assertIn("1.3.6.1.5.5.7.3.36", text.replace("Document Signing", "1.3.6.1.5.5.7.3.36"))
        self.assertNotIn("TLS Web Client", text)
        self.assertIn("1.2.840.113556.1.8000.2554.24022.17652.62551.19759.34432.16685886.11116968", text)
        self.assertIn("OK", must("openssl", "verify", "-CAfile", self.rig.fleet_ca, f / "video.pem"))
        self.assertNotEqual(run("openssl", "verify", "-purpose", "sslclient", "-CAfile", self.rig.fleet_ca, f / "video.pem").returncode, 0)
        # It asks for nothing at the registrar: it is no identity.
        status, said = self.rig.curl("/.well-known/est/cacerts", cert=f / "video.pem", key=f / "video.key")
        self.assertEqual(status, 0, said)
        # One key, one use.
        self.assertEqual(ask("video", "simpleenroll", for_key=f / "video.key", **device), 403)
        self.assertEqual(ask("member", "simpleenroll", **device), 200)
        self.assertEqual(ask("member", "media-signing/simpleenroll", for_key=f / "member.key", **device), 403)
        self.assertEqual(ask("other", "media-signing/simpleenroll", serial="HAND-2", **device), 403)
        self.assertEqual(ask("video", "media-signing/simpleenroll", for_key=f / "video.key", **device), 200)  # its own, once more

    def test_4_killed_at_any_moment(self):
        source, out = self.rig.folder / "raw.h264", self.rig.folder / "signed.h264"
        must("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=size=128x96:rate=10:duration=1", "-c:v", "libx264", "-g", "5", source)
        place = self.rig.camera("CUT-000001")
        self.assertEqual(self.rig.enrol(place)[0], 0)
        command = [CAMVAULT, "enrol", "media", "--root", str(place.root), "--renew"]
        begin = time.monotonic()
        must(*command)
        whole = time.monotonic() - begin
        interrupted = 0
        for point in range(POINTS):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(whole * 1.1 * point / POINTS)
            interrupted += process.poll() is None
            process.kill()
            process.wait()
            # Old or new: there is a key that signs, and what it signs is good.
            must(CAMVAULT, "sign", source, out, "--root", place.root)
            report = self.verify(out, self.rig.factory_root, self.rig.fleet_ca)
            self.assertEqual((report["verdict"], report["provenance"]), ("authentic", "trusted"), point)
            code, said = media(place)
            self.assertEqual(code, 0, said)
            self.assertEqual(said["old_key"], "")
            # A camera that was cut off before it did anything still signs with the key of its factory.
            self.assertEqual(media_keys(place), sorted({"camera/media-signing", said["key"]}), point)
            uses = sorted(p.name for p in (place.root / "var/lib/camvault/identity").glob("*.use"))
            if said["key"] != "camera/media-signing":
                self.assertEqual(uses, [said["key"].split("/")[1] + ".use"])
            if len(self.rig.api("certificates?serial=" + said["serial"])["certificates"]) >= 7:  # eight are the limit
                place = self.rig.camera(f"CUT-{point + 100:06}")
                self.assertEqual(self.rig.enrol(place)[0], 0)
                command[4] = str(place.root)
        print(f"{POINTS} points of a renewal that takes {whole * 1000:.0f} ms, {interrupted} of them before its end: never without a key")


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
