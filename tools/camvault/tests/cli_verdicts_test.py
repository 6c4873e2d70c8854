#!/usr/bin/env python3
"""`camvault sign` and `verify` as a user meets them: verdicts of clips and of folders (AX-4.1-2)."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest
import urllib.parse

from cli_case import CAMVAULT, Case, annex_b, run, units_of


class Verdicts(Case):
    def test_not_signed_is_1(self):
        code, report, _ = self.verify(self.path / "raw.h264")
        self.assertEqual((code, report["verdict"]), (1, "not_signed"))
        self.assertIsNone(report["signer"])

    def test_authentic_is_0_with_and_without_anchor(self):
        clip = self.sign("signed.h264", "one", "--start-time", "2027-01-02T03:04:05Z", "--vendor-manufacturer", "Example", "--vendor-serial", "V1")
        code, report, _ = self.verify(clip)
        self.assertEqual((code, report["verdict"], report["provenance"]), (0, "authentic", "unknown"))
        self.assertEqual(report["first_time"], "2027-01-02T03:04:05Z")
        self.assertEqual(report["frames"]["not_authentic"], [])
        self.assertEqual(report["frames"]["count"], 40)
        self.assertEqual(report["signer"]["vendor"]["manufacturer"], "Example")
        code, report, _ = self.verify(clip, "--trust", self.path / "one-ca.pem")
        self.assertEqual((code, report["provenance"]), (0, "trusted"), report["provenance_reason"])
        self.assertEqual(report["signer"]["serial"], "SN-one")
        code, report, _ = self.verify(clip, "--trust", self.path / "two-ca.pem", "--trust", self.path / "one-ca.pem")
        self.assertEqual((code, report["provenance"]), (0, "trusted"))

    def test_signed_by_somebody_else_is_1(self):
        clip = self.sign()
        for option, value in (("--trust", self.path / "two-ca.pem"), ("--signer", self.path / "two-cam.pem")):
            with self.subTest(option=option):
                code, report, _ = self.verify(clip, option, value)
                self.assertEqual(code, 1)
                self.assertNotEqual(report["provenance"], "trusted")
        code, report, _ = self.verify(clip, "--trust", self.path / "one-ca.pem", "--expect-serial", "SN-two")
        self.assertEqual((code, report["provenance"]), (1, "untrusted"))

    def test_the_expected_camera_is_0(self):
        clip = self.sign()
        code, report, _ = self.verify(clip, "--signer", self.path / "one-cam.pem")
        self.assertEqual((code, report["provenance"]), (0, "trusted"), report["provenance_reason"])
        code, _, _ = self.verify(clip, "--trust", self.path / "one-ca.pem", "--expect-serial", "SN-one")
        self.assertEqual(code, 0)

    def test_another_time_for_certificates(self):
        clip = self.sign()
        code, report, _ = self.verify(clip, "--trust", self.path / "one-ca.pem", "--at", "2099-01-01T00:00:00Z")
        self.assertEqual((code, report["provenance"]), (1, "untrusted"))
        self.assertEqual(report["certificates_judged_at"], "2099-01-01T00:00:00Z")
        self.assertTrue(report["certificates_judged_at_given"])

    def test_altered_picture_is_1_and_named(self):
        clip = self.sign()
        units = units_of(clip.read_bytes())
        pictures = [i for i, u in enumerate(units) if u[0] & 0x1F in (1, 5)]
        victim = bytearray(units[pictures[13]])
        victim[100] ^= 0x40
        units[pictures[13]] = bytes(victim)
        (self.path / "altered.h264").write_bytes(annex_b(units))
        code, report, _ = self.verify(self.path / "altered.h264")
        self.assertEqual((code, report["verdict"]), (1, "not_authentic"))
        self.assertEqual([(f["index"], f["kind"]) for f in report["frames"]["not_authentic"]], [(13, "altered")])

    def test_missing_picture_is_2_and_named(self):
        clip = self.sign()
        units = units_of(clip.read_bytes())
        pictures = [i for i, u in enumerate(units) if u[0] & 0x1F in (1, 5)]
        del units[pictures[15]]
        (self.path / "cut.h264").write_bytes(annex_b(units))
        code, report, _ = self.verify(self.path / "cut.h264")
        self.assertEqual((code, report["verdict"]), (2, "authentic_with_missing_frames"))
        self.assertEqual([(f["index"], f["kind"]) for f in report["frames"]["not_authentic"]], [(15, "missing")])
        # Missing frames and somebody else's signature: the worse answer wins.
        code, _, _ = self.verify(self.path / "cut.h264", "--trust", self.path / "two-ca.pem")
        self.assertEqual(code, 1)

    def test_without_a_promise_the_supplement_can_be_left_out(self):
        uuid = bytes.fromhex("5dd644f4f4574d2f8680fe9b3ea9a1a8")
        self.assertIn(uuid, self.sign().read_bytes())
        bare = self.sign("bare.h264", "one", "--no-supplement")
        self.assertNotIn(uuid, bare.read_bytes())
        # Nobody said that there would be more than pictures: what nothing covers is listed.
        code, report, _ = self.verify(bare, "--trust", self.path / "one-ca.pem")
        self.assertEqual((code, report["verdict"]), (0, "authentic"))
        self.assertIn("not_covered_by_format", [n["kind"] for n in report["notes"]])
        code, report, _ = self.verify(self.sign(), "--trust", self.path / "one-ca.pem")
        self.assertNotIn("not_covered_by_format", [n["kind"] for n in report["notes"]])

    def test_signing_twice_is_refused_unless_replaced(self):
        clip = self.sign()
        key = ["--key-file", self.path / "two-cam.key", "--chain", self.path / "two-cam.pem"]
        self.assert_one_line(run("sign", clip, self.path / "again.h264", *key), 64, "--replace")
        self.assertFalse((self.path / "again.h264").exists())
        self.assertEqual(run("sign", clip, self.path / "again.h264", *key, "--replace").returncode, 0)
        code, report, _ = self.verify(self.path / "again.h264", "--trust", self.path / "two-ca.pem")
        self.assertEqual((code, report["provenance"]), (0, "trusted"))

    def test_all_ways_to_sign_are_authentic(self):
        for more in ([], ["--no-supplement"], ["--low-bitrate"], ["--hash", "sha512"], ["--hash", "sha384"], ["--signing-interval", "3"], ["--max-partial-units", "4"],
                     ["--no-emulation-prevention"], ["--certificate-in-every-sei"], ["--certificate-at-start-only"], ["--no-certificate-sei"], ["--repeat-seis"]):
            with self.subTest(more=more):
                code, report, _ = self.verify(self.sign("way.h264", "one", *more), "--trust", self.path / "one-ca.pem")
                self.assertEqual((code, report["verdict"], report["provenance"]), (0, "authentic", "trusted"), report["verdict_reason"])
                self.assertEqual(report["frames"]["authentic"] + report["frames"]["not_covered"], 40)


class Folder(Case):
    """camvault verify --recursive: every clip of an archive, one summary, and no work done twice."""

    def archive(self, clips=12):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="archive-", dir=self.path))
        (folder / "deep" / "er").mkdir(parents=True)
        good = self.sign("good.h264").read_bytes()
        for i in range(clips):
            (folder / ("deep" if i % 2 else "deep/er") / f"clip{i:03}.h264").write_bytes(good)
        (folder / "notes.txt").write_text("no clip")
        return folder, good

    def summary(self, *arguments, code):
        result = run("verify", "--recursive", *arguments, "--json", "--trust", self.path / "one-ca.pem")
        self.assertEqual(result.returncode, code, result.stderr)
        return json.loads(result.stdout)

    def test_every_clip_once_and_the_worst_decides(self):
        folder, good = self.archive()
        odd = os.fsencode(folder) + b"/n\xffme \xc3\xa9.h264"
        with open(odd, "wb") as file:
            file.write(good)
        out = self.path / "summary.json"
        summary = self.summary(folder, "--summary", out, code=0)
        self.assertEqual(summary, json.loads(out.read_text()))
        names = [result["file"] for result in summary["results"]]
        self.assertEqual(names, sorted(names))
        self.assertEqual(len(set(names)), 13)
        self.assertIn(odd, [os.fsencode(folder / name) for name in names], "file names come back as they are")
        self.assertEqual({(r["exit_code"], r["verdict"], r["provenance"]) for r in summary["results"]}, {(0, "authentic", "trusted")})
        (folder / "empty.mp4").write_bytes(b"")
        self.assertEqual(self.summary(folder, code=65)["by_exit_code"], {"0": 13, "65": 1})
        altered = bytearray(good)
        altered[len(good) // 2] ^= 1
        (folder / "altered.h264").write_bytes(altered)
        for jobs in (1, 3):
            summary = self.summary(folder, "--jobs", jobs, code=1)
            self.assertEqual(summary["by_exit_code"], {"0": 13, "1": 1, "65": 1}, "a forged clip is worse than an unreadable one")
        text = run("verify", "--recursive", folder).stdout.decode()
        self.assertIn("15 clips: 13 authentic, 1 not authentic", text)
        self.assertIn("altered.h264", text)
        self.assertEqual(run("verify", "--recursive", folder, "--quiet").stdout.decode().count("\n"), 1)

    def test_a_page_for_people(self):
        folder, good = self.archive(2)
        (folder / "deep" / "a&b <i>.h264").write_bytes(good)
        (folder / "empty.mp4").write_bytes(b"")
        page = folder / "deep" / "summary.html"
        self.summary(folder, "--html", page, code=65)
        html = page.read_text()
        self.assertIn("1 clip cannot be read</h1>", html)
        self.assertIn("<b>3</b>", html)
        self.assertNotIn("<i>", html)
        links = [urllib.parse.unquote(link) for link in re.findall(r'href="(\.[^"]*)"', html)]
        self.assertEqual(len(links), 4)
        for link in links:
            self.assertTrue((page.parent / link).is_file(), link)
        self.assertEqual(run("verify", folder / "empty.mp4", "--html", page).returncode, 64)

    def test_ended_at_any_time_it_goes_on(self):
        folder, good = self.archive(40)
        state = self.path / "archive.state"
        command = [CAMVAULT, "verify", "--recursive", str(folder), "--state", str(state), "--jobs", "2", "--quiet",
                   "--trust", str(self.path / "one-ca.pem")]
        kills = 0
        for attempt in range(200):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                if process.wait(timeout=0.15 + 0.02 * attempt) == 0:
                    break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
        self.assertEqual(process.returncode, 0)
        lines = state.read_text().splitlines()[1:]
        names = [json.loads(line)["file"] for line in lines]
        self.assertEqual(len(names), 40)
        self.assertEqual(len(set(names)), 40, f"no clip twice in the state file, after {kills} kills")
        with open(state, "ab") as file:
            file.write(lines[0].encode()[:25])  # torn: power went while it was written
        changed = folder / names[0]
        changed.write_bytes(good[:len(good) // 2] + b"\x2a" + good[len(good) // 2 + 1:])
        summary = self.summary(folder, "--state", state, code=1)
        self.assertEqual(len(summary["results"]), 40)
        self.assertEqual([r["file"] for r in summary["results"] if r["exit_code"] != 0], [names[0]], "it was changed: looked at again")
        self.assertEqual(len(state.read_text().splitlines()), 42)
        self.assert_one_line(run("verify", "--recursive", folder, "--state", state), 64, "other options")

    def test_one_line_a_clip(self):
        clip = self.sign("line.h264")
        result = run("verify", "--json-line", clip)
        self.assertEqual((result.returncode, result.stdout.count(b"\n")), (0, 1))
        line = json.loads(result.stdout)
        self.assertEqual((line["camvault_result"], line["file"], line["exit_code"]), (1, str(clip), 0))
        report = json.loads(run("verify", "--json", clip).stdout)
        for either in (report, line["report"]):
            either.pop("checked_at")
        self.assertEqual(line["report"], report)
        result = run("verify", "--json-line", self.path / "nowhere.mp4")
        self.assertEqual(result.returncode, 65)
        self.assertIn("nowhere.mp4", json.loads(result.stdout)["error"])

    def test_threads_find_the_same(self):
        clip = self.sign("threads.h264")
        reports = []
        for jobs in (1, 2, 5):
            report = json.loads(run("verify", "--json", "--jobs", jobs, clip).stdout)
            report.pop("checked_at")
            reports.append(report)
        self.assertEqual(reports[0], reports[1])
        self.assertEqual(reports[0], reports[2])

    def test_wrong_usage(self):
        self.assert_one_line(run("verify"), 64, "--recursive")
        self.assert_one_line(run("verify", "--recursive", self.path / "nowhere"), 65)
        self.assertEqual(run("verify", "--recursive", self.path, "clip.mp4").returncode, 64)
        self.assertEqual(run("verify", "clip.mp4", "--jobs", "0").returncode, 64)
        self.assertEqual(run("verify", "clip.mp4", "--state", "x").returncode, 64)
        self.assert_one_line(run("verify", "--recursive", self.path, "--trust", self.path / "no-ca.pem"), 65)


if __name__ == "__main__":
    unittest.main(verbosity=2)
