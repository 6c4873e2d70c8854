"""A signed clip as the edit generator sees it: units with a name of their own, and which SEI speaks about which.

The structure is read from the *intact* clip (counts and order of its SEIs) by the independent reader in tests/interop;
edited clips are never looked at, so an expectation comes from the edit alone.
"""
import copy
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
import onvif_check  # noqa: E402  (readers and syntax; a verdict is asked only of intact clips)
from media_units import read_clip  # noqa: E402


class Item:
    """A unit in a clip. `source` is the item of the intact clip it came from; None for what was never there."""

    def __init__(self, codec, data, source=None, recording=None):
        self.codec, self.data, self.source, self.recording = codec, data, source, recording
        self.intact = True
        self.hashable = self.sei = None  # index among the hashable units; GopSei of a general SEI
        self.picture = self.gop = 0
        self.classify()

    def classify(self):
        """What a reader takes the bytes for, damaged or not."""
        try:
            unit = onvif_check.Unit(self.codec, self.data)
            ours = unit.sei
            self.malformed = False
        except (onvif_check.Bad, IndexError):
            self.malformed, ours = True, None
            unit = None
        self.type = unit.type if unit else -1
        self.vcl, self.first, self.gop_start = (unit.vcl, unit.first, unit.gop_start) if unit else (False, False, False)
        self.parsed = ours
        self.signed = bool(ours and ours.document is not None)
        self.certificate = bool(ours and ours.certificate)
        self.general = bool(ours and ours.general)
        self.hashed = self.vcl or bool(ours and not self.signed)

    def derived(self, data=None):
        """A copy that remembers where it came from; altered if it has other bytes."""
        other = copy.copy(self)
        other.source = self.source or self
        if data is not None and data != self.data:
            other.data, other.intact = data, False
            other.classify()
            other.sei = None if not other.general else other.sei
        return other


class GopSei:
    """A general SEI of the intact clip and the run of hashable units [begin, end) it speaks about."""

    def __init__(self, index, item, begin, end, parsed):
        self.index, self.item, self.begin, self.end = index, item, begin, end
        self.signed, self.listed, self.partial = item.signed, parsed.entries is not None, bool(parsed.partial)


class SignedClip:
    def __init__(self, name, path):
        self.name = name
        self.codec, samples = read_clip(path)
        check = onvif_check.Check(self.codec, [u for s in samples for u in s])
        verdict = check.run()
        if verdict != "authentic":
            raise ValueError("%s: the intact clip is %s: %s" % (name, verdict, check.problems[:3] + check.missing[:3]))
        self.check = check
        self.items = [Item(self.codec, u, recording=self) for s in samples for u in s]
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
        self.covered, _ = self.vouched({s.index for s in self.seis}, {it.hashable for it in self.hashables})

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


def into_samples(items):
    """Access units: a new one begins with what stands before a picture's first slice (H.264 7.4.1.2.3, H.265 7.4.2.4.4)."""
    samples, current, has_slice = [], [], False
    for i, item in enumerate(items):
        suffix = item.codec == "h265" and item.type == 40
        if has_slice and not suffix and (item.first or not item.vcl):
            samples.append(current)
            current, has_slice = [], False
        current.append(item.data)
        has_slice = has_slice or item.vcl
    if current:
        if not has_slice and samples:
            samples[-1] += current
        else:
            samples.append(current)
    return samples
