#!/usr/bin/env python3
"""A second opinion on clips signed by ONVIF Media Signing, written from the standard's text alone (release 26.06).

usage: onvif_check.py [--codec h264|h265] [--ca CA.pem] [--at UNIX-SECONDS] [--signer CERT.pem] CLIP

Prints JSON {verdict, provenance, gops, signed, ..., problems} and exits 0 if the clip is authentic, else 1. It is strict:
whatever it cannot explain is a problem. It shares no code and no author's notes with the C++ signer and verifier, so
that a misreading of the standard cannot hide by being made twice. Clauses: chapter 5 of the standard, "Signed Video".
Needs python3-cryptography, and openssl for certificate chains.
"""
import hashlib
import os
import subprocess
import sys
import tempfile

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

import check_cli

UUID = bytes.fromhex("005bc93f2d715e95ada4796f90877a6f")
CERTIFICATE_SEI, ESCAPED_BEFORE_HASHING, MORE_BYTES = 0x80, 0x40, 0x01
GENERAL, HASH_LIST, SIGNATURE, CRYPTO, VENDOR, CHAIN, ARBITRARY = range(1, 8)
HASHES = {bytes.fromhex("0609608648016503040201"): "sha256", bytes.fromhex("0609608648016503040202"): "sha384",
          bytes.fromhex("0609608648016503040203"): "sha512"}
SIGNING_HASHES = {bytes.fromhex(oid): name for oid, name in (
    ("06082a8648ce3d040302", "sha256"), ("06082a8648ce3d040303", "sha384"), ("06082a8648ce3d040304", "sha512"),
    ("06092a864886f70d01010b", "sha256"), ("06092a864886f70d01010c", "sha384"), ("06092a864886f70d01010d", "sha512"))}
CRYPTO_HASH = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
EPOCH_1601 = 11644473600  # seconds from 1601-01-01 to 1970-01-01
COUNT_UNKNOWN = 0xFFFF  # the 16 bit count of a GOP that has more units than fit


class Bad(Exception):
    """The clip breaks the format."""


# ---- units -------------------------------------------------------------------------------------------------------

class Unit:
    def __init__(self, codec, data):
        self.data = data.rstrip(b"\0")  # hashed "to the last byte, including the stop bit": zeros behind it are padding
        h264 = codec == "h264"
        self.type = data[0] & 31 if h264 else data[0] >> 1 & 63
        header = 1 if h264 else 2
        self.vcl = 1 <= self.type <= 5 or self.type in (20, 21) if h264 else self.type < 32
        self.vcl = self.vcl and data[0] < 0x80 and len(data) >= header  # forbidden_zero_bit: not a unit at all
        self.first = self.vcl and len(data) > header and data[header] >= 0x80  # first slice (segment) of its picture
        self.first = self.first and not (h264 and self.type in (3, 4))  # data partitions B and C come behind their A
        # A GOP starts with an IDR. H.265: ONVIF's reference takes all IRAP types, and so does every signer in use.
        self.gop_start = self.first and (self.type == 5 if h264 else 16 <= self.type <= 21)
        self.sei = None
        if (self.type == 6 if h264 else self.type in (39, 40)) and data[header:header + 1] == b"\x05":
            self.sei = parse_sei(self.data, header)

    def digest(self, alg):
        return hashlib.new(alg, self.data if not self.sei else self.sei.whole).digest()


def unescape(data):
    """Removes emulation prevention bytes (00 00 03 -> 00 00). Returns (bytes, offset of each of them in `data`)."""
    out, where, zeros = bytearray(), [], 0
    for i, b in enumerate(data):
        if zeros >= 2 and b == 3:
            zeros = 0
            continue
        zeros = zeros + 1 if b == 0 else 0
        out.append(b)
        where.append(i)
    return bytes(out), where


class Sei:
    """5.7: header, payload size, UUID, reserved byte, TLVs, stop byte."""


