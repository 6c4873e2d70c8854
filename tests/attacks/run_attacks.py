#!/usr/bin/env python3
"""Carries out every attack of the catalogue and compares what verifiers say with what is right.

usage: run_attacks.py --camvault PATH [--only ID] [--onvif VALIDATOR] [--write DOC | --check DOC] [--keep DIR]

Clips are made by ffmpeg and signed by `camvault sign` on the spot: H.264 and H.265, one and more slices a picture, MP4,
fragmented MP4 and byte streams. --onvif (or CAMVAULT_ONVIF_VALIDATOR) also asks ONVIF's reference validator. --write puts the
tables into a document between its markers; --check fails when the document's table of attacks is not this catalogue.
"""
import argparse
import concurrent.futures
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "interop"))
sys.path.insert(0, os.path.join(HERE, "..", "edits"))
import cameras  # noqa: E402
import clips  # noqa: E402
import mux  # noqa: E402
from catalogue import AUTHENTIC, CATALOGUE, MISSING, TITLES  # noqa: E402
from edits import NotHere  # noqa: E402
from signed_clip import SignedClip, into_samples  # noqa: E402

# name: (how it is encoded, the container of the edited clip)
FORMS = {
    "H.264 MP4": (dict(), "mp4"),
    "H.264 slices, bytes": (dict(slices=3, b_frames=2), "annexb"),
    "H.265 fragments": (dict(codec="h265"), "fmp4"),
    "H.265 slices, bytes": (dict(codec="h265", slices=2, b_frames=2), "annexb"),
}
BEGIN, END = "<!-- attacks: begin -->", "<!-- attacks: end -->"


class Scene:
    def __init__(self, name, folder, camvault, keys):
        how, self.container = FORMS[name]
        self.name, self.codec = name, how.get("codec", "h264")
        base = os.path.join(folder, "".join(c if c.isalnum() else "_" for c in name))
        for number, offset in ((1, 0), (2, 7)):
            clips.make("%s_%d.%s" % (base, number, self.codec), offset=offset, **how)
        for field, number, key, hours in (("clip", 1, "camera", 0), ("again", 2, "camera", 2), ("other", 1, "sibling", 0),
                                          ("stranger", 1, "stranger", 0)):
            target = "%s_%s.%s" % (base, field, self.codec)
            cameras.sign(camvault, keys[key], "%s_%d.%s" % (base, number, self.codec), target, hours,
                         ["--certificate-in-every-sei"])
            setattr(self, field, SignedClip("%s, %s" % (name, field), target))


class Run:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        maker = cameras.Factory(os.path.join(folder))
        home = os.path.join(folder, "home")
        os.mkdir(home)
        stranger = cameras.Factory(home)
        keys = {"camera": maker.camera("camera"), "sibling": maker.camera("sibling"), "stranger": stranger.camera("camera")}
        self.root = maker.root
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            self.scenes = list(pool.map(lambda name: Scene(name, folder, args.camvault, keys), FORMS))

    def carry_out(self, job):
        """Returns (attack, form, wrong, what camvault said, what ONVIF's reference said)."""
        attack, scene = job
        try:
            items = attack.make(scene)
        except NotHere:
            return attack, scene.name, None, None, None
        path = os.path.join(self.folder, "%s_%s.%s" % (attack.id, "".join(c if c.isalnum() else "_" for c in scene.name),
                                                       scene.codec if scene.container == "annexb" else "mp4"))
        mux.WRITERS[scene.container](path, scene.codec, into_samples(items))
        code, report = cameras.verify(self.args.camvault, path, ["--trust", self.root])
        wrong = self.judge(attack, code, report)
        reference = self.reference(scene, path) if self.args.onvif else None
        if not (wrong and self.args.keep):
            os.unlink(path)
        return attack, scene.name, wrong, report, reference

    @staticmethod
    def judge(attack, code, report):
        if report["verdict"] != attack.answer:
            return "said %s (%s), right is %s" % (report["verdict"], report["verdict_reason"], attack.answer)
        if report["provenance"] != attack.origin and attack.answer in (AUTHENTIC, MISSING):
            return "origin %s (%s), right is %s" % (report["provenance"], report["provenance_reason"], attack.origin)
        right = {AUTHENTIC: 0, MISSING: 2}.get(attack.answer, 1) if report["provenance"] == "trusted" else 1
        if code != right:
            return "exit code %d, right is %d" % (code, right)
        named = {f["index"] for f in report["frames"]["not_authentic"] if f["kind"] != "not_covered"}
        if attack.answer == AUTHENTIC and named:
            return "named %s, but nothing is wrong" % sorted(named)
        if not attack.names <= named:
            return "named %s, not %s" % (sorted(named), sorted(attack.names - named))
        if attack.note and attack.note not in {n["kind"] for n in report["notes"]}:
            return "no note %s, only %s" % (attack.note, sorted({n["kind"] for n in report["notes"]}))
        return None

    def reference(self, scene, path):
        try:
            done = subprocess.run([self.args.onvif, "-c", scene.codec, "--ca", self.root, path], capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL, timeout=300)
        except subprocess.TimeoutExpired:
            return "no answer"
        return {0: "OK", 1: "not OK", 2: "OK, missing"}.get(done.returncode, "crash" if done.returncode < 0 else "error")


