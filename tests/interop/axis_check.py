#!/usr/bin/env python3
"""A second opinion on clips signed in the form of Axis Signed Video (versions 2.x of the framework; H.264, H.265, AV1).

usage: axis_check.py [--codec h264|h265|av1] [--signer CERT.pem] CLIP

Written from docs/formats/axis-signed-video.md alone; what the form shares with ONVIF Media Signing (runs of units, lists,
links, unsigned messages) is done by onvif_check.py. Prints JSON and exits 0 if the clip is authentic, else 1. It does not
judge certificates: the bare key in the stream proves that nothing was changed, not who signed.
"""
import hashlib
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

import check_cli
import onvif_check
from media_units import leb128
from onvif_check import Bad, CRYPTO_HASH, EPOCH_1601, HASHES, unescape

UUID = b"Signed Video...0"
ESCAPED_BEFORE_HASHING, GOLDEN, CURRENT = 0x80, 0x40, 0x30
GENERAL, PUBLIC_KEY, PRODUCT, HASH_LIST, SIGNATURE, ARBITRARY, HASH_ALGORITHM, ATTESTATION = 1, 2, 3, 4, 5, 6, 7, 129
SEQUENCE_HEADER, METADATA, FRAME = 1, 5, 6  # OBU types
USER_PRIVATE = 25  # metadata_type


class Unit:
    def __init__(self, codec, data):
        self.data = data.rstrip(b"\0")
        self.sei = None
        if codec == "av1":
            self.read_obu(data)
            return
        h264, header = codec == "h264", 1 if codec == "h264" else 2
        self.type = data[0] & 31 if h264 else data[0] >> 1 & 63
        self.vcl = self.type in ((1, 5) if h264 else (0, 1, *range(16, 22))) and data[0] < 0x80 and len(data) >= header
        self.first = self.vcl and len(data) > header and data[header] >= 0x80
        self.gop_start = self.first and (self.type == 5 if h264 else self.type >= 16)
        self.linked = self.vcl
        if (self.type == 6 if h264 else self.type in (39, 40)) and data[header:header + 1] == b"\x05":
            self.sei = parse_sei(self.data, header)

    def read_obu(self, data):
        size, at = leb128(data, 1)
        if data[0] & 0x86 != 2 or at + size != len(data):
            raise Bad("OBU: no size of its own, or another one")
        self.type = data[0] >> 3 & 15
        if self.type in (3, 4):
            raise Bad("OBU: frames in pieces are not read here")
        self.vcl = self.first = self.type == FRAME
        self.gop_start = self.vcl and size > 0 and data[at] & 0xE0 == 0  # a key frame, not an existing one
        if self.type == METADATA and data[at:at + 2] == bytes([USER_PRIVATE, 0x80]) and data[at + 2:at + 18] == UUID:
            self.sei = parse(self.data, self.data, range(len(data)), at + 2, len(self.data) - 1)
        self.linked = self.vcl or (self.type == METADATA and not self.sei)  # metadata of others is signed as well

    def digest(self, alg):
        return hashlib.new(alg, self.data if not self.sei else self.sei.whole).digest()


class Sei:
    pass


def parse_sei(data, header):
    if UUID not in data and UUID not in unescape(data)[0]:
        return None
    pos, size = header + 1, 0
    while data[pos] == 0xFF:
        size, pos = size + 255, pos + 1
    size, pos = size + data[pos], pos + 1
    plain, where = unescape(data) if pos + size + 1 != len(data) else (data, range(len(data)))
    if plain[pos:pos + 16] != UUID:
        return None
    if len(plain) != pos + size + 1:
        raise Bad("message: payload size")
    return parse(data, plain, where, pos, pos + size)


def parse(data, plain, where, pos, end):
    """Flags and fields between `pos` (of the UUID) and `end`; `where`: place of each plain byte in `data`."""
    sei, at = Sei(), pos + 17
    sei.reserved, fields, sei.document, sei.signature_at = plain[pos + 16], {}, None, None
    if plain[-1] != 0x80:
        raise Bad("message: stop byte")
    escaped = bool(sei.reserved & ESCAPED_BEFORE_HASHING)
    while at < end:
        tag, start = plain[at], at
        wide = tag not in (GENERAL, HASH_ALGORITHM)
        length = int.from_bytes(plain[at + 1:at + 3], "big") if wide else plain[at + 1]
        at += 3 if wide else 2
        if at + length > end or sei.document is not None or tag in fields:
            raise Bad("message: a field is cut, repeated or behind the signature")
        if tag not in (GENERAL, PUBLIC_KEY, PRODUCT, HASH_LIST, SIGNATURE, ARBITRARY, HASH_ALGORITHM, ATTESTATION):
            raise Bad("message: unknown field")
        if tag == SIGNATURE:
            sei.document, sei.signature_at = data[:where[start]] if escaped else plain[:start], where[start]
        fields[tag] = plain[at:at + length]
        at += length
    sei.whole = data if escaped else plain
    sei.certificate = bool(sei.reserved & GOLDEN)
    if not sei.certificate and not sei.reserved & CURRENT:
        raise Bad("message: legacy, not read here")
    if (sei.certificate and (sei.document is None or GENERAL in fields)) or (not sei.certificate and GENERAL not in fields):
        raise Bad("message: fields do not go with its kind")
    get = fields.get
    sei.signature, sei.general, sei.list = get(SIGNATURE), get(GENERAL), get(HASH_LIST)
    sei.public_key, sei.algorithm, sei.crypto, sei.chains = get(PUBLIC_KEY), get(HASH_ALGORITHM), None, []
    sei.free_tail = 1 if sei.signature is None else len(sei.signature) - 4 - int.from_bytes(sei.signature[2:4], "big") + 1
    if sei.general:
        read_general(sei)
    return sei


