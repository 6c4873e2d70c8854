#!/usr/bin/env python3
"""Puts the page together: one HTML file with style, script, worker and the verifier inside.

usage: build_page.py --page DIR --module verifier.js --wasm verifier.wasm --version V --library TEXT --out FILE

The security policy names the one script and the one style sheet by their hashes and allows no connection.
"""
import argparse
import base64
import hashlib
import os
import re


def source_hash(text):
    return "'sha256-%s'" % base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("page", "module", "wasm", "version", "library", "out"):
        parser.add_argument("--" + name, required=True)
    args = parser.parse_args()

    def read(name):
        with open(os.path.join(args.page, name), encoding="utf-8") as f:
            return f.read()

    with open(args.wasm, "rb") as f:
        wasm = f.read()
    with open(args.module, encoding="utf-8") as f:
        worker = f.read() + "\n" + read("worker.js")
    style, script = read("style.css"), read("raw_player.js") + "\n" + read("page.js")
    for name, text in (("worker", worker), ("page.js", script)):
        if re.search(r"</script|<!--", text, re.I):
            raise SystemExit("%s holds what would end its element" % name)
    policy = "; ".join((
        "default-src 'none'",
        "script-src %s 'wasm-unsafe-eval'" % source_hash(script),  # the worker inherits this: wasm, and no other code
        "style-src %s" % source_hash(style),
        "worker-src blob:", "media-src blob:", "img-src blob: data:",
        "connect-src 'none'", "form-action 'none'", "base-uri 'none'"))
    page = read("page.html")
    for key, value in (("POLICY", policy), ("VERSION", args.version), ("LIBRARY", args.library),
                       ("WASM_HASH", hashlib.sha256(wasm).hexdigest()), ("STYLE", style), ("SCRIPT", script), ("WORKER", worker),
                       ("WASM", base64.b64encode(wasm).decode())):
        if "@%s@" % key not in page:
            raise SystemExit("page.html has no @%s@" % key)
        page = page.replace("@%s@" % key, value)
    temporary = args.out + ".new"
    with open(temporary, "w", encoding="utf-8") as f:
        f.write(page)
    os.replace(temporary, args.out)
    print("%s: %.1f MB, verifier %.1f MB" % (args.out, len(page.encode()) / 1e6, len(wasm) / 1e6))


if __name__ == "__main__":
    main()
