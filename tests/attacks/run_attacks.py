#!/usr/bin/env python3
"""Carries out every attack of the catalogue and compares what verifiers say with what is right.

usage: run_attacks.py --camvault PATH [--only ID] [--onvif VALIDATOR] [--axis VALIDATOR] [--write DOC | --check DOC] [--keep DIR]

Clips are made by ffmpeg and signed by `camvault sign` on the spot: H.264, H.265 and AV1, as Media Signing and in Axis' form, one
and more slices a picture, MP4, fragmented MP4, Matroska and byte streams. --onvif (or CAMVAULT_ONVIF_VALIDATOR) also asks
ONVIF's reference validator, --axis (or CAMVAULT_AXIS_VALIDATOR) Axis', each about its form. --write puts the tables into a document
between its markers; --check fails when the document's table of attacks is not this catalogue.
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
import media_units  # noqa: E402
import mux  # noqa: E402
import mux_foreign  # noqa: E402, F401  (adds its writers)
import sound  # noqa: E402  (adds its attacks)
from catalogue import AUTHENTIC, CATALOGUE, MISSING, TITLES  # noqa: E402
from edits import NotHere  # noqa: E402
from signed_clip import SignedClip, into_samples, access_units, sample_times  # noqa: E402

# name: (how it is encoded, the container of the edited clip, the form of its signatures)
FORMS = {
    "H.264 MP4": (dict(), "mp4", "onvif"),
    "H.264 slices, bytes": (dict(slices=3, b_frames=2), "annexb", "onvif"),
    "H.265 fragments": (dict(codec="h265"), "fmp4", "onvif"),
    "H.265 slices, bytes": (dict(codec="h265", slices=2, b_frames=2), "annexb", "onvif"),
    "Axis, H.264 MP4": (dict(), "mp4", "axis"),
    "Axis, H.265 slices, Matroska": (dict(codec="h265", slices=2), "mkv", "axis"),
    "AV1 MP4": (dict(codec="av1"), "mp4", "axis"),
}
BEGIN, END = "<!-- attacks: begin -->", "<!-- attacks: end -->"


class Scene:
    def __init__(self, name, folder, camvault, keys):
        how, self.container, self.form = FORMS[name]
        self.name, self.codec, self.sound = name, how.get("codec", "h264"), None
        base = os.path.join(folder, slug(name))
        suffix = "mp4" if self.codec == "av1" else self.codec
        for number, offset in ((1, 0), (2, 7)):
            clips.make("%s_%d.%s" % (base, number, suffix), offset=offset, **how)
        options = ["--certificate-in-every-sei", "--form", self.form]
        for field, number, key, hours in (("clip", 1, "camera", 0), ("again", 2, "camera", 2), ("other", 1, "sibling", 0),
                                          ("stranger", 1, "stranger", 0)):
            target = "%s_%s.mp4" % (base, field)
            cameras.sign(camvault, keys[key], "%s_%d.%s" % (base, number, suffix), target, hours, options)
            setattr(self, field, SignedClip("%s, %s" % (name, field), target, self.form))
        if name == "H.264 MP4":
            self.sound = []
            for number, tone in ((1, 440), (2, 700)):
                sound.record("%s_%d.%s" % (base, number, suffix), "%s_sound_%d.mp4" % (base, number), tone)
                self.sound.append("%s_heard_%d.mp4" % (base, number))
                cameras.sign(camvault, keys["camera"], "%s_sound_%d.mp4" % (base, number), self.sound[-1], 0, options)


def slug(text):
    return "".join(c if c.isalnum() else "_" for c in text)


class Run:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        maker = cameras.Factory(folder)
        home = os.path.join(folder, "home")
        os.mkdir(home)
        stranger = cameras.Factory(home)
        keys = {"camera": maker.camera("camera", promise=True), "sibling": maker.camera("sibling", promise=True),
                "stranger": stranger.camera("camera")}
        self.root = maker.root
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            self.scenes = list(pool.map(lambda name: Scene(name, folder, args.camvault, keys), FORMS))

    def carry_out(self, job):
        """Returns (attack, scene, wrong, what camvault said, what the reference of the form said)."""
        attack, scene = job
        base = os.path.join(self.folder, "%s_%s" % (attack.id, slug(scene.name)))
        try:
            path, units = self.forge(attack, scene, base)
        except NotHere:
            return attack, scene, None, None, None
        code, report = cameras.verify(self.args.camvault, path, ["--trust", self.root])
        wrong = self.judge(attack, scene, code, report)
        reference = self.reference(scene, path, units)
        if not (wrong and self.args.keep):
            os.unlink(path)
        return attack, scene, wrong, report, reference

    def forge(self, attack, scene, base):
        if hasattr(attack, "on_sound"):
            if not scene.sound:
                raise NotHere
            attack.make(*scene.sound, base + attack.suffix)
            return base + attack.suffix, None
        items = attack.make(scene)
        samples = access_units(items)
        path = base + "." + {"annexb": scene.codec, "fmp4": "mp4"}.get(scene.container, scene.container)
        mux.WRITERS[scene.container](path, scene.codec, into_samples(items), sample_times(samples), scene.clip.config)
        return path, [it.data for it in items]

    @staticmethod
    def judge(attack, scene, code, report):
        answer, note = attack.axis if scene.form == "axis" else (attack.answer, attack.note)
        if report["verdict"] != answer:
            return "said %s (%s), right is %s" % (report["verdict"], report["verdict_reason"], answer)
        if report["provenance"] != attack.origin and answer in (AUTHENTIC, MISSING):
            return "origin %s (%s), right is %s" % (report["provenance"], report["provenance_reason"], attack.origin)
        right = {AUTHENTIC: 0, MISSING: 2}.get(answer, 1) if report["provenance"] == "trusted" else 1
        if code != right:
            return "exit code %d, right is %d" % (code, right)
        named = {f["index"] for f in report["frames"]["not_authentic"] if f["kind"] != "not_covered"}
        if answer == AUTHENTIC and named:
            return "named %s, but nothing is wrong" % sorted(named)
        if not attack.names <= named:
            return "named %s, not %s" % (sorted(named), sorted(attack.names - named))
        if note and note not in {n["kind"] for n in report["notes"]}:
            return "no note %s, only %s" % (note, sorted({n["kind"] for n in report["notes"]}))
        return None

    def reference(self, scene, path, units):
        """What the reference of the scene's form says; Axis' reads units behind lengths. None: not asked."""
        command, extra = None, None
        if scene.form == "onvif" and self.args.onvif and (units or path.endswith(".mp4")):
            command = [self.args.onvif, "-c", scene.codec, "--ca", self.root, path]
        elif scene.form == "axis" and self.args.axis and units:
            extra = path + ".units"
            media_units.write_units(extra, units)
            command = [self.args.axis, "-c", scene.codec, extra]
        if command is None:
            return None
        try:
            done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)
        except subprocess.TimeoutExpired:
            return "no answer"
        finally:
            if extra:
                os.unlink(extra)
        return {0: "OK", 1: "not OK", 2: "OK, missing"}.get(done.returncode, "crash" if done.returncode < 0 else "error")


def summary(values):
    """What the forms have in common, or each of them."""
    seen = sorted({v for v in values if v})
    return " / ".join(seen) if seen else "-"


def answers(attack):
    answer = "`%s`" % attack.answer
    return answer if attack.axis[0] == attack.answer else answer + "; Axis' form: `%s`" % attack.axis[0]


def table(results, args):
    lines = []
    for who, title in TITLES.items():
        lines += ["", "### " + title, ""]
        lines += ["| attack | what is done | answer | origin | named | undetected | ONVIF's validator | Axis' validator |",
                  "|---|---|---|---|---|---|---|---|"]
        for attack in (a for a in CATALOGUE if a.who == who):
            done = [r for r in results if r[0] is attack and r[3]]
            said = [summary(r[4] for r in done if r[1].form == form) if asked and any(r[1].form == form for r in done) else
                    "-" if asked else "not asked" for form, asked in (("onvif", args.onvif), ("axis", args.axis))]
            names = ", ".join(str(n) for n in sorted(attack.names))
            extra = "note `%s`" % attack.note if attack.note else ""
            lines.append("| %s | %s | %s | %s | %s | %s | %s | %s |" % (
                attack.title, attack.sentence, answers(attack), attack.origin if attack.answer in (AUTHENTIC, MISSING) else "",
                "; ".join(x for x in (names, extra) if x), attack.blind, *said))
    return "\n".join(lines[1:]) + "\n"


def without_references(text):
    """The tables but for what other validators said, which this machine may not have."""
    return [line.rsplit("|", 3)[0] if line.startswith("|") else line for line in text.strip().splitlines()]


def document(path, new, write):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    head, rest = text.split(BEGIN, 1)
    old, tail = rest.split(END, 1)
    if write:
        with open(path, "w", encoding="utf-8") as f:
            f.write(head + BEGIN + "\n" + new + END + tail)
        return True
    return without_references(old) == without_references(new)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--camvault", required=True)
    parser.add_argument("--only", help="only the attack with this id")
    parser.add_argument("--onvif", default=os.environ.get("CAMVAULT_ONVIF_VALIDATOR", ""), help="ONVIF's reference validator")
    parser.add_argument("--axis", default=os.environ.get("CAMVAULT_AXIS_VALIDATOR", ""), help="Axis' validator")
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
    for attack, scene, problem, *_ in wrong:
        print("WRONG %s, %s: %s" % (attack.id, scene.name, problem))
    never = {a.id for a, _ in jobs} - {r[0].id for r in done}
    print("%d attacks in %d forms: %d carried out, %d answered wrongly%s" % (
        len({a.id for a, _ in jobs}), len(FORMS), len(done), len(wrong), "; never possible: %s" % sorted(never) if never else ""))
    for name, path, form in (("ONVIF's", args.onvif, "onvif"), ("Axis'", args.axis, "axis")):
        clips_of_form = sum(r[1].form == form for r in done)
        print("%s validator: %s" % (name, "asked about %d" % sum(r[4] is not None for r in done if r[1].form == form) if path else
                                     "SKIPPED %d clips: CAMVAULT_%s_VALIDATOR does not name it" % (clips_of_form, form.upper())))
    stale = False
    if args.write or args.check:
        stale = not document(args.write or args.check, table(results, args), bool(args.write))
        if stale:
            print("%s does not show this catalogue: run with --write" % args.check)
    return 1 if wrong or never or stale or not done else 0


if __name__ == "__main__":
    sys.exit(main())
