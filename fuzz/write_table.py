#!/usr/bin/env python3
"""Puts the figures of fuzz/run.sh into the table of docs/fuzzing.md: write_table.py DOCUMENT RESULTS

A line of RESULTS: target, date, commit, edges (or "crashed"), executions, CPU seconds. CPU hours add up; the other columns
are those of the last run. What has been written is moved to RESULTS.written, so that no hour counts twice.
"""
import pathlib
import re
import sys

HEAD = ["| target | reads | CPU hours | edges | executions a CPU second | last run | commit |", "|---|---|---|---|---|---|---|"]


def reads_what(source):
    """The first sentence of the target's comment."""
    lines = []
    for line in source.read_text().splitlines():
        if not line.startswith("//"):
            break
        lines.append(line[2:].strip())
    return re.split(r"\.(?:\s|$)", " ".join(lines))[0].replace("|", "/")


def main():
    document, results = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    text = document.read_text().split("\n")
    at = text.index(HEAD[0])
    end = at
    while end < len(text) and text[end].startswith("|"):
        end += 1
    known = {}
    for row in text[at + 2:end]:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        known[cells[0].strip("`")] = [float(cells[2]), *cells[3:]]
    for line in results.read_text().splitlines() if results.exists() else []:
        target, date, commit, edges, runs, seconds = line.split()
        hours = known.get(target, [0.0])[0] + int(seconds) / 3600
        if edges == "crashed":
            known[target] = [hours, "-", "-", date + ", crashed", commit]
        else:
            known[target] = [hours, edges, "{:,}".format(int(runs) // max(1, int(seconds))), date, commit]
    rows = []
    for source in sorted(pathlib.Path(__file__).parent.glob("*_fuzz.cc")):
        name = source.name[:-len("_fuzz.cc")]
        hours, *rest = known.get(name, [0.0, "-", "-", "not yet", "-"])
        rows.append("| `%s` | %s | %.2f | %s |" % (name, reads_what(source), hours, " | ".join(rest)))
    document.write_text("\n".join(text[:at] + HEAD + rows + text[end:]))
    if results.exists():
        with open(str(results) + ".written", "a", encoding="ascii") as file:
            file.write(results.read_text())
        results.unlink()
    print("%s: %d targets, %.1f CPU hours" % (document, len(rows), sum(known[n][0] for n in known)))


if __name__ == "__main__":
    main()
