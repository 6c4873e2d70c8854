"""Requirement NC-4-2: no credentials in code, nor in the programs built from it. Paths of a developer's machine neither.

tree DIR    every file that git knows in DIR
files DIR   every file in DIR, such as the built programs
selftest    real keys, made for the occasion, are found in all the forms they travel in
"""
import base64
import pathlib
import re
import subprocess
import sys
import tempfile

# Written in pieces, so that this file does not find itself.
KEY_FORMS = {
    "PEM private key": rb"-----BEGIN [A-Z ]*PRIVATE" + rb" KEY-----\s*[A-Za-z0-9+/]{16}",
    "SEC 1 EC private key (DER)": rb"\x30[\x31-\x7f]\x02\x01\x01\x04\x20.{32}",
    "SEC 1 EC private key (DER, long)": rb"\x30\x81[\x80-\xff]\x02\x01\x01\x04[\x30\x42]",
    "PKCS#8 private key (DER)": rb"\x30(?:\x81.|\x82..|[\x20-\x7f])\x02\x01\x00\x30[\x05-\x14]\x06[\x03\x07\x09]",
    "PKCS#1 RSA private key (DER)": rb"\x30\x82..\x02\x01\x00\x02\x82..\x00",
    "cloud access key": rb"\bAKIA" + rb"[0-9A-Z]{16}\b",
    "token": rb"\bgh[pousr]_" + rb"[A-Za-z0-9]{36}\b",
}
WORDS = {
    "password in code": re.compile(
        rb"""(?i)\b(?:password|passphrase|passwd|secret|api_key|token)\s*[:=]\s*["'](?!["'])[^"'$<{%\s]{6,}["']"""),
    "path of a developer's machine": re.compile(
        rb"(?<![\w.])(?:/" + rb"work/|/" + rb"farm/|/ho" + rb"me/[a-z]|/ro" + rb"ot/|/Us" + rb"ers/|/tmp/" + rb"bash_jobs)"),
    "host of a package registry": re.compile(
        rb"(?:deb|snap" + rb"shot|security)\.deb" + rb"ian\.org|registry\.npm" + rb"js|\bpy" + rb"pi\.org"),
}
# DER prefixes are short; in machine code and video they could turn up by chance, so text forms only there.
DER = [name for name in KEY_FORMS if "DER" in name]
KEYS = {name: re.compile(pattern, re.S) for name, pattern in KEY_FORMS.items()}
BASE64_OF_DER = re.compile(rb"(?<![A-Za-z0-9+/])M[A-Za-z0-9+/]{39,}")
LIMIT = 64 << 20


def findings(data, der=True, words=True):
    for name, pattern in KEYS.items():
        if der or name not in DER:
            hit = pattern.search(data)
            if hit:
                yield name, data.count(b"\n", 0, hit.start()) + 1
    for hit in BASE64_OF_DER.finditer(data):
        start = base64.b64decode(hit.group()[:64][: len(hit.group()[:64]) // 4 * 4])
        if any(KEYS[name].match(start + bytes(64)) for name in DER):
            yield "base64 of a private key", data.count(b"\n", 0, hit.start()) + 1
    if words and b"\0" not in data[:4096]:
        for name, pattern in WORDS.items():
            hit = pattern.search(data)
            if hit:
                yield name, data.count(b"\n", 0, hit.start()) + 1


def allowed(source):
    """tests/house/published_keys.txt: a path and why its key is no secret (a published test vector, say)."""
    path = source / "tests" / "house" / "published_keys.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return {line.split(None, 1)[0] for line in lines if line.strip() and not line.startswith("#")}


def tree(source):
    listed = subprocess.run(["git", "-c", "safe.directory=*", "-C", str(source), "ls-files", "-z"], capture_output=True)
    if listed.returncode == 0:
        files = [source / name for name in listed.stdout.decode().split("\0") if name]
    else:  # an unpacked source archive
        files = [p for p in source.rglob("*") if p.is_file() and p.relative_to(source).parts[0] not in ("build", "out", ".git")]
    published, problems, count = allowed(source), [], 0
    for path in files:
        name = str(path.relative_to(source))
        if not path.is_file() or path.is_symlink():
            continue
        count += 1
        for what, line in findings(path.read_bytes()[:LIMIT]):
            if name not in published:
                problems.append(f"{name}:{line}: {what}")
    print(f"{count} files read")
    if count == 0:
        problems.append("no file was read")
    return problems


def files(folder):
    problems, count = [], 0
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        if path.is_file():
            count += 1
            problems += [f"{path.name}: {what}" for what, _ in findings(path.read_bytes()[:LIMIT], der=False, words=False)]
    print(f"{count} files read in {folder}")
    return problems


def selftest():
    def run(*command, data=None):
        return subprocess.run(command, input=data, capture_output=True, check=True).stdout

    problems, tried = [], 0
    kinds = [("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"), ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
             ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"), ("-algorithm", "ED25519")]
    for kind in kinds:
        pem = run("openssl", "genpkey", *kind)
        forms = {"PKCS#8 PEM": pem, "PKCS#8 DER": run("openssl", "pkey", "-outform", "DER", data=pem)}
        if "ED25519" not in kind:
            forms["traditional PEM"] = run("openssl", "pkey", "-traditional", data=pem)
            forms["traditional DER"] = run("openssl", "pkey", "-traditional", "-outform", "DER", data=pem)
        for form in [f for f in forms if "DER" in f]:
            forms[form + ", base64"] = base64.b64encode(forms[form])
        for form, data in forms.items():
            tried += 1
            if not any(True for _ in findings(b"lead-in \n" + data + b"\n")):
                problems.append(f"{' '.join(kind)} as {form} is not found")
        public = run("openssl", "pkey", "-pubout", data=pem)
        if any(True for _ in findings(public)):
            problems.append(f"the public key of {' '.join(kind)} is taken for a secret")
    for text in (b'constexpr auto pass' + b'word = "Sommer2026!";', b"path = /ho" + b"me/someone/x"):
        tried += 1
        if not any(True for _ in findings(text)):
            problems.append(f"not found: {text!r}")
    with tempfile.TemporaryDirectory() as scratch:  # and through the door that the other tests use
        (pathlib.Path(scratch) / "planted.pem").write_bytes(run("openssl", "genpkey", *kinds[0]))
        if not tree(pathlib.Path(scratch)) or not files(pathlib.Path(scratch)):
            problems.append("a planted key file is not reported")
    print(f"{tried} planted secrets tried")
    return problems


check = sys.argv[1]
found = selftest() if check == "selftest" else {"tree": tree, "files": files}[check](pathlib.Path(sys.argv[2]))
for problem in found:
    print("PROBLEM:", problem)
sys.exit(1 if found else 0)
