#!/usr/bin/env python3
"""batch.py by itself: what a job says when a verifier dies, clips change, words are wrong. No engine is needed."""
import json
import os
import pathlib
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scene import BATCH  # noqa: E402


def batch(*words):
    return subprocess.run([sys.executable, str(BATCH), *map(str, words)], capture_output=True, text=True, check=False)


class Job(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="camvault-job-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.clips, self.job = self.path / "clips", self.path / "job"
        self.clips.mkdir()
        for name in ("a.mp4", "b.mkv", "c.txt"):
            (self.clips / name).write_bytes(b"no video")
        self.looks = self.path / "looks"

    def verifier(self, then):
        """In the place of camvault, so that it dies when we want it; counts how often it is asked about a clip."""
        program = self.path / "verifier"
        program.write_text('#!/bin/sh\nfor clip; do :; done\nif [ "$clip" = /dev/null ]; then\n  echo \'{"camvault_result":1,"file":"","exit_code":65,"error":"/dev/null is no clip"}\'\n'
                           '  exit 65\nfi\necho x >> %s\n%s\n' % (self.looks, then))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        made = batch("new", self.job, self.clips, "--camvault", program)
        self.assertEqual((made.returncode, made.stdout), (0, "2 clips\n"), made.stderr)

    def summary(self, code):
        done = batch("summary", self.job)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout)

    def test_the_real_verifier(self):
        made = batch("new", self.job, self.clips, "--camvault", os.environ["CAMVAULT"])
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertEqual(batch("work", self.job).returncode, 0)
        summary = self.summary(65)
        self.assertEqual([(r["file"], r["exit_code"]) for r in summary["results"]], [("a.mp4", 65), ("b.mkv", 65)])
        self.assertTrue(all(r["reason"] for r in summary["results"]))

    def test_killed_from_outside_is_tried_again(self):
        self.verifier("kill -9 $$")
        self.assertEqual(batch("work", self.job).returncode, 75)
        self.assertEqual(len(batch("list", self.job).stdout.splitlines()), 2)
        summary = self.summary(70)
        self.assertEqual([(r["exit_code"], r["reason"]) for r in summary["results"]], [(70, "no worker left a result")] * 2)

    def test_a_crash_is_a_result(self):
        self.verifier("kill -SEGV $$")
        self.assertEqual(batch("work", self.job).returncode, 0)
        self.assertEqual({r["reason"] for r in self.summary(70)["results"]},
                         {"the verifier ended with code -%d and without a result" % signal.SIGSEGV})

    def test_nobody_looks_twice(self):
        self.verifier("echo '{\"camvault_result\":1,\"file\":\"x\",\"exit_code\":0,\"report\":{\"verdict\":\"authentic\",\"provenance\":\"trusted\"}}'")
        line = batch("list", self.job).stdout.splitlines()[1]
        self.assertEqual(batch("run", self.job, line).returncode, 0)
        self.assertEqual(batch("run", self.job, line).returncode, 0)
        self.assertEqual(self.looks.read_text(), "x\n")
        self.assertEqual([batch("work", self.job, "--part", part, "--of", 2).returncode for part in (0, 1)], [0, 0])
        self.assertEqual(self.looks.read_text(), "x\nx\n")
        self.assertEqual(self.summary(0)["by_exit_code"], {"0": 2})

    def test_a_clip_that_changed_or_went(self):
        self.verifier("exit 1")
        (self.clips / "a.mp4").write_bytes(b"another video")
        (self.clips / "b.mkv").unlink()
        self.assertEqual(batch("work", self.job).returncode, 0)
        self.assertEqual([r["reason"] for r in self.summary(65)["results"]], ["changed after the job was made", "No such file or directory"])
        self.assertFalse(self.looks.exists())

    def test_half_a_result_is_none(self):
        self.verifier("printf '{\"camvault_result\":1,\"fi'; kill -9 $$")
        self.assertEqual(batch("work", self.job).returncode, 75)
        self.assertEqual(len(batch("list", self.job).stdout.splitlines()), 2)

    def test_wrong_words(self):
        for words, code in ((["new", self.job, self.clips, "--camvault", os.environ["CAMVAULT"], "--", "--trust", self.path / "nowhere.pem"], 64),
                            (["new", self.job, self.clips, "--camvault", "no such program"], 64),
                            (["new", self.job, self.path / "nowhere", "--camvault", os.environ["CAMVAULT"]], 65),
                            (["new", self.job, self.job, "--camvault", os.environ["CAMVAULT"]], 65),
                            (["list", self.job], 65), (["paint", self.job], 64), ([], 64)):
            done = batch(*words)
            self.assertEqual(done.returncode, code, (words, done))
            self.assertTrue(done.stderr)
            self.assertFalse(self.job.exists())

    def test_a_job_answers_one_question(self):
        self.verifier("exit 1")
        self.assertEqual(batch("new", self.job, self.clips, "--camvault", os.environ["CAMVAULT"]).returncode, 65)


if __name__ == "__main__":
    unittest.main()
