"""The module rule: a module sees what it declares and nothing else.

borders     an include of an undeclared module does not compile, one of a declared module does
headers     every public header compiles alone: a source begins with it, or it is compiled here
declared    every include of another module stands in the including module's own declaration
documented  the table in docs/architecture.md and the declarations in CMake are the same
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"camvault/([a-z0-9_]+)/', re.M)
FIRST_INCLUDE = re.compile(r'\A(?:\s|//[^\n]*\n)*#\s*include\s+"camvault/([a-z0-9_]+/[a-z0-9_]+\.h)"')


class Module:
    def __init__(self, line):
        name, folder, deps, private, users, own = line.split("|")
        self.name, self.folder = name, pathlib.Path(folder)
        self.deps = {d for d in deps.split(",") if d}
        self.private = {d for d in private.split(",") if d}
        self.users = [d for d in users.split(":") if d]
        self.own = [d for d in own.split(":") if d]

    @property
    def shipped(self):  # the others serve tests
        return self.folder.parent.name == "libs"

    def headers(self):
        return sorted((self.folder / "include").rglob("*.h"))


def compiles(compiler, text, include_path):
    command = [compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-x", "c++"]
    command += [f"-I{folder}" for folder in include_path] + ["-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, env=dict(os.environ, LC_ALL="C"))
    return done.returncode == 0, done.stderr


def line_for(header):
    return f'#include "camvault/{header.parent.name}/{header.name}"\nint main() {{ return 0; }}\n'


def closure(modules, name):
    seen, todo = set(), [name]
    while todo:
        for dep in modules[todo.pop()].deps - seen:
            seen.add(dep)
            todo.append(dep)
    return seen


def check_borders(modules, compiler, _source):
    """For every module: the headers of all modules it may see are found, of all others not."""
    problems, tried = [], 0
    for module in modules.values():
        visible = {module.name}
        for dep in module.deps | module.private:
            visible |= {dep} | closure(modules, dep)
        for other in modules.values():
            if not other.headers():
                continue
            first = other.headers()[0]
            found = any((pathlib.Path(d) / "camvault" / first.parent.name / first.name).exists() for d in module.own)
            tried += 1
            if found and other.name not in visible:
                problems.append(f"{module.name} can include {other.name}, which it does not declare")
            if not found and other.name in visible:
                problems.append(f"{module.name} declares {other.name} but cannot include it")
    # And as the compiler sees it, once each way.
    names = {"codec": "base"} if "codec" in modules else {}
    forbidden = [n for n in ("keystore", "crypto") if n in modules and modules[n].headers()]
    for name, allowed in names.items():
        ok, text = compiles(compiler, line_for(modules[allowed].headers()[0]), modules[name].own)
        if not ok:
            problems.append(f"{name} cannot compile an include of {allowed}:\n{text}")
        for other in forbidden:
            header = modules[other].headers()[0]
            ok, text = compiles(compiler, line_for(header), modules[name].own)
            if ok:
                problems.append(f"an undeclared include of {other} compiles in {name}")
            elif "No such file" not in text:
                problems.append(f"an undeclared include of {other} fails for another reason:\n{text}")
            else:
                print(f"refused by the compiler, as it should be: {text.splitlines()[0]}")
    print(f"{tried} pairs of modules looked at")
    return problems


def check_headers(modules, compiler, _source):
    """What a source of the module includes before anything else was compiled alone when the module was built; only the
    few others need a compiler here. That no header leans on a private dependency: check_declared."""
    all_headers = [(module, header) for module in modules.values() for header in module.headers()]
    built = {match[1] for module in modules.values() for path in (module.folder / "src").rglob("*.cc")
             if (match := FIRST_INCLUDE.match(path.read_text()))}
    jobs = [(module, header) for module, header in all_headers if f"{header.parent.name}/{header.name}" not in built]
    problems = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        results = pool.map(lambda job: compiles(compiler, line_for(job[1]), job[0].users), jobs)
        for (_, header), (ok, text) in zip(jobs, results):
            if not ok:
                problems.append(f"{header} does not compile alone:\n{text}")
    print(f"{len(all_headers)} public headers; {len(jobs)} that no source begins with were compiled alone")
    if not all_headers or not built:
        problems.append("no headers found")
    return problems


def check_declared(modules, _compiler, _source):
    """Include paths are transitive, so the compiler alone would let a module lean on a neighbour's declaration."""
    problems, looked = [], 0
    for module in modules.values():
        for part, allowed in (("include", module.deps), ("src", module.deps | module.private)):
            for path in sorted((module.folder / part).rglob("*")):
                if path.suffix not in (".h", ".cc", ".c"):
                    continue
                looked += 1
                for used in sorted(set(INCLUDE.findall(path.read_text())) - allowed - {module.name}):
                    if used in modules:
                        problems.append(f"{path} includes {used}, which {module.name} does not declare"
                                        + (" in DEPS" if part == "include" else ""))
        if module.shipped and not (module.folder / "README.md").exists():
            problems.append(f"{module.folder} has no README.md")
    print(f"{looked} files of {len(modules)} modules looked at")
    return problems


def check_documented(modules, _compiler, source):
    """Rows look like: | `codec` | what it owns | base |"""
    text = (pathlib.Path(source) / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| `([a-z0-9_]+)` \|[^|]*\| ([^|]*) \|$", text, re.M)
    documented = {name: {d for d in re.split(r"[ ,]+", deps.strip()) if d not in ("", "-")} for name, deps in rows}
    problems = []
    for name, module in modules.items():
        if not module.shipped:
            continue
        declared = module.deps | module.private
        if name not in documented:
            problems.append(f"{name} has no row in docs/architecture.md")
        elif documented[name] != declared:
            problems.append(f"{name} declares {sorted(declared)}, docs/architecture.md says {sorted(documented[name])}")
    # A build without GStreamer has fewer modules than the table; a row without a folder is a lie in every build.
    for name in documented:
        if name not in modules and not (pathlib.Path(source) / "libs" / name).is_dir():
            problems.append(f"docs/architecture.md has a row for {name}, which does not exist")
    print(f"{len(documented)} rows compared with {len(modules)} modules")
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("check", choices=["borders", "headers", "declared", "documented"])
    parser.add_argument("--modules", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--compiler", required=True)
    args = parser.parse_args()
    lines = pathlib.Path(args.modules).read_text().splitlines()
    modules = {m.name: m for m in map(Module, filter(None, lines))}
    problems = globals()["check_" + args.check](modules, args.compiler, args.source)
    for problem in problems:
        print("PROBLEM:", problem)
    return 1 if problems else 0


sys.exit(main())
