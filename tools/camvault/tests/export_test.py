#!/usr/bin/env python3
"""camvault export, verify of bundles, signed reports: as a user meets them, with independent programs as second opinion.

AX-4.1-2, SP-A.3. Needs CAMVAULT; clips are encoded by ffmpeg, certificates made by openssl, JSON is validated by python3-jsonschema,
the export box is read by tests/interop/export_box.py.
"""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "tests" / "interop"))
import export_box  # noqa: E402

CAMVAULT = os.environ["CAMVAULT"]
SCHEMA = HERE.parents[2] / "docs" / "report.schema.json"
START = "2026-11-21T10:00:00Z"


def run(*command, code=0, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=180, **options)
    if code is not None and done.returncode != code:
        raise AssertionError(f"{' '.join(map(str, command))}\nexit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="camvault-export-")
        cls.path = pathlib.Path(cls.scratch.name)
        for name in ("ca", "cam", "examiner"):
            run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.key", cwd=cls.path)
        for name, subject in (("ca", "/CN=Test root"), ("examiner", "/CN=Test examiner")):
            run("openssl", "req", "-x509", "-new", "-key", f"{name}.key", "-subj", subject, "-days", "3650", "-out", f"{name}.pem", cwd=cls.path)
        (cls.path / "ext").write_text("basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n")
        run("openssl", "req", "-new", "-key", "cam.key", "-subj", "/CN=Test camera/serialNumber=X-1", "-out", "cam.csr", cwd=cls.path)
        run("openssl", "x509", "-req", "-in", "cam.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "3000",
            "-extfile", "ext", "-out", "cam.pem", cwd=cls.path)
        cls.trust = ["--trust", cls.path / "ca.pem"]
        cls.examiner = ["--report-key-file", cls.path / "examiner.key", "--report-chain", cls.path / "examiner.pem"]

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def clip(self, name="clip.mp4", seconds=8, sound=False, codec="libx264", start=START, options=()):
        """Groups of one second, 25 pictures each, signed from START on. The certificate is valid from now on: judged at --at elsewhere."""
        signed = self.path / name
        if signed.exists():
            return signed
        raw = self.path / ("raw-" + name)
        audio = ["-f", "lavfi", "-i", "sine=440", "-c:a", "aac", "-shortest"] if sound else []
        groups = "keyint=25:min-keyint=25:scenecut=0:open-gop=0"
        encoder = {"libx264": ["-preset", "ultrafast", "-x264-params", groups],
                   "libx265": ["-preset", "ultrafast", "-x265-params", groups + ":log-level=none"],
                   "libaom-av1": ["-cpu-used", "8", "-lag-in-frames", "0", "-g", "25", "-pix_fmt", "yuv420p"]}[codec]
        run("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc2=size=192x108:rate=25:duration={seconds}", *audio, "-c:v", codec,
            *encoder, "-t", seconds, raw)
        run(CAMVAULT, "sign", raw, signed, "--key-file", self.path / "cam.key", "--chain", self.path / "cam.pem", "--start-time", start, *options)
        return signed

    def report(self, clip, *options, code=0):
        done = run(CAMVAULT, "verify", clip, "--json", *options, code=code)
        return json.loads(done.stdout)


class Schema(Case):
    def validate(self, report):
        import jsonschema
        schema = json.loads(SCHEMA.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.Draft202012Validator(schema).validate(report)

    def test_reports_of_every_verdict_fit_the_schema(self):
        clip = self.clip()
        self.validate(self.report(clip))
        self.validate(self.report(clip, "--file-hash", "--trust", self.path / "examiner.pem", code=1))
        self.validate(self.report(self.path / "raw-clip.mp4", code=1))
        data = bytearray(clip.read_bytes())
        data[len(data) // 2] ^= 1
        forged = self.path / "forged.mp4"
        forged.write_bytes(data)
        report = self.report(forged, code=1)
        self.assertEqual(report["verdict"], "not_authentic")
        self.validate(report)

    def test_the_schema_refuses_what_is_no_report(self):
        import jsonschema
        report = self.report(self.clip())
        for change in ({"verdict": "fine"}, {"version": 2}, {"gops": None}, {"file": {}}):
            with self.assertRaises(jsonschema.ValidationError, msg=change):
                self.validate({**report, **change})


class Signed(Case):
    def test_a_signed_report_is_verified_by_us_and_by_openssl(self):
        clip = self.clip()
        out = self.path / "r.json"
        run(CAMVAULT, "verify", clip, "--report-json", out, "--report", self.path / "r.html", *self.examiner)
        report = json.loads(out.read_text())
        self.assertEqual(report["file"]["sha256"], hashlib.sha256(clip.read_bytes()).hexdigest())
        for name in ("r.json", "r.html"):
            run("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", self.path / (name + ".p7s"), "-content", self.path / name,
                "-CAfile", self.path / "examiner.pem", "-purpose", "any", "-out", "/dev/null")
        done = run(CAMVAULT, "report", "verify", out, "--trust", self.path / "examiner.pem", "--clip", clip)
        self.assertIn("Test examiner", done.stdout)
        run(CAMVAULT, "report", "verify", out, "--trust", self.path / "ca.pem", code=1)
        run(CAMVAULT, "report", "verify", out, "--clip", self.path / "raw-clip.mp4", code=1)
        out.write_text(out.read_text().replace('"authentic"', '"not_signed"', 1))
        run(CAMVAULT, "report", "verify", out, code=1)
        (self.path / "r.json.p7s").unlink()
        run(CAMVAULT, "report", "verify", out, code=65)

    def test_signing_needs_a_file_and_a_chain(self):
        clip = self.clip()
        run(CAMVAULT, "verify", clip, *self.examiner, code=64)
        run(CAMVAULT, "verify", clip, "--report-json", self.path / "x.json", "--report-key-file", self.path / "examiner.key", code=64)


class Export(Case):
    def check_bundle(self, bundle, first, pictures):
        run("sha256sum", "-c", "SHA256SUMS", cwd=bundle)
        report = json.loads((bundle / "report.json").read_text())
        self.assertEqual(report["verdict"], "authentic", report["verdict_reason"])
        self.assertEqual(report["frames"]["count"], pictures)
        self.assertEqual(report["frames"]["authentic"], pictures)
        self.assertEqual(report["first_time"], first)
        self.assertEqual(report["file"]["sha256"], hashlib.sha256((bundle / "clip.mp4").read_bytes()).hexdigest())
        method = (bundle / "METHOD.txt").read_text()
        self.assertEqual(len(method.splitlines()), 10)
        self.assertIn(report["file"]["sha256"], method)
        self.assertIn("BEGIN CERTIFICATE", (bundle / "certificates/camera.pem").read_text())
        shown = run("ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames,start_time,codec_type,duration", "-of", "json",
                    bundle / "clip.mp4").stdout
        streams = json.loads(shown)["streams"]
        video = [s for s in streams if s["codec_type"] == "video"][0]
        self.assertEqual(int(video["nb_read_frames"]), pictures)
        self.assertLess(float(video["start_time"]), 0.2)
        return report, streams

    def test_a_piece_by_signed_times(self):
        clip = self.clip()
        bundle = self.path / "by-time"
        run(CAMVAULT, "export", clip, bundle, "--from", "2026-11-21T10:00:02.5Z", "--to", "2026-11-21T10:00:04.2Z")
        self.check_bundle(bundle, "2026-11-21T10:00:02Z", 75)
        shown = run(CAMVAULT, "verify", bundle).stdout
        self.assertIn("all as they were packed", shown)

    def test_a_piece_by_seconds_with_sound(self):
        clip = self.clip("sound.mp4", sound=True)
        bundle = self.path / "by-seconds"
        run(CAMVAULT, "export", clip, bundle, "--from", "5", "--to", "6.5")
        _, streams = self.check_bundle(bundle, "2026-11-21T10:00:05Z", 50)
        audio = [s for s in streams if s["codec_type"] == "audio"][0]
        self.assertLess(abs(float(audio["duration"]) - 2), 0.7, streams)

    def test_the_whole_and_the_end(self):
        clip = self.clip()
        run(CAMVAULT, "export", clip, self.path / "whole")
        self.check_bundle(self.path / "whole", START, 200)
        run(CAMVAULT, "export", clip, self.path / "end", "--from", "2026-11-21T10:00:07Z")
        self.check_bundle(self.path / "end", "2026-11-21T10:00:07Z", 25)

    def test_the_certificate_of_the_beginning_comes_along(self):
        clip = self.clip("start-only.mp4", options=["--certificate-at-start-only"])
        bundle = self.path / "with-certificate"
        run(CAMVAULT, "export", clip, bundle, "--from", "3", "--to", "5")
        self.check_bundle(bundle, "2026-11-21T10:00:03Z", 50)

    def test_signing_every_third_group_and_h265(self):
        clip = self.clip("third.mp4", options=["--signing-interval", "3"])
        run(CAMVAULT, "export", clip, self.path / "third", "--from", "1", "--to", "4", code=None)
        report = json.loads((self.path / "third/report.json").read_text())
        self.assertIn(report["verdict"], ("authentic", "authentic_with_missing_frames"))
        self.assertEqual(report["frames"]["altered"], 0)
        clip = self.clip("h265.mp4", codec="libx265")
        run(CAMVAULT, "export", clip, self.path / "h265", "--from", "2.5", "--to", "3.5")
        self.check_bundle(self.path / "h265", "2026-11-21T10:00:02Z", 50)

    def test_av1(self):
        clip = self.clip("av1.mp4", seconds=4, codec="libaom-av1")
        run(CAMVAULT, "export", clip, self.path / "av1", "--from", "1.5", "--to", "2.5")
        self.check_bundle(self.path / "av1", "2026-11-21T10:00:01Z", 50)

    def test_a_zip_is_checked_by_itself(self):
        clip = self.clip()
        archive = self.path / "case.zip"
        run(CAMVAULT, "export", clip, archive, "--from", "1", "--to", "3", "--operator", "J. Doe", *self.examiner)
        with zipfile.ZipFile(archive) as z:
            self.assertIsNone(z.testzip())
            names = set(z.namelist())
        self.assertEqual(names, {"clip.mp4", "report.json", "report.json.p7s", "report.html", "report.html.p7s", "METHOD.txt", "SHA256SUMS",
                                 "certificates/camera.pem", "certificates/examiner.pem"})
        shown = run(CAMVAULT, "verify", archive).stdout
        self.assertIn("all as they were packed", shown)
        self.assertIn("Test examiner", shown)
        folder = self.path / "unpacked"
        run("python3", "-m", "zipfile", "-e", archive, folder)
        run(CAMVAULT, "verify", folder)
        for name in ("report.json", "METHOD.txt", "clip.mp4"):
            with self.subTest(changed=name):
                path = folder / name
                before = path.read_bytes()
                path.write_bytes(before + b"x")
                done = run(CAMVAULT, "verify", folder, code=1)
                self.assertIn(f"{name}: changed", done.stdout)
                found = json.loads(run(CAMVAULT, "verify", folder, "--json", code=1).stdout)["export"]
                self.assertFalse(found["as_packed"])
                self.assertTrue(any(p.startswith(name + ": changed") for p in found["bundle"]["problems"]), found)
                path.write_bytes(before)
        found = json.loads(run(CAMVAULT, "verify", archive, "--json").stdout)["export"]
        self.assertEqual((found["as_packed"], found["bundle"]["problems"], found["bundle"]["files"]), (True, [], len(names) - 1))  # but for the list itself
        self.assertIn("Test examiner", found["bundle"]["report_signed_by"])
        (folder / "more.txt").write_text("added")
        self.assertIn("more.txt: not listed", run(CAMVAULT, "verify", folder, code=1).stdout)
        self.assertFalse(list(self.path.glob("*.part")))

    def test_wrong_usage(self):
        clip = self.clip()
        taken = self.path / "taken"
        taken.mkdir()
        run(CAMVAULT, "export", clip, taken, code=64)
        run(CAMVAULT, "export", clip, self.path / "n1", "--from", "noon", code=64)
        run(CAMVAULT, "export", clip, self.path / "n2", "--from", "500", code=64)
        run(CAMVAULT, "export", clip, self.path / "n3.mp4", code=64)
        run(CAMVAULT, "export", self.path / "nothing.mp4", self.path / "n4", code=65)
        self.assertFalse(list(self.path.glob("n*.part")) + list(self.path.glob("n[1-4]*")))


class ExportFileFormat(Case):
    """ONVIF Export File Format 26.06; read by tests/interop/export_box.py, which shares no line with our reader."""

    def test_the_box_says_who_and_when(self):
        clip = self.clip()
        out = self.path / "eff.mp4"
        run(CAMVAULT, "export", clip, out, "--eff", "--from", "2", "--to", "4", "--operator", "J. Doe", "--camera-name", "Door", "--camera-mac", "08-00-27-00-0C-15")
        found = export_box.read(out.read_bytes())
        self.assertEqual((found["operator"], found["tracks"][0]["name"], found["tracks"][0]["mac"]), ("J. Doe", "Door", "08-00-27-00-0C-15"))
        self.assertEqual(found["starts"], [(1, "2026-11-21T10:00:02Z")])
        self.assertEqual(found["seals"], [])
        self.assertEqual(self.report(out)["verdict"], "authentic")
        self.assertIn("not sealed", run(CAMVAULT, "verify", out).stdout)
        found = json.loads(run(CAMVAULT, "verify", out, "--json").stdout)["export"]
        self.assertEqual((found["as_packed"], found["bundle"], found["seal"]["seals"], found["seal"]["sealed_by"]), (True, None, 0, None))
        run("ffprobe", "-v", "error", out)

    def test_a_seal_is_verified_by_openssl_and_breaks(self):
        clip = self.clip()
        out = self.path / "sealed.mp4"
        run(CAMVAULT, "export", clip, out, "--eff", "--from", "2", "--to", "4", *self.examiner)
        data = out.read_bytes()
        seal = export_box.read(data)["seals"][0]
        signed, signature, key = self.path / "signed.bin", self.path / "signature.bin", self.path / "pub.pem"
        at, size = seal["offset"], len(seal["signature"])
        signed.write_bytes(data[:at] + bytes(size) + data[at + size:])
        signature.write_bytes(seal["signature"])
        (self.path / "c.der").write_bytes(seal["certificate"])
        key.write_text(run("openssl", "x509", "-inform", "DER", "-in", self.path / "c.der", "-pubkey", "-noout").stdout)
        run("openssl", "dgst", "-sha256", "-verify", key, "-signature", signature, signed)
        self.assertIn("seal intact", run(CAMVAULT, "verify", out).stdout)
        self.assertEqual(json.loads(run(CAMVAULT, "verify", out, "--json").stdout)["export"]["seal"]["broken"], 0)
        changed = bytearray(data)
        changed[data.index(b"suep") + 12] ^= 1
        out.write_bytes(changed)
        self.assertIn("BROKEN", run(CAMVAULT, "verify", out, code=1).stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
