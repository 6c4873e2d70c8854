"""The package lists: sorted, no name twice over what is installed together, and every name known to apt."""
import pathlib
import re
import shutil
import subprocess
import sys

# What is installed together, in the Makefile's words.
TOGETHER = [["packages-run", "packages-test", "packages-dev"], ["packages-run", "packages-test", "packages-cross-arm64"],
            ["packages-run", "packages-test", "packages-test-system", "packages-web", "packages-web-test"]]
NAME = re.compile(r"^[a-z0-9][a-z0-9.+-]+(:[a-z0-9]+)?$")


def names(path):
    return [line.strip() for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]


def check_order(folder):
    problems = []
    for path in sorted(folder.glob("packages-*.txt")):
        listed = names(path)
        problems += [f"{path.name}: {name!r} is no package name" for name in listed if not NAME.match(name)]
        for before, after in zip(listed, listed[1:]):
            if before >= after:
                problems.append(f"{path.name}: {after} must stand before {before}, once")
    for group in TOGETHER:
        seen = {}
        for stem in group:
            for name in names(folder / f"{stem}.txt"):
                if name in seen:
                    problems.append(f"{name} stands in {seen[name]} and in {stem}")
                seen[name] = stem
    return problems


def check_exist(folder):
    if not shutil.which("apt-cache"):
        print("SKIPPED: no apt-cache on this machine")
        sys.exit(77)
    indexes = subprocess.run(["apt-cache", "policy"], capture_output=True, text=True).stdout
    if not re.search(r"/main .*Packages$", indexes, re.M):
        print("SKIPPED: apt has no package index here (apt-get update brings it)")
        sys.exit(77)
    wanted = sorted({name.split(":")[0] for path in folder.glob("packages-*.txt") for name in names(path)})
    policy = subprocess.run(["apt-cache", "policy", *wanted], capture_output=True, text=True).stdout
    known = set(re.findall(r"^([a-z0-9.+-]+):$\n  Installed: .*\n  Candidate: (?!\(none\))", policy, re.M))
    print(f"{len(wanted)} packages asked for, {len(known)} known")
    return [f"{name} is not a package of this Debian" for name in wanted if name not in known]


check, source = sys.argv[1], pathlib.Path(sys.argv[2])
found = {"order": check_order, "exist": check_exist}[check](source / "packaging")
for problem in found:
    print("PROBLEM:", problem)
sys.exit(1 if found else 0)
