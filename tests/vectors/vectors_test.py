#!/usr/bin/env python3
"""Verdict and provenance of the signed-video vectors, as their README's table says.

usage: vectors_test.py (--camvault PATH | --checker onvif_check.py) [--folder DIR]

Exits 77 (counted as skipped) and says so when the folder is not there. Proves AX-4.1-1 and AX-4.1-2 on other people's
files: made by ONVIF's reference implementation and by Axis' framework (current and legacy form), some edited afterwards.
"""
import argparse
import json
import os
import re
import subprocess
import sys

# A real camera's clip with Axis' attestation; the certificates hold from 2021 to 2031.
CAMERA, CAMERA_SERIAL = "shipped/axis_signed_vendor_axis.h264", "B8A44F27E6D1"

# (options, expected provenance) by folder, from the README: certificates that are not valid yet at recording time, and a
# recording time in the year 1601.
ONVIF = ("ca.pem", "untrusted", "2027-01-01T00:00:00Z")
SHIPPED = ("onvif_ca.pem", "unknown", "2025-01-01T00:00:00Z")

# The table's `authentic` does not fit the bytes of this file: its sample 58 holds the last access unit's bytes instead of
# picture 58 (compare h264_p256.mp4), so the signed hash list lacks a picture, and ONVIF's validator says so too. For
# camvault verify the reference's end-of-stream SEI is no proof that the last GOP is complete, and the note says that.
STRICTLY = {"onvif/h264_p256_eos.mp4": "authentic_with_missing_frames"}

# What must be named, GOPs counted from 0: "one picture altered, in GOP 2" of the table counts from 1.
NAMED_IN_GOP = {"onvif/h264_p256_mod_p.mp4": 1, "onvif/h264_p256_mod_i.mp4": 2, "onvif/h264_p256_drop_p.mp4": 1,
                "onvif/h264_p256_swap_p.mp4": 1, "onvif/h264_p256_ins_p.mp4": 1}
NAMED_IN_GOP.update({name.replace("onvif/", "axis/"): gop for name, gop in NAMED_IN_GOP.items()})


def is_axis(name):
    return name.startswith(("axis", "shipped/axis"))


def read_table(folder, with_axis):
    """{file: verdict}; a row can name several files."""
    table = {}
    with open(os.path.join(folder, "README.md")) as f:
        for line in f:
            cells = [c.strip() for c in line.strip().strip("|").split("|")]
            if len(cells) != 3 or not re.match(r"(onvif|axis|axis-legacy|shipped)/", cells[0]):
                continue
            verdict = re.match(r"[a-z_]+", cells[1]).group()
            for name in cells[0].split(","):
                name = name.strip()
                name = name if "/" in name else "shipped/" + name
                if with_axis or not is_axis(name):
                    table[name] = verdict
    return table