def read_general(sei):
    v = sei.general
    if v[0] < 3 or v[0] > 4:
        raise Bad("general information: version")
    sei.raw_counter, sei.count, flags = v[1:5], int.from_bytes(v[5:7], "big"), v[10]
    sei.partial, at = flags >> 1 & 1, 11
    ticks = lambda raw: ((int.from_bytes(raw, "big", signed=True) * 10 + EPOCH_1601 * 10**7) % 2**64).to_bytes(8, "big")
    sei.raw_start = sei.raw_end = None
    if flags & 1:
        sei.raw_start, at = ticks(v[at:at + 8]), at + 8
        if v[0] >= 4:
            sei.raw_end, at = ticks(v[at:at + 8]), at + 8
    h = (len(v) - at) // 2
    if h not in (32, 48, 64) or len(v) != at + 2 * h or sei.raw_start is None:
        raise Bad("general information: length")
    sei.link, sei.gop_hash = v[at:at + h], v[at + h:]
    sei.entries = None
    if sei.list is not None:
        if sei.list[0] != 1 or (len(sei.list) - 1) % h:
            raise Bad("hash list: version or length")
        sei.entries = [sei.list[i:i + h] for i in range(1, len(sei.list), h)]


class Check(onvif_check.Check):
    salt = b"\x01"
    order = "big"
    make_unit = Unit

    def note_fields(self, sei):
        if sei.algorithm is not None and sei.algorithm[2:] not in HASHES:
            raise Bad("hash algorithm")
        if sei.public_key is not None:
            pem = sei.public_key[1 if sei.public_key[0] == 2 else 2:].rstrip(b"\0")
            if getattr(self, "pem", pem) != pem:
                self.problems.append("the key changes")
            self.pem = pem
        if sei.algorithm is not None:
            self.crypto = {"hash": HASHES[sei.algorithm[2:]]}

    def read_general(self, sei):
        pass  # done while parsing

    def check_signatures(self):
        self.crypto = self.crypto or {"hash": "sha%d" % (8 * len(self.seis[0].link))}
        pem = getattr(self, "pem", None)
        if not pem and not self.signer:
            raise Bad("no key in the clip")
        key = serialization.load_pem_public_key(pem) if pem else self.signer.public_key()
        if self.signer and self.signer.public_key() != key:
            self.problems.append("signed by somebody else")
        alg = CRYPTO_HASH[self.crypto["hash"]]
        for sei in (u.sei for u in self.units if u.sei and u.sei.document is not None):
            size = int.from_bytes(sei.signature[2:4], "big")
            if sei.signature[0] != 2 or size > len(sei.signature) - 4:
                self.problems.append("a signature's version or size")
                continue
            try:
                how = (ec.ECDSA(alg),) if isinstance(key, ec.EllipticCurvePublicKey) else (padding.PKCS1v15(), alg)
                key.verify(sei.signature[4:4 + size], sei.document, *how)
            except InvalidSignature:
                self.problems.append("the signature of a message does not verify")

    def is_hashed(self, unit):
        return unit.linked or bool(unit.sei and unit.sei.document is None)

    def set_entry(self, h, anchor):
        if h.unit.linked and not h.unit.vcl and anchor is None:
            anchor = bytes(len(h.plain))  # metadata before the first picture
        alone = h.unit.gop_start or not h.unit.linked or anchor is None
        h.entry = h.plain if alone else hashlib.new(self.crypto["hash"], anchor + h.plain).digest()


def main():
    check = check_cli.open_check(Check, check_cli.parser(__doc__, ("h264", "h265", "av1")).parse_args())
    if check is None:
        return 2
    verdict = check.run()
    check_cli.answer(check, verdict)
    return 0 if verdict == "authentic" else 1


if __name__ == "__main__":
    sys.exit(main())