def parse_sei(data, header):
    if UUID not in data and UUID not in unescape(data)[0]:
        return None
    pos, size = header + 1, 0
    while data[pos] == 0xFF:
        size, pos = size + 255, pos + 1
    size, pos = size + data[pos], pos + 1
    written = pos + size + 1 != len(data)  # the size excludes emulation prevention bytes, so this tells if there are any
    plain, where = unescape(data) if written else (data, range(len(data)))
    if plain[pos:pos + 16] != UUID:
        return None
    if len(plain) != pos + size + 1 or plain[-1] != 0x80:
        raise Bad("SEI: payload size or stop byte is wrong")
    sei, end, at = Sei(), pos + size, pos + 17
    sei.reserved, sei.tlvs = plain[pos + 16], []
    if sei.reserved & 0x3F:
        raise Bad("SEI: unknown reserved bits")
    escaped = bool(sei.reserved & ESCAPED_BEFORE_HASHING)
    sei.document = sei.signature_at = None
    while at < end:
        tag, length = plain[at], int.from_bytes(plain[at + 1:at + 3], "big")
        if at + 3 + length > end or sei.document is not None:
            raise Bad("SEI: a field is cut, or stands behind the signature")
        if tag == SIGNATURE:  # the document is all before it, as it was when it was hashed
            sei.document, sei.signature_at = data[:where[at - 1] + 1] if escaped else plain[:at], where[at]
        sei.tlvs.append((tag, plain[at + 3:at + 3 + length]))
        at += 3 + length
    sei.whole = data if escaped else plain
    tags = [t for t, _ in sei.tlvs]
    if any(tags.count(t) > (2 if t == CHAIN else 1) for t in tags) or not set(tags) <= set(range(1, 8)):
        raise Bad("SEI: repeated or unknown field")
    if ARBITRARY in tags and tags != [ARBITRARY]:
        raise Bad("SEI: arbitrary data beside other fields")  # 5.7.9
    sei.certificate = bool(sei.reserved & CERTIFICATE_SEI)
    if sei.certificate and (sei.document is None or not {CRYPTO, CHAIN} <= set(tags) or GENERAL in tags):
        raise Bad("certificate SEI: a mandatory field is not there")  # 5.10
    if not sei.certificate and ARBITRARY not in tags and GENERAL not in tags:
        raise Bad("SEI: no general information")
    get = dict(sei.tlvs).get
    signature = get(SIGNATURE)
    # Bytes at the end that nobody signed: padding behind the signature's value, and the stop byte.
    sei.free_tail = 1 if signature is None else len(signature) - 3 - int.from_bytes(signature[1:3], "big") + 1
    sei.signature, sei.general, sei.list = get(SIGNATURE), get(GENERAL), get(HASH_LIST)
    sei.crypto, sei.vendor = get(CRYPTO), get(VENDOR)
    sei.chains = [v for t, v in sei.tlvs if t == CHAIN]
    return sei


def read_general(sei):
    """5.7.3; integers are kept as bytes until the byte order is known."""
    v = sei.general
    fixed = {1: 19, 2: 27}.get(v[0])  # version 1 has no end time
    if fixed is None or len(v) <= fixed or (len(v) - fixed) % 2:
        raise Bad("general information: version or length")
    h = (len(v) - fixed) // 2
    sei.partial, sei.raw_start, sei.raw_end = v[4], v[5:13], v[13:21] if v[0] == 2 else None
    tail = v[-(2 * h + 6):]
    sei.raw_counter, sei.count = tail[:4], int.from_bytes(tail[4:6], "big")
    sei.gop_hash, sei.link = tail[6:6 + h], tail[6 + h:]
    sei.entries = None
    if sei.list is not None:
        if sei.list[0] != 1 or (len(sei.list) - 1) % h:
            raise Bad("hash list: version or length")
        sei.entries = [sei.list[i:i + h] for i in range(1, len(sei.list), h)]
    if sei.partial > 1:
        raise Bad("general information: partial flag")


def read_sized(value, pos):
    return value[pos + 1:pos + 1 + value[pos]], pos + 1 + value[pos]


