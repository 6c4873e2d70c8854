"""A signed clip as the edit generator sees it: units with a name of their own, and which SEI speaks about which.

The structure is read from the *intact* clip (counts and order of its SEIs) by the independent reader in tests/interop;
edited clips are never looked at, so an expectation comes from the edit alone.
"""
import copy
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
import axis_check  # noqa: E402
import media_units  # noqa: E402
import onvif_check  # noqa: E402  (readers and syntax; a verdict is asked only of intact clips)

CHECKS = {"onvif": onvif_check, "axis": axis_check}
SUPPLEMENT = bytes.fromhex("5dd644f4f4574d2f8680fe9b3ea9a1a8")  # docs/formats/supplement-sei.md
# What a decoder is told beside the pictures, and what only helps to find them.
PARAMETER_SETS = {"h264": (7, 8, 13, 15), "h265": (32, 33, 34), "av1": (1,)}
DELIMITERS = {"h264": (9, 10, 11, 12), "h265": (35, 36, 37, 38), "av1": (2, 15)}


class Item:
    """A unit in a clip. `source` is the item of the intact clip it came from; None for what was never there."""

    def __init__(self, codec, data, source=None, recording=None, form="onvif"):
        self.codec, self.data, self.source, self.recording, self.form = codec, data, source, recording, form
        self.intact = True
        self.hashable = self.sei = None  # index among the hashable units; GopSei of a general SEI
        self.picture = self.gop = 0
        self.time = None  # presentation, 90 kHz, of the access unit
        self.supplement_of = None  # of a supplement: index of the signed SEI that it accompanies
        self.classify()

    def classify(self):
        """What a reader takes the bytes for, damaged or not."""
        try:
            unit = CHECKS[self.form].Unit(self.codec, self.data)
            ours = unit.sei
            self.malformed = False
        except (onvif_check.Bad, IndexError):
            self.malformed, ours = True, None
            unit = None
        self.type = unit.type if unit else -1
        self.vcl, self.first, self.gop_start = (unit.vcl, unit.first, unit.gop_start) if unit else (False, False, False)
        self.parsed = ours
        self.supplement = self.codec != "av1" and self.form == "onvif" and is_supplement(self.codec, self.data)
        unit_at_all = not self.data or self.data[0] < 0x80  # forbidden_zero_bit
        self.set = unit_at_all and self.type in PARAMETER_SETS[self.codec]
        self.delimiter = unit_at_all and self.type in DELIMITERS[self.codec]
        self.signed = bool(ours and ours.document is not None)
        self.certificate = bool(ours and ours.certificate)
        self.general = bool(ours and ours.general)
        # AV1 in Axis' form: metadata of others is signed like a part of the picture.
        self.hashed = self.vcl or bool(ours and not self.signed) or bool(getattr(unit, "linked", False))

    def derived(self, data=None):
        """A copy that remembers where it came from; altered if it has other bytes."""
        other = copy.copy(self)
        other.source = self.source or self
        if data is not None and data != self.data:
            other.data, other.intact = data, False
            other.classify()
            other.sei = None if not other.general else other.sei
        return other


def is_supplement(codec, data):
    at = 1 if codec == "h264" else 2
    if not (data[0] & 31 == 6 if codec == "h264" else len(data) > 2 and data[0] >> 1 & 63 in (39, 40)) or data[at:at + 1] != b"\5":
        return False
    at += 1
    while data[at:at + 1] == b"\xff":
        at += 1
    return data[at + 1:at + 17] == SUPPLEMENT


class GopSei:
    """A general SEI of the intact clip and the run of hashable units [begin, end) it speaks about."""

    def __init__(self, index, item, begin, end, parsed):
        self.index, self.item, self.begin, self.end = index, item, begin, end
        self.signed, self.listed, self.partial = item.signed, parsed.entries is not None, bool(parsed.partial)