def summary(values):
    """What the forms have in common, or each of them."""
    seen = sorted({v for v in values if v})
    return " / ".join(seen) if seen else "-"


def table(results, with_reference):
    lines = []
    for who, title in TITLES.items():
        lines += ["", "### " + title, ""]
        lines += ["| attack | what is done | answer | origin | named | undetected | ONVIF's validator |", "|---|---|---|---|---|---|---|"]
        for attack in (a for a in CATALOGUE if a.who == who):
            said = [r[4] for r in results if r[0] is attack and r[4]]
            names = ", ".join(str(n) for n in sorted(attack.names))
            extra = "note `%s`" % attack.note if attack.note else ""
            lines.append("| %s | %s | `%s` | %s | %s | %s | %s |" % (
                attack.title, attack.sentence, attack.answer, attack.origin if attack.answer in (AUTHENTIC, MISSING) else "",
                "; ".join(x for x in (names, extra) if x), attack.blind, summary(said) if with_reference else "not asked"))
    return "\n".join(lines[1:]) + "\n"


def without_last_column(text):
    """The tables but for what other validators said, which this machine may not have."""
    return [line.rsplit("|", 2)[0] if line.startswith("|") else line for line in text.strip().splitlines()]


def document(path, new, write):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    head, rest = text.split(BEGIN, 1)
    old, tail = rest.split(END, 1)
    if write:
        with open(path, "w", encoding="utf-8") as f:
            f.write(head + BEGIN + "\n" + new + END + tail)
        return True
    return without_last_column(old) == without_last_column(new)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--camvault", required=True)
    parser.add_argument("--only", help="only the attack with this id")
    parser.add_argument("--onvif", default=os.environ.get("CAMVAULT_ONVIF_VALIDATOR", ""), help="ONVIF's reference validator")
    parser.add_argument("--write", help="document whose tables are written anew")
    parser.add_argument("--check", help="document whose tables have to be those of this catalogue")
    parser.add_argument("--keep", help="folder to leave wrongly judged clips in")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="camvault-attacks-") as temporary:
        folder = args.keep or temporary
        os.makedirs(folder, exist_ok=True)
        run = Run(args, folder)
        jobs = [(a, s) for a in CATALOGUE for s in run.scenes if not args.only or a.id == args.only]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(run.carry_out, jobs))
    done = [r for r in results if r[3] is not None]
    wrong = [r for r in done if r[2]]
    for attack, form, problem, _, reference in done:
        if problem:
            print("WRONG %s, %s: %s" % (attack.id, form, problem))
    never = {a.id for a, _ in jobs} - {r[0].id for r in done}
    print("%d attacks in %d forms: %d carried out, %d answered wrongly%s" % (
        len({a.id for a, _ in jobs}), len(FORMS), len(done), len(wrong), "; never possible: %s" % sorted(never) if never else ""))
    print("ONVIF's validator: " + ("asked" if args.onvif else "not there (CAMVAULT_ONVIF_VALIDATOR), not asked"))
    stale = False
    if args.write or args.check:
        stale = not document(args.write or args.check, table(results, bool(args.onvif)), bool(args.write))
        if stale:
            print("%s does not show this catalogue: run with --write" % args.check)
    return 1 if wrong or never or stale or not done else 0


if __name__ == "__main__":
    sys.exit(main())