# ---- keys and signatures -----------------------------------------------------------------------------------------

def load_chain(value):
    if value[0] != 1:
        raise Bad("certificate chain: version")
    pems = [b + b"-----END CERTIFICATE-----\n" for b in value[2:].split(b"-----END CERTIFICATE-----")[:-1]]
    if not pems:
        raise Bad("certificate chain: empty")
    return value[1], [x509.load_pem_x509_certificate(p.strip(b"\0\r\n ") + b"\n") for p in pems]


def signature_ok(key, sei, crypto):
    v = sei.signature
    size = int.from_bytes(v[1:3], "big")
    if v[0] != 1 or size > len(v) - 3:
        raise Bad("signature: version or size")
    # 5.2: "these two can be different"; without an algorithm's OID the digest is the one that hashes the units.
    alg = CRYPTO_HASH[SIGNING_HASHES.get(crypto["oid"], crypto["hash"])]
    tries = ([(ec.ECDSA(alg),)] if isinstance(key, ec.EllipticCurvePublicKey) else
             [(padding.PSS(padding.MGF1(m), padding.PSS.AUTO), alg) for m in {alg.name: alg, "sha256": hashes.SHA256()}.values()]
             + [(padding.PKCS1v15(), alg)])
    for args in tries:
        try:
            key.verify(v[3:3 + size], sei.document, *args)
            return True
        except InvalidSignature:
            pass
    return False


def chain_ok(chain, ca, when):
    """Path validation by `openssl verify` at the recording time (annex B, "Certificate validation")."""
    with tempfile.TemporaryDirectory() as d:
        pem = lambda certs: b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certs)
        for name, certs in (("leaf", chain[:1]), ("more", chain[1:])):
            with open(os.path.join(d, name), "wb") as f:
                f.write(pem(certs))
        command = ["openssl", "verify", "-CAfile", ca, "-attime", str(int(when)), "-no-CApath", "-no-CAstore"]
        command += ["-untrusted", os.path.join(d, "more")] if len(chain) > 1 else []
        done = subprocess.run(command + [os.path.join(d, "leaf")], capture_output=True, text=True)
        return done.returncode == 0, (done.stderr or done.stdout).strip().replace(d, "")


# ---- the check ---------------------------------------------------------------------------------------------------

class Hashable:
    """A unit that is hashed: a slice, or an SEI of ours without signature."""

    def __init__(self, unit, picture, gop, index):
        self.unit, self.picture, self.gop, self.index = unit, picture, gop, index
        self.entry = self.plain = None