class SignedClip:
    promised = False  # whether the certificate says that no GOP is signed without a supplement

    def __init__(self, name, path, form="onvif"):
        """`path`: MP4, for its times and header."""
        self.name, self.form = name, form
        track = media_units.read_track(path)
        self.codec, samples = track.codec, track.samples
        self.config, self.times = track.config, [t * 90000 // track.timescale for t in track.times]
        check = CHECKS[form].Check(self.codec, [u for s in samples for u in s])
        verdict = check.run()
        if verdict != "authentic":
            raise ValueError("%s: the intact clip is %s: %s" % (name, verdict, check.problems[:3] + check.missing[:3]))
        self.check = check
        self.items = [self.item(u) for s in samples for u in s]
        for it, time in zip(self.items, (t for s, t in zip(samples, self.times) for _ in s)):
            it.recording, it.time = self, time
        by_unit = {id(u): it for u, it in zip(check.units, self.items)}
        self.hashables = []
        for h in check.hashables:
            item = by_unit[id(h.unit)]
            item.hashable = len(self.hashables)
            self.hashables.append(item)
        picture = gop = -1
        for item in self.items:
            picture, gop = picture + item.first, gop + item.gop_start
            item.picture, item.gop = picture, gop
        self.pictures, self.gops = picture + 1, gop + 1
        by_bytes = {}
        for u, it in zip(check.units, self.items):
            if it.general:
                by_bytes.setdefault(u.data, []).append(it)
        self.seis = []
        for sei, (begin, end) in check.runs.items():
            items = next(v for v in by_bytes.values() if v[0].parsed.general == sei.general and
                         v[0].parsed.signature == sei.signature)
            gop_sei = GopSei(len(self.seis), items[0], begin, end, sei)
            for it in items:
                it.sei = gop_sei
            self.seis.append(gop_sei)
        self.find_supplements()
        self.covered, _ = self.vouched({s.index for s in self.seis}, {it.hashable for it in self.hashables})

    def item(self, data):
        return Item(self.codec, data, form=self.form)

    def header_sets(self):
        """Parameter sets of the container's header (14496-15, 5.3.3.1 and 8.3.3.1)."""
        c, sets = self.config, []
        at = {"h264": 5, "h265": 23}.get(self.codec, len(c))
        arrays = c[22] if self.codec == "h265" else 2
        while arrays and at < len(c):
            if self.codec == "h265":
                count, at = int.from_bytes(c[at + 1:at + 3], "big"), at + 3
            else:
                count, at = c[at] & 31, at + 1
            for _ in range(count):
                size = int.from_bytes(c[at:at + 2], "big")
                sets.append(c[at + 2:at + 2 + size])
                at += 2 + size
            arrays -= 1
        return sets

    def find_supplements(self):
        """A supplement stands in front of the signed SEI that it accompanies; repeats are the same bytes."""
        waiting, by_bytes = [], {}
        for it in self.items:
            if it.supplement:
                waiting.append(it)
            elif it.general and it.signed:
                for one in waiting:
                    one.supplement_of = by_bytes.setdefault(one.data, it.sei.index)
                waiting = []
        if waiting:
            raise ValueError("%s: a supplement without its SEI" % self.name)
        accompanied = set(by_bytes.values())
        if by_bytes and accompanied != {s.index for s in self.seis if s.signed}:
            raise ValueError("%s: a signed SEI without its supplement" % self.name)
        self.supplements = sorted(accompanied)

    def vouched(self, seis, present):
        """Hashable units that the given intact SEIs vouch for, and which SEIs those are: an unsigned one counts as far as
        a signed one covers it."""
        covered, valid = set(), set()
        for sei in reversed(self.seis):
            own = sei.item.hashable
            if sei.index in seis and (sei.signed or (own in covered and own in present)):
                covered.update(range(sei.begin, sei.end))
                valid.add(sei.index)
        return covered, valid

    @property
    def low_bitrate(self):
        return not self.seis[0].listed


def access_units(items):
    """A new one begins with what stands before a picture's first slice (H.264 7.4.1.2.3, H.265 7.4.2.4.4)."""
    samples, current, has_slice = [], [], False
    for i, item in enumerate(items):
        suffix = item.codec == "h265" and item.type == 40
        if has_slice and not suffix and (item.first or not item.vcl):
            samples.append(current)
            current, has_slice = [], False
        current.append(item)
        has_slice = has_slice or item.vcl
    if current:
        if not has_slice and samples:
            samples[-1] += current
        else:
            samples.append(current)
    return samples


def into_samples(items):
    return [[it.data for it in sample] for sample in access_units(items)]


def sample_times(samples):
    """Of access units of items: that of their first slice, else of any unit, else a picture later than the one before."""
    times = []
    for sample in samples:
        known = [it.time for it in sorted(sample, key=lambda it: not it.first) if it.time is not None]
        times.append(known[0] if known else times[-1] + 3600 if times else 0)
    return times
