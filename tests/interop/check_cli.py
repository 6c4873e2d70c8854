"""What the checkers share on the command line: arguments, the clip, the certificate that counts, and the answer."""
import argparse
import json

from cryptography import x509

from media_units import read_units


def parser(description, codecs):
    made = argparse.ArgumentParser(description=description.split("\n")[0])
    made.add_argument("clip")
    made.add_argument("--codec", choices=codecs)
    made.add_argument("--signer", help="only this camera's certificate counts, PEM")
    return made


def read_certificate(path):
    if not path:
        return None
    with open(path, "rb") as f:
        return x509.load_pem_x509_certificate(f.read())


def open_check(make_check, args):
    """The check of the clip that `args` name; nothing, and the answer is given, if it cannot be read."""
    try:
        codec, units = read_units(args.clip, args.codec)
    except (OSError, ValueError, IndexError) as e:
        print(json.dumps({"verdict": "unreadable", "problems": [str(e)]}))
        return None
    return make_check(codec, units, read_certificate(args.signer))


def answer(check, verdict, more=None):
    """Prints what was found, as JSON; `more` stands behind the verdict."""
    print(json.dumps({
        "verdict": verdict, **(more or {}), "codec": check.codec, "gops": check.gops, "signed": check.signed,
        "hash": (check.crypto or {}).get("hash"), "hashed_units": len(check.hashables), "covered_units": check.covered,
        "first_time": check.first_time, "missing": check.missing, "notes": check.notes, "problems": check.problems}, indent=1))