class Camvault:
    def __init__(self, program):
        self.command = [program, "verify", "--json"]

    def ask(self, path, ca, at):
        command = self.command + [path] + (["--trust", ca] if ca else []) + (["--at", at] if at else [])
        if path.endswith(".rec"):
            command += ["--format", "units", "--codec", os.path.basename(path).split("_")[0]]
        done = subprocess.run(command, capture_output=True, text=True)
        if not done.stdout:
            raise RuntimeError("%s: %s" % (path, done.stderr))
        return done.returncode, json.loads(done.stdout)

    def check(self, name, code, report, verdict):
        right = {"authentic": 0, "authentic_with_missing_frames": 2}.get(verdict, 1)
        if report["provenance"] != "trusted" and not is_axis(name):
            right = 1  # with --trust only a known signer is a yes
        problems = [] if code == right else ["exit code %d instead of %d" % (code, right)]
        wrong = {f["index"] for f in report["frames"]["not_authentic"]}
        if name in NAMED_IN_GOP:
            frames = range(10 * NAMED_IN_GOP[name], 10 * NAMED_IN_GOP[name] + 10)
            if not wrong or not wrong <= set(frames):
                problems.append("names pictures %s instead of one in %s" % (sorted(wrong), frames))
        elif verdict == "authentic" and wrong:
            problems.append("names pictures %s" % sorted(wrong))
        if name == "shipped/axis_signed_test_h264_modified_frame_137.mp4" and wrong != {137}:
            problems.append("names pictures %s instead of 137 alone" % sorted(wrong))
        notes = {n["kind"] for n in report["notes"]}
        form = "Axis Signed Video" if is_axis(name) else "ONVIF Media Signing"
        if name.startswith("axis-legacy") or "frame_137" in name or name == CAMERA:
            form += " (legacy)"
        if verdict != "not_signed" and report["signing"]["format"] != form:
            problems.append("format %s instead of %s" % (report["signing"]["format"], form))
        for part, kind in (("cut_start", "beginning_missing"), ("_eos", "last_gop_not_verifiable"), ("ps_mod", "not_covered_by_format"),
                           ("sei_dup", "sei_repeated")):
            if part in name and kind not in notes:
                problems.append("no note %s" % kind)
        if verdict in ("authentic", "authentic_with_missing_frames") and "_eos" not in name and "shipped" not in name and \
                report["frames"]["not_covered"] == 0:
            problems.append("the unsigned tail is not reported as not covered")
        return problems


    def check_camera(self, folder):
        """Axis' chain is enforced, at recording time, and nothing is said about the device before it holds."""
        path, problems = os.path.join(folder, CAMERA), []
        root, other = (os.path.join(folder, "shipped", n) for n in ("axis_root_ca.pem", "onvif_ca.pem"))
        for ca, at, origin in ((root, None, "trusted"), (None, None, "unknown"), (other, None, "untrusted"), (root, "2020-12-01", "untrusted"),
                               (root, "2050-01-01", "untrusted"), (root, "2030-01-01", "trusted")):
            code, report = self.ask(path, ca, at)
            case = "root %s at %s" % (ca and os.path.basename(ca), at)
            if report["provenance"] != origin:
                problems.append("%s: %s instead of %s" % (case, report["provenance"], origin))
            serial = report["signer"]["serial"] or None
            if serial != (CAMERA_SERIAL if origin == "trusted" else None):
                problems.append("%s: serial number %s" % (case, serial))
            if code != (1 if origin == "untrusted" else 0):
                problems.append("%s: exit code %d" % (case, code))
        return problems


class Checker:
    def __init__(self, script):
        self.command = [sys.executable, script]

    def ask(self, path, ca, at):
        seconds = {ONVIF[2]: "1798761600", SHIPPED[2]: "1735689600"}.get(at)
        done = subprocess.run(self.command + [path, "--ca", ca] + (["--at", seconds] if at else []), capture_output=True, text=True)
        return done.returncode, json.loads(done.stdout)

    def check(self, name, code, report, verdict):
        right = 0 if verdict == "authentic" and report["provenance"] != "untrusted" else 1
        return [] if code == right else ["exit code %d instead of %d" % (code, right)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--camvault")
    which.add_argument("--checker")
    parser.add_argument("--folder", required=True)
    args = parser.parse_args()
    if not os.path.isfile(os.path.join(args.folder, "README.md")):
        print("SKIPPED 1: the vectors are not at %s" % args.folder)
        return 77
    tool = Camvault(args.camvault) if args.camvault else Checker(args.checker)
    table, failures = read_table(args.folder, bool(args.camvault)), 0
    if len(table) < (60 if args.camvault else 25):
        print("only %d rows read from the table: its form has changed" % len(table))
        return 1
    for name, verdict in sorted(table.items()):
        verdict = STRICTLY.get(name, verdict) if args.checker else verdict
        ca, provenance, at = ONVIF if name.startswith("onvif/") else SHIPPED
        ca = os.path.join(args.folder, os.path.dirname(name), ca)
        problems, ways = [], ((None, provenance), (at, "trusted"))
        if is_axis(name):  # a bare public key, but for the camera's clip
            ca, ways = None, ((None, "unknown"),)
        for when, origin in ways:
            if verdict == "not_signed":
                origin = "unknown"
            code, report = tool.ask(os.path.join(args.folder, name), ca, when)
            problems += tool.check(name, code, report, verdict)
            if report["verdict"] != verdict:
                problems.append("verdict %s instead of %s" % (report["verdict"], verdict))
            # An altered SEI can leave no key that vouches for the rest; then the origin says nothing.
            if report["provenance"] != origin and verdict != "not_authentic":
                problems.append("provenance %s instead of %s %s" % (report["provenance"], origin, "at " + when if when else ""))
        if name == CAMERA:
            problems += tool.check_camera(args.folder)
        failures += bool(problems)
        print("%-5s %-40s %s" % ("WRONG" if problems else "ok", name, "; ".join(dict.fromkeys(problems)) or verdict))
    print("%d files, %d wrong" % (len(table), failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
