#!/usr/bin/env python3
"""Verifying a folder of clips with any number of workers on any number of machines that share a file system.

    batch.py new JOB FOLDER [--camvault PROGRAM] [-- OPTIONS]   a new job: every clip below FOLDER, listed once
    batch.py list JOB                                           a line for each clip that has no result yet
    batch.py run JOB LINE                                       looks at the clip of one such line
    batch.py work JOB --part I --of N                           looks at every N-th clip, beginning with the I-th
    batch.py summary JOB [--out FILE]                           what `camvault verify --recursive --summary` writes

JOB is a folder. OPTIONS are those of `camvault verify` (--trust, --at ...), the same for all clips. A result is a file
of its own, named by the clip, its size and its time of change; it is on the disk as a whole or not at all, and nobody
looks at a clip twice that has one. Workers may therefore be ended in any way, at any time, and started again.

Exit codes: of summary that of the worst clip (docs/verify.md); of the others 0, 64 wrong usage, 65 JOB or FOLDER cannot
be read, 75 a verifier was ended by somebody, as the kernel does when memory is short: try again.
"""
import argparse
import hashlib
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys
import tempfile

# As `camvault verify --recursive` recognises them.
EXTENSIONS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".ts", ".m2ts", ".mts", ".h264",
              ".264", ".avc", ".h265", ".265", ".hevc", ".av1", ".obu", ".ivf", ".units")
USAGE, UNREADABLE, NO_RESULT, TRY_AGAIN = 64, 65, 70, 75
LINE = b'{"camvault_result":1,'
FROM_GOOD_TO_BAD = (0, 2, UNREADABLE, NO_RESULT, 1)
ENDED_BY_SOMEBODY = (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP)


class Refused(Exception):
    def __init__(self, code, why):
        super().__init__(why)
        self.code = code


