#!/usr/bin/env python3
"""`camvault verify` as a user meets it: whom it trusts, and evidence of time (AX-4.1-2)."""
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

from cli_case import CAMVAULT, Case, openssl, run


class Trust(Case):
    """camvault trust, what verify makes of it, and OCSP answers by `openssl ocsp`."""

    def setUp(self):
        self.store = self.path / f"trust-{self.id().rsplit('.', 1)[1]}"

    def trust(self, *arguments, code=0):
        result = run("trust", *arguments, "--trust-store", self.store)
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stdout.decode()

    def listed(self):
        return json.loads(self.trust("list", "--json"))

    def test_add_list_remove(self):
        self.assertFalse(self.listed()["exists"])
        self.trust("add", "--kind", "maker", self.path / "one-ca.pem", "--label", "Maker one")
        self.trust("add", "--kind", "tsa", self.path / "two-ca.pem")
        anchors = self.listed()["anchors"]
        self.assertEqual([(a["kind"], a["label"]) for a in anchors], [("maker", "Maker one"), ("tsa", None)])
        self.assertIn("Maker one (CN=Test CA one)", self.trust("list"))
        self.trust("remove", anchors[0]["fingerprint_sha256"][:7], code=64)
        self.trust("remove", anchors[0]["fingerprint_sha256"][:12], "--kind", "owner", code=65)
        removed = json.loads(self.trust("remove", anchors[0]["fingerprint_sha256"][:12], "--json"))
        self.assertEqual(removed[0]["label"], "Maker one")
        self.assertEqual([a["kind"] for a in self.listed()["anchors"]], ["tsa"])

    def test_wrong_usage_and_unreadable_input(self):
        self.assert_one_line(run("trust", "add", "--kind", "root", self.path / "one-ca.pem"), 64)
        self.assert_one_line(run("trust", "add", self.path / "one-ca.pem"), 64)
        self.trust("add", "--kind", "maker", self.path / "one-cam.key", code=65)
        self.trust("add", "--kind", "maker", self.path / "one-ca.pem", "--label", "two\nlines", code=64)
        self.assertFalse(self.listed()["anchors"])

    def test_verify_uses_the_store_and_says_so(self):
        clip = self.sign("trust.h264")
        env = {"CAMVAULT_TRUST": str(self.store)}
        self.trust("add", "--kind", "tsa", self.path / "one-ca.pem")   # of the wrong kind: vouches for no camera
        result = run("verify", clip, "--json", env=env)
        self.assertEqual((result.returncode, json.loads(result.stdout)["provenance"]), (0, "unknown"))
        self.trust("add", "--kind", "maker", self.path / "one-ca.pem")
        result = run("verify", clip, "--json", env=env)
        report = json.loads(result.stdout)
        self.assertEqual((result.returncode, report["provenance"], report["trust_store"]), (0, "trusted", str(self.store)))
        self.assertIn(f"the trust store {self.store}", " ".join(run("verify", clip, env=env).stdout.decode().split()))
        result = run("verify", clip, "--json", "--no-trust-store", env=env)
        self.assertEqual((json.loads(result.stdout)["provenance"], json.loads(result.stdout)["trust_store"]), ("unknown", None))
        # Whoever keeps a list of makers wants to hear about the others.
        stranger = self.sign("stranger.h264", "two")
        result = run("verify", stranger, "--json", env=env)
        self.assertEqual((result.returncode, json.loads(result.stdout)["provenance"]), (1, "untrusted"))
        self.assertEqual(run("verify", stranger, "--trust", self.path / "two-ca.pem", env=env).returncode, 0)
        self.assert_one_line(run("verify", clip, "--trust-store", self.path / "no-such-store"), 65, "no trust store")
        self.assertEqual(run("verify", clip, "--trust-store", self.store).returncode, 0)

    def test_the_place_is_the_users(self):
        for env, folder in (({"XDG_CONFIG_HOME": str(self.path / "xdg")}, "xdg/camvault/trust"), ({"HOME": str(self.path / "home"), "XDG_CONFIG_HOME": ""}, "home/.config/camvault/trust")):
            merged = {k: v for k, v in os.environ.items() if k != "CAMVAULT_TRUST"} | env
            subprocess.run([CAMVAULT, "trust", "add", "--kind", "owner", self.path / "one-ca.pem"], env=merged, check=True, capture_output=True)
            self.assertTrue((self.path / folder / "owners").is_dir())

    def test_a_damaged_anchor_is_not_trusted_and_not_silent(self):
        clip = self.sign("damaged.h264")
        self.trust("add", "--kind", "maker", self.path / "one-ca.pem")
        (file,) = (self.store / "makers").iterdir()
        file.write_bytes(file.read_bytes()[:-40])
        self.assertIn("NOT TRUSTED", self.trust("list"))
        result = run("verify", clip, "--json", "--trust-store", self.store)
        self.assertEqual(json.loads(result.stdout)["provenance"], "unknown")
        self.assertIn(b"not trusted", result.stderr)

    def respond(self, camera, ca, state, out):
        at = self.path
        serial = subprocess.run(["openssl", "x509", "-in", f"{camera}-cam.pem", "-noout", "-serial"], cwd=at, check=True, capture_output=True).stdout.decode().split("=")[1].strip()
        (at / "index.txt").write_text(f"{state}\t{serial}\tunknown\t/CN=x\n")
        openssl("ocsp", "-issuer", f"{ca}-ca.pem", "-cert", f"{camera}-cam.pem", "-reqout", "ocsp.req", cwd=at)
        openssl("ocsp", "-index", "index.txt", "-CA", f"{ca}-ca.pem", "-rsigner", f"{ca}-ca.pem", "-rkey", f"{ca}-ca.key", "-reqin", "ocsp.req", "-respout", out, "-ndays", "7", cwd=at)
        return at / out

    def test_ocsp_answers_count_at_recording_time(self):
        clip = self.sign("ocsp.h264")
        trust = ["--trust", self.path / "one-ca.pem", "--ocsp"]
        good = self.respond("one", "one", "V\t361231235959Z\t", "good.ocsp")
        code, report, _ = self.verify(clip, *trust, good)
        self.assertEqual((code, report["provenance"]), (0, "trusted"))
        stolen = self.respond("one", "one", "R\t361231235959Z\t261101000000Z,keyCompromise", "stolen.ocsp")
        code, report, _ = self.verify(clip, *trust, stolen)
        self.assertEqual((code, report["provenance"]), (1, "untrusted"), report["provenance_reason"])
        self.assertIn("compromised", report["provenance_reason"])
        # Retired after the recording: the recording stays what it was.
        later = self.respond("one", "one", "R\t361231235959Z\t401101000000Z,superseded", "later.ocsp")
        code, report, _ = self.verify(clip, *trust, later)
        self.assertEqual((code, report["provenance"]), (0, "trusted"), report["provenance_reason"])
        self.assert_one_line(run("verify", clip, *trust, self.path / "one-ca.pem"), 65, "OCSP")

    def test_a_responder_is_asked_only_when_wanted(self):
        clip = self.sign("online.h264")
        self.respond("one", "one", "R\t361231235959Z\t261101000000Z,keyCompromise", "unused.ocsp")   # writes the index
        responder = subprocess.Popen(["openssl", "ocsp", "-index", "index.txt", "-CA", "one-ca.pem", "-rsigner", "one-ca.pem", "-rkey", "one-ca.key",
                                      "-port", "0", "-ndays", "1"], cwd=self.path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            line = responder.stdout.readline().decode()
            port = re.search(r":(\d+) PID=", line).group(1)
            trust = ["--trust", self.path / "one-ca.pem"]
            self.assertEqual(self.verify(clip, *trust)[1]["provenance"], "trusted")
            code, report, _ = self.verify(clip, *trust, "--ocsp-url", f"http://127.0.0.1:{port}/")
            self.assertEqual((code, report["provenance"]), (1, "untrusted"), report["provenance_reason"])
        finally:
            responder.kill()
            responder.communicate()
        code, report, err = self.verify(clip, *trust, "--ocsp-url", f"http://127.0.0.1:{port}/")
        self.assertEqual((code, report["provenance"]), (0, "trusted"))
        self.assertIn("no OCSP response", err)
        _, _, err = self.verify(clip, *trust, "--online")
        self.assertIn("names no OCSP responder", err)


class Evidence(Case):
    """Time stamps in the video, by `openssl ts` behind tests/support/peers/tsa_server.py."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tsa_folder = cls.path / "tsa"
        cls.tsa_folder.mkdir()
        peer = pathlib.Path(__file__).resolve().parents[3] / "tests/support/peers/tsa_server.py"
        cls.tsa = subprocess.Popen([sys.executable, peer, cls.tsa_folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        port, tls_port, version = cls.tsa.stdout.readline().decode().split(" ", 2)
        print("time stamps by `openssl ts`,", version.strip())
        cls.url = f"http://127.0.0.1:{port}"
        cls.tls_url = f"https://127.0.0.1:{tls_port}"
        cls.tsa_root = cls.tsa_folder / "root.pem"

    @classmethod
    def tearDownClass(cls):
        cls.tsa.stdin.close()
        cls.tsa.wait(timeout=20)
        cls.tsa.stdout.close()
        super().tearDownClass()

    def stamped(self, name, *more, start="now"):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if start == "now" else start
        return self.sign(name, "one", "--start-time", now, "--tsa", self.url + "/good", "--tsa-interval", "0s", "--tsa-trust", self.tsa_root, *more)

    def trusting(self, *tsas):
        store = self.path / f"trust-{self.id().rsplit('.', 1)[1]}"
        for file in tsas:
            self.assertEqual(run("trust", "add", "--kind", "tsa", file, "--trust-store", store).returncode, 0)
        return ["--trust-store", store] if tsas else []

    def test_a_trusted_authority_says_when(self):
        clip = self.stamped("stamped.h264")
        code, report, _ = self.verify(clip, "--trust", self.path / "one-ca.pem", *self.trusting(self.tsa_root))
        self.assertEqual((code, report["verdict"], report["provenance"]), (0, "authentic", "trusted"), report["provenance_reason"])
        stamps = report["time_stamps"]
        self.assertGreaterEqual(len(stamps), 2)
        for stamp in stamps:
            self.assertEqual((stamp["verdict"], stamp["authority"]), ("trusted", "Test TSA"), stamp["reason"])
        self.assertEqual(report["gops"][0]["time_stamp"], 0)
        self.assertEqual(stamps[0]["first_gop"], 0)
        self.assertFalse([n for n in report["notes"] if n["kind"].startswith("time_stamp")])
        text = " ".join(run("verify", clip, *self.trusting(self.tsa_root)).stdout.decode().split())
        self.assertIn("recorded before", text)
        self.assertIn("says Test TSA", text)

    def test_an_authority_that_nobody_trusts(self):
        clip = self.stamped("foreign.h264")
        for trust in (self.trusting(), self.trusting(self.tsa_folder / "foreign-root.pem")):
            _, report, _ = self.verify(clip, *trust)
            self.assertEqual({s["verdict"] for s in report["time_stamps"]}, {"untrusted"})
            self.assertIsNone(report["gops"][0]["time_stamp"])
            self.assertEqual(report["verdict"], "authentic")

    def test_times_that_cannot_be_are_noted(self):
        for start, kind in (("2035-01-01T00:00:00Z", "time_stamp_contradicts"), ("2026-01-01T00:00:00Z", "time_stamp_late")):
            clip = self.stamped("times.h264", start=start)
            _, report, _ = self.verify(clip, *self.trusting(self.tsa_root))
            self.assertIn(kind, [n["kind"] for n in report["notes"]])

    def test_signing_goes_on_without_an_authority(self):
        for path in ("/nonce", "/imprint", "/garbage", "/expired", "/no-eku", "/close"):
            with self.subTest(path=path):
                out = self.path / "without.h264"
                result = run("sign", self.path / "raw.h264", out, "--key-file", self.path / "one-cam.key", "--chain", self.path / "one-cam.pem",
                             "--tsa", self.url + path, "--tsa-trust", self.tsa_root)
                self.assert_one_line(result, 69, "time stamp")
                code, report, _ = self.verify(out, "--trust", self.path / "one-ca.pem")
                self.assertEqual((code, report["verdict"], report["time_stamps"]), (0, "authentic", []))

    def test_a_camera_films_while_the_authority_comes_and_goes(self):
        key = ["--key-file", self.path / "one-cam.key", "--chain", self.path / "one-cam.pem"]
        filming = ["camera", "run", "--source", "test", "--width", "320", "--height", "240", "--duration", "6", "--tsa-interval", "1s", *key, "--record"]
        clip = self.path / "filmed.mp4"
        result = run(*filming, clip, "--tsa", self.tls_url + "/good", "--tsa-ca", self.tsa_folder / "web-ca.pem", "--tsa-trust", self.tsa_root)
        if b"without GStreamer" in result.stderr:
            self.skipTest("this build has no camera")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout.decode(), r"[1-9][0-9]* time stamps?")
        code, report, _ = self.verify(clip, "--trust", self.path / "one-ca.pem", "--tsa-trust", self.tsa_root)
        self.assertEqual((code, report["provenance"]), (0, "trusted"), report["provenance_reason"])
        self.assertTrue([s for s in report["time_stamps"] if s["verdict"] == "trusted"], report["time_stamps"])
        self.assertTrue(report["certificates_judged_at_time_stamp"])
        # Nobody there: the recording is as long, and signed to the end.
        result = run(*filming, clip, "--tsa", "http://127.0.0.1:1/")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("0 time stamps", result.stdout.decode())
        self.assertIn("failed", result.stdout.decode())
        code, report, _ = self.verify(clip, "--trust", self.path / "one-ca.pem")
        self.assertEqual((code, report["verdict"], report["time_stamps"]), (0, "authentic", []))
        self.assertEqual(report["frames"]["count"], 150)

    def test_wrong_usage(self):
        key = ["--key-file", self.path / "one-cam.key", "--chain", self.path / "one-cam.pem"]
        for more in (["--tsa", "tsa.example"], ["--tsa", self.url, "--tsa-interval", "soon"], ["--tsa-interval", "5s"], ["--tsa", self.url, "--tsa-policy", "x"]):
            with self.subTest(more=more):
                self.assert_one_line(run("sign", self.path / "raw.h264", self.path / "x.h264", *key, *more), 64)

    def test_a_stolen_key_and_what_was_stamped_before(self):
        clip = self.stamped("stolen.h264")
        at = self.path
        serial = subprocess.run(["openssl", "x509", "-in", "one-cam.pem", "-noout", "-serial"], cwd=at, check=True, capture_output=True).stdout.decode().split("=")[1].strip()

        def answer(since):
            (at / "index2.txt").write_text(f"R\t361231235959Z\t{since},keyCompromise\t{serial}\tunknown\t/CN=x\n")
            openssl("ocsp", "-issuer", "one-ca.pem", "-cert", "one-cam.pem", "-reqout", "ocsp2.req", cwd=at)
            openssl("ocsp", "-index", "index2.txt", "-CA", "one-ca.pem", "-rsigner", "one-ca.pem", "-rkey", "one-ca.key", "-reqin", "ocsp2.req", "-respout", "ocsp2", "-ndays", "7", cwd=at)
            return at / "ocsp2"
        trust = ["--trust", self.path / "one-ca.pem", *self.trusting(self.tsa_root), "--ocsp"]
        # The last group has no stamp, so that a thief could have added it: not trusted, whenever the theft was.
        code, report, _ = self.verify(clip, *trust, answer("401101000000Z"))
        self.assertEqual((code, report["provenance"]), (1, "untrusted"))
        code, report, _ = self.verify(clip, *trust, answer("200101000000Z"))
        self.assertEqual((code, report["provenance"]), (1, "untrusted"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