class Check:
    salt = b""  # of the GOP hash
    make_unit = Unit

    def __init__(self, codec, units, signer=None):
        self.codec, self.signer = codec, signer
        self.problems, self.notes, self.missing = [], [], []
        self.units = []
        for i, data in enumerate(units):
            try:
                self.units.append(self.make_unit(codec, data))
            except (Bad, IndexError) as e:
                self.problems.append("unit %d: %s" % (i, e or "cut short"))
        self.chain, self.user_chain, self.crypto = None, None, None
        self.hashables, self.seis, self.signed, self.first_time = [], [], 0, None
        self.gops = self.covered = self.tail = 0

    def run(self):
        try:
            self.collect()
            if not self.seis:
                return "not_signed" if not self.problems else "not_authentic"
            self.check_signatures()
            self.hash_units()
            self.match()
            self.check_sequence()
            self.check_coverage()
        except (Bad, IndexError, ValueError, KeyError) as e:
            self.problems.append("%s" % (e or "a field is cut short"))
        if self.problems:
            return "not_authentic"
        return "authentic_with_missing_frames" if self.missing else "authentic"

    def collect(self):
        """Pictures and GOPs, the hashable units in stream order, and the SEIs that speak about GOPs, each once."""
        picture, gop, seen = -1, -1, set()
        for unit in self.units:
            picture += unit.first
            gop += unit.gop_start
            if self.is_hashed(unit):
                self.hashables.append(Hashable(unit, picture, gop, len(self.hashables)))
            if not unit.sei:
                continue
            self.note_fields(unit.sei)
            if unit.data in seen:
                self.notes.append("an SEI is repeated")  # 5.1 and 5.11 allow it
                continue
            seen.add(unit.data)
            if unit.sei.general:
                self.read_general(unit.sei)
                unit.sei.place = len(self.hashables)  # hashable units before (or, unsigned, with) it
                unit.sei.own = self.hashables[-1] if unit.sei.document is None else None
                self.seis.append(unit.sei)
            elif unit.sei.document is None:
                continue
            self.signed += unit.sei.document is not None
        self.gops = gop + 1

    def is_hashed(self, unit):
        return unit.vcl or bool(unit.sei and unit.sei.document is None)

    def note_fields(self, sei):
        if sei.crypto:
            self.read_crypto(sei)
        for flag, chain in map(load_chain, sei.chains):
            name = "user_chain" if flag else "chain"
            if getattr(self, name) not in (None, chain):
                self.problems.append("the certificate chain changes")
            setattr(self, name, chain)

    def read_general(self, sei):
        read_general(sei)

    def read_crypto(self, sei):
        oid, pos = read_sized(sei.crypto, 1)
        signing, pos = read_sized(sei.crypto, pos)
        if sei.crypto[0] != 1 or len(sei.crypto) != pos + 2 or oid not in HASHES:
            raise Bad("cryptographic information")
        crypto = {"hash": HASHES[oid], "oid": signing, "rsa": int.from_bytes(sei.crypto[pos:], "big")}
        if self.crypto not in (None, crypto):
            raise Bad("the algorithms change")
        self.crypto = crypto

    def check_signatures(self):
        if self.signer and not self.chain and not self.crypto:  # cut off with the certificate SEI
            length = len(self.seis[0].link)
            self.chain, self.crypto = [self.signer], {"hash": "sha%d" % (8 * length), "oid": b"", "rsa": 0}
        if not self.chain or not self.crypto:
            raise Bad("no certificate or no algorithms in the clip")
        if self.signer and self.signer != (self.user_chain or self.chain)[0]:
            self.problems.append("signed by somebody else")
        maker = self.chain[0].public_key()
        key = self.user_chain[0].public_key() if self.user_chain else maker
        if not isinstance(key, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey)):
            raise Bad("key of an unknown kind")
        for unit in self.units:
            # 5.10: the certificate SEI is always signed with the manufacturer's key.
            if unit.sei and unit.sei.document is not None and \
                    not signature_ok(maker if unit.sei.certificate else key, unit.sei, self.crypto):
                self.problems.append("the signature of an SEI does not verify")

    def hash_units(self):
        """5.4: hash(F) = H(anchor || H(F)); the first slice of the GOP is the anchor; SEIs are hashed alone (5.3)."""
        alg = self.crypto["hash"]
        anchor = None
        for h in self.hashables:
            h.plain = h.unit.digest(alg)
            if h.unit.gop_start:
                anchor = h.plain
            self.set_entry(h, anchor)
        # A clip that begins inside a GOP: its first slice is not there, but signed SEIs quote its hash, as the first
        # entry of their list or as their link.
        head = [h for h in self.hashables if h.gop < 0 and h.unit.vcl]
        quoted = [x for s in self.seis[:3] for x in ((s.entries or [])[:1] + [s.link])]
        listed = {e for s in self.seis[:3] for e in s.entries or ()}
        for anchor in quoted if head else ():
            for h in head:
                self.set_entry(h, anchor)
            if head[0].entry in listed:
                break

    def set_entry(self, h, anchor):
        alone = h.unit.gop_start or not h.unit.vcl or anchor is None
        h.entry = h.plain if alone else hashlib.new(self.crypto["hash"], anchor + h.plain).digest()

    def gop_end(self, pos):
        """The first hashable unit of the next GOP."""
        pos += 1
        while pos < len(self.hashables) and not self.hashables[pos].unit.gop_start:
            pos += 1
        return pos

    def whole_run(self, sei, pos):
        """End of the run of units from `pos` that is exactly what the SEI speaks about, or None."""
        end = self.gop_end(pos) if sei.count == COUNT_UNKNOWN else pos + sei.count
        entries = [h.entry for h in self.hashables[pos:end]]
        if end <= min(sei.place, len(self.hashables)) and \
                hashlib.new(self.crypto["hash"], self.salt + b"".join(entries)).digest() == sei.gop_hash:
            if sei.entries is not None and sei.entries != entries:
                self.problems.append("the hash list is not the one that the GOP hash is made of")
            return end
        # ONVIF's reference signer repeats GOP hash and count of the SEI before in its last one; the list is right.
        if sei is self.seis[-1] and len(self.seis) > 1 and sei.gop_hash == self.seis[-2].gop_hash and sei.entries:
            end = pos + len(sei.entries)
            if [h.entry for h in self.hashables[pos:end]] == sei.entries:
                self.notes.append("the last SEI quotes the GOP hash of the one before")
                return end
        return None

    def gappy_run(self, sei, pos):
        """The same by the hash list, when units are gone: (end, index in the list of the missing ones) or None."""
        if not sei.entries:
            return None
        missing, at, end = [], 0, pos
        stop = min(sei.place, len(self.hashables))
        while end < stop and self.hashables[end].entry in sei.entries[at:]:
            found = sei.entries.index(self.hashables[end].entry, at)
            missing += range(at, found)
            at, end = found + 1, end + 1
        missing += range(at, len(sei.entries))
        # What stands behind must begin the next GOP, or belong to the next part: else it is no loss but an alteration.
        rest = [h for h in self.hashables[end:stop] if h.unit.vcl][:1]
        strange = rest and not rest[0].unit.gop_start and not (
            sei.partial and any(rest[0].entry in (s.entries or ()) for s in self.seis))
        return (end, missing) if end > pos and not strange else None

    def match(self):
        """Gives each SEI its run of units. Runs follow on each other without gap and overlap."""
        pos, self.runs, started = 0, {}, False
        i = 0
        while i < len(self.seis) and pos < len(self.hashables):
            sei = self.seis[i]
            end = self.whole_run(sei, pos)
            if end is None:
                later = next((k for k in range(i + 1, len(self.seis)) if self.whole_run(self.seis[k], pos)), None)
                gap = self.gappy_run(sei, pos) if later is None else None
                if later is not None or (not started and gap is None):
                    # The SEI speaks about units that are not in the clip: before its beginning, or a run of GOPs cut out.
                    if started:
                        self.missing.append("GOPs %d to %d of the counter" % (self.counter(i), self.counter(later - 1)))
                    i += 1
                    continue
                if gap is None:
                    if sei is self.seis[-1] and sei.entries is None and sei.gop_hash == self.seis[-2].gop_hash:
                        self.notes.append("the last SEI repeats the GOP hash of the one before: not verifiable")
                        break
                    # Altered units, or units whose SEI is gone: then the SEI fits a later GOP.
                    self.problems.append("GOP %d: its hash does not fit the units" % self.hashables[pos].gop)
                    later = pos = self.gop_end(pos)
                    while later < sei.place and self.whole_run(sei, later) is None:
                        later = self.gop_end(later)
                    if later < sei.place:
                        pos = later
                    else:
                        i += 1
                    continue
                end, missing = gap
                if started or self.hashables[0].gop == 0 or missing != list(range(len(missing))):
                    self.missing.append("GOP %d: units %s" % (self.hashables[pos].gop, missing))
            started = True
            self.runs[sei] = (pos, end)
            self.check_run(sei, pos, end)
            pos, i = end, i + 1
        self.tail = pos

    def check_run(self, sei, pos, end):
        inside = [h for h in self.hashables[pos:end] if h.unit.gop_start]
        lead = next((h for h in self.hashables[pos:end] if h.unit.vcl), None)
        if len(inside) > 1 or (inside and inside[0] is not lead):
            self.problems.append("an SEI speaks about more than one GOP")
        rest = [h for h in self.hashables[end:] if h.unit.vcl]
        last = not rest or rest[0].unit.gop_start or not any(h.unit.gop_start for h in rest)
        if not sei.partial and not last:
            self.problems.append("GOP %d: a part that is not marked as one" % self.hashables[pos].gop)
        if sei.partial and end < len(self.hashables) and self.hashables[end].unit.gop_start:
            self.problems.append("GOP %d: its last part is marked as partial" % self.hashables[pos].gop)

    def counter(self, i):
        return int.from_bytes(self.seis[i].raw_counter, self.order)

    @property
    def order(self):
        """The text says little endian, ONVIF's reference writes big endian: whichever makes the times plausible."""
        years = lambda o: abs(int.from_bytes(self.seis[0].raw_start, o) / 1e7 - EPOCH_1601 - 1.5e9)
        return min(("big", "little"), key=years)

    def check_sequence(self):
        """Counter, link to the (partial) GOP before (5.4), and times, from SEI to SEI."""
        start = lambda s: int.from_bytes(s.raw_start, self.order)
        self.first_time = start(next(iter(self.runs), self.seis[0])) / 1e7 - EPOCH_1601
        for i in range(1, len(self.seis)):
            one, two = self.seis[i - 1:i + 1]
            step = (self.counter(i) - self.counter(i - 1)) % 2**32
            if start(two) < start(one) or not 0 < step < 2**31:
                self.problems.append("counter or time runs backwards: joined or reordered")
            elif step > 1 + (start(two) - start(one)) / 1e4:  # a GOP lasts 1 ms at least
                self.problems.append("the counter jumps further than the time: joined")
            elif step > 1:
                self.missing.append("%d SEIs by the counter" % (step - 1))
            if two.link == bytes(len(two.link)):  # only the first SEI of a recording has no link
                self.problems.append("a recording begins in the middle of the clip: joined")
            if step != 1 or one not in self.runs:
                continue
            first = one.entries[0] if one.entries else self.hashables[self.runs[one][0]].entry
            if two.link != first:
                self.problems.append("the SEI of GOP counter %d is not linked to the one before" % self.counter(i))
            if two.raw_end and two.gop_hash != one.gop_hash and two.raw_start != one.raw_end:
                self.problems.append("the times of two GOPs do not follow on each other")

    def check_coverage(self):
        """From the end: a signed SEI vouches for its units, and through unsigned SEIs among them for theirs (5.5)."""
        trusted = set()
        for sei in reversed(self.seis):
            if sei in self.runs and (sei.document is not None or sei.own.index in trusted):
                trusted.update(range(*self.runs[sei]))
        self.covered = len(trusted)
        end = max(trusted, default=-1) + 1
        if not trusted:
            self.problems.append("no unit is covered by a signature")
        if any(i not in trusted for i in range(end)):
            self.problems.append("units in the middle of the clip are not covered by a signature")
        self.uncovered = len(self.hashables) - end


def judge_chain(check, ca, at):
    """(provenance, reason) of the signer's certificates."""
    if not check.chain or not ca:
        return "unknown", ""
    when = (at if at is not None else check.first_time) or 0
    trusted, reason = chain_ok(check.chain, ca, when)
    if not trusted and at is None and when < 946684800:
        return "unknown", "the signed times are before the year 2000"
    return "trusted" if trusted else "untrusted", reason


def main():
    parser = check_cli.parser(__doc__, ("h264", "h265"))
    parser.add_argument("--ca", help="trust anchor, PEM")
    parser.add_argument("--at", type=float, help="judge certificates at this time instead of the recording time")
    args = parser.parse_args()
    check = check_cli.open_check(Check, args)
    if check is None:
        return 2
    verdict = check.run()
    provenance, reason = judge_chain(check, args.ca, args.at)
    check_cli.answer(check, verdict, {"provenance": provenance, "reason": reason})
    return 0 if verdict == "authentic" and not (args.ca and provenance == "untrusted") else 1


if __name__ == "__main__":
    sys.exit(main())