def write_whole(path, data):
    """On the disk when this returns; until then nobody sees anything of it under this name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    with os.fdopen(number, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(name, path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def clips_below(folder):
    """Links are not followed: they may lead anywhere."""
    def failed(error):
        raise error

    for here, _, names in os.walk(folder, onerror=failed):
        for name in names:
            path = os.path.join(here, name)
            status = os.lstat(path)
            if os.path.splitext(name)[1].lower() in EXTENSIONS and stat.S_ISREG(status.st_mode):
                yield {"file": os.path.relpath(path, folder), "bytes": status.st_size, "modified": status.st_mtime_ns}


class Job:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        about = json.loads((self.path / "job.json").read_text())
        self.folder, self.given, self.command, self.cwd = about["folder"], about["given"], about["command"], about["cwd"]

    @staticmethod
    def make(path, folder, camvault, options):
        program = shutil.which(camvault)
        if not program:
            raise Refused(USAGE, "there is no program " + camvault)
        clips = sorted(clips_below(folder), key=lambda clip: os.fsencode(clip["file"]))
        if not clips:
            raise Refused(UNREADABLE, folder + " holds no clips")
        command = [os.path.abspath(program), "verify", "--json-line", "--jobs", "1", *options]
        # What is wrong with the question is said once, not by every clip: asked about what is no clip, the verifier has
        # nothing else to complain about.
        asked = subprocess.run([*command, "--", os.devnull], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
        complaint = json.loads(asked.stdout).get("error", "") if asked.stdout.startswith(LINE) else "wrong options"
        if not complaint.startswith(os.devnull):
            raise Refused(USAGE, complaint)
        os.makedirs(path)  # a folder that exists belongs to another question
        lines = "".join(json.dumps(clip) + "\n" for clip in clips)
        write_whole(pathlib.Path(path) / "clips", lines.encode("ascii"))
        about = {"folder": os.path.abspath(folder), "given": folder, "cwd": os.getcwd(), "command": command}
        write_whole(pathlib.Path(path) / "job.json", json.dumps(about).encode("ascii"))  # last: now it is a job
        return len(clips)

    def lines(self):
        with open(self.path / "clips", encoding="ascii") as file:
            return file.read().splitlines()

    def result_of(self, line):
        name = hashlib.sha256(line.encode("ascii")).hexdigest()
        return self.path / "results" / name[:2] / (name + ".json")

    def left(self):
        return [line for line in self.lines() if not self.result_of(line).exists()]

    def look_at(self, line):
        """0, or why there is no result."""
        target = self.result_of(line)
        if target.exists():
            return 0
        clip = json.loads(line)
        path = os.path.join(self.folder, clip["file"])

        def failure(code, why):
            return json.dumps({"camvault_result": 1, "file": path, "exit_code": code, "error": why}, separators=(",", ":")).encode("ascii") + b"\n"

        try:
            status = os.lstat(path)
            if (status.st_size, status.st_mtime_ns) != (clip["bytes"], clip["modified"]):
                write_whole(target, failure(UNREADABLE, "changed after the job was made"))
                return 0
        except OSError as error:
            write_whole(target, failure(UNREADABLE, error.strerror))
            return 0
        done = subprocess.run([*self.command, "--", path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=self.cwd, check=False)
        if done.returncode == USAGE:
            return USAGE
        if done.stdout.startswith(LINE) and done.stdout.endswith(b"}\n"):
            write_whole(target, done.stdout)
        elif done.returncode in ENDED_BY_SOMEBODY:
            return TRY_AGAIN
        else:
            write_whole(target, failure(NO_RESULT, "the verifier ended with code %d and without a result" % done.returncode))
        return 0

    def summary_of(self, line):
        try:
            result = json.loads(self.result_of(line).read_bytes())
        except FileNotFoundError:
            result = {"exit_code": NO_RESULT, "error": "no worker left a result"}
        report = result.get("report", {})
        reason = "provenance_reason" if report.get("provenance") == "untrusted" else "verdict_reason"
        return {**json.loads(line), "exit_code": result["exit_code"], "verdict": report.get("verdict", ""),
                "provenance": report.get("provenance", ""), "reason": result.get("error") or report.get(reason, "")}

    def summary(self):
        results = [self.summary_of(line) for line in self.lines()]
        codes = sorted(result["exit_code"] for result in results)
        worst = max(codes, key=lambda code: FROM_GOOD_TO_BAD.index(code if code in FROM_GOOD_TO_BAD else NO_RESULT))
        return {"schema": "camvault-verification-summary", "version": 1, "folder": self.given, "clips": len(results),
                "bytes": sum(result["bytes"] for result in results), "exit_code": worst,
                "by_exit_code": {str(code): codes.count(code) for code in sorted(set(codes))}, "results": results}


def run_new(args):
    count = Job.make(args.job, args.folder, args.camvault, args.options)
    print("%d clips" % count)
    return 0


def run_list(args):
    job = Job(args.job)
    print("".join(line + "\n" for line in job.left()), end="")
    return 0


def run_run(args):
    return Job(args.job).look_at(args.line)


def run_work(args):
    job, worst = Job(args.job), 0
    for line in job.lines()[args.part::args.of]:
        code = job.look_at(line)
        if code == USAGE:
            return code
        worst = max(worst, code)
    return worst


def run_summary(args):
    job = Job(args.job)
    summary = job.summary()
    results = summary.pop("results")
    text = json.dumps(summary, indent=2)[:-2] + ',\n  "results": [\n' + ",\n".join("    " + json.dumps(r) for r in results) + "\n  ]\n}\n"
    if args.out:
        write_whole(pathlib.Path(args.out), text.encode("ascii"))
        print("%d clips, by exit code: %s" % (summary["clips"], summary["by_exit_code"]))
    else:
        print(text, end="")
    return summary["exit_code"]


def main():
    arguments, options = sys.argv[1:], []
    if "--" in arguments:
        arguments, options = arguments[:arguments.index("--")], arguments[arguments.index("--") + 1:]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    def command(name, function):
        one = commands.add_parser(name)
        one.set_defaults(function=function, options=options)
        one.add_argument("job")
        return one

    new = command("new", run_new)
    new.add_argument("folder")
    new.add_argument("--camvault", default="camvault")
    command("list", run_list)
    command("run", run_run).add_argument("line")
    work = command("work", run_work)
    work.add_argument("--part", type=int, default=0)
    work.add_argument("--of", type=int, default=1)
    command("summary", run_summary).add_argument("--out")
    try:
        args = parser.parse_args(arguments)
    except SystemExit as end:
        return USAGE if end.code else 0
    try:
        return args.function(args)
    except Refused as refused:
        print("batch.py: %s" % refused, file=sys.stderr)
        return refused.code
    except (OSError, ValueError, KeyError) as error:
        print("batch.py: %s" % error, file=sys.stderr)
        return UNREADABLE


if __name__ == "__main__":
    sys.exit(main())
