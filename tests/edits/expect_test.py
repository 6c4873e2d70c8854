#!/usr/bin/env python3
"""The rules of expect.py on scenes small enough to check by eye.

Notation: I and P are pictures of one slice, p a further slice, S a signed SEI, X its supplement, u an unsigned SEI, v a
parameter set, z a message of somebody else. An SEI speaks about the pictures before the newest I (SEIs come behind the I that ends their GOP), or about all of them at the end.
"""
import copy
import itertools
import unittest

from expect import AUTHENTIC, MISSING, NOT, UNSIGNED, expect
from signed_clip import GopSei, SignedClip


def content(numbers=itertools.count()):
    """Bytes that no other unit has; the difference stands at the end."""
    return bytes(40) + next(numbers).to_bytes(4, "big")


class FakeUnit:
    def __init__(self, letter, recording):
        self.letter, self.recording, self.codec, self.source = letter, recording, "h264", None
        self.vcl, self.first, self.gop_start = letter in "IPp", letter in "IP", letter == "I"
        self.type = {"I": 5, "P": 1, "p": 1, "v": 8}.get(letter, 6)
        self.general, self.signed, self.hashed = letter in "Su", letter == "S", letter in "IPpu"
        self.intact, self.malformed, self.certificate = True, False, False
        self.parsed = letter if letter in "Su" else None
        self.hashable = self.sei = self.time = self.supplement_of = None
        self.supplement, self.set, self.delimiter = letter == "X", letter == "v", False
        self.picture = 0
        self.data = content()

    def derived(self):
        other = copy.copy(self)
        other.source = self.source or self
        return other

    def altered(self):
        other = self.derived()
        other.intact, other.data = False, content()
        return other


class FakeSei:
    def __init__(self, listed):
        self.entries, self.partial = [] if listed else None, 0


class FakeClip:
    def __init__(self, scene, listed=True):
        self.items, self.hashables, self.seis = [FakeUnit(c, self) for c in scene], [], []
        gop, done, picture, waiting = -1, 0, -1, []
        for it in self.items:
            gop, picture = gop + it.gop_start, picture + it.first
            it.gop, it.picture, it.time = gop, picture, max(0, picture) * 3600
            waiting += [it] if it.supplement else []
            if it.hashed:
                it.hashable = len(self.hashables)
                self.hashables.append(it)
            if it.general:
                seen = [h for h in self.hashables if h is not it]
                starts = [h.hashable for h in seen if h.gop_start]
                end = starts[-1] if starts[-1] > done and it is not self.items[-1] else len(seen)
                it.sei = GopSei(len(self.seis), it, done, end, FakeSei(listed))
                for one in waiting:
                    one.supplement_of = it.sei.index
                self.seis.append(it.sei)
                done, waiting = end, []
        self.supplements = sorted({it.supplement_of for it in self.items if it.supplement})
        self.promised = False
        self.low_bitrate = not listed
        self.covered, _ = self.vouched({s.index for s in self.seis}, {h.hashable for h in self.hashables})

    vouched = SignedClip.vouched

    def header_sets(self):
        return []


class Expectations(unittest.TestCase):
    def setUp(self):
        self.clip = FakeClip("vIPPPISPPPISPPPISPPP")  # 3 GOPs that are vouched for, one that is not
        self.low = FakeClip("vIPPPISPPPISPPPISPPP", listed=False)
        self.again = FakeClip("vIPPPISPPPISPPPISPPP")

    def units(self, clip=None):
        return [it.derived() for it in (clip or self.clip).items]

    def judge(self, items, clip=None):
        return expect(clip or self.clip, items)

    def test_untouched_is_authentic(self):
        for clip in (self.clip, self.low, FakeClip("IPPIuPPIuPPISPPS"), FakeClip("IpPpISpPpS")):
            self.assertEqual(self.judge(self.units(clip), clip).verdicts, {AUTHENTIC})

    def test_altered_picture_is_named(self):
        items = self.units()
        items[8] = items[8].altered()  # the second P of GOP 1: picture 6
        e = self.judge(items)
        self.assertEqual((e.verdicts, e.must, e.may, e.touched), ({NOT}, [{6}], {6}, True))

    def test_altered_in_low_bitrate_names_nobody(self):
        items = self.units(self.low)
        items[8] = items[8].altered()
        e = self.judge(items, self.low)
        self.assertEqual((e.verdicts, e.must), ({NOT}, []))

    def test_altered_tail_is_not_covered(self):
        items = self.units()
        items[-1] = items[-1].altered()
        e = self.judge(items)
        self.assertEqual((e.verdicts, e.touched), ({AUTHENTIC}, False))

    def test_altered_parameter_set(self):
        items = self.units()
        items[0] = items[0].altered()
        self.assertEqual(self.judge(items).verdicts, {AUTHENTIC})

    def test_dropped_picture_is_missing_where_it_would_have_been(self):
        for at, index in ((2, 1), (8, 6), (5, 4)):  # the last one is an I
            items = self.units()
            del items[at]
            e = self.judge(items)
            self.assertEqual((e.verdicts, e.must, e.may), ({MISSING}, [{index}], {index}))

    def test_dropped_picture_in_low_bitrate(self):
        items = self.units(self.low)
        del items[8]
        self.assertEqual(self.judge(items, self.low).verdicts, {NOT})

    def test_dropped_slice_names_its_picture(self):
        clip = FakeClip("IpPpPpISpPpPpISpPp")
        items = self.units(clip)
        del items[9]  # `p` of the first P in GOP 1
        e = self.judge(items, clip)
        self.assertEqual((e.verdicts, e.must), ({MISSING}, [{4}]))

    def test_dropped_sei_leaves_its_gop_uncovered(self):
        items = self.units()
        del items[11]
        self.assertEqual(self.judge(items).verdicts, {NOT})

    def test_dropped_last_sei_is_a_longer_tail(self):
        items = self.units()
        del items[16]
        self.assertEqual(self.judge(items).verdicts, {AUTHENTIC})

    def test_foreign_picture(self):
        items = self.units()
        items.insert(8, self.again.items[3].derived())
        e = self.judge(items)
        self.assertEqual((e.verdicts, e.must, e.may), ({NOT}, [{6}], {6}))

    def test_repeated_picture_and_repeated_sei(self):
        items = self.units()
        items.insert(9, items[8].derived())
        e = self.judge(items)
        self.assertEqual((e.verdicts, e.must), ({NOT}, [{6, 7}]))
        items = self.units()
        items.insert(12, items[11].derived())
        self.assertEqual(self.judge(items).verdicts, {AUTHENTIC})

    def test_swapped_pictures(self):
        items = self.units()
        items[7], items[9] = items[9], items[7]
        e = self.judge(items)
        self.assertEqual(e.verdicts, {NOT})
        self.assertTrue(e.must and e.must[0] <= {5, 6, 7, 8})

    def test_an_i_and_a_later_picture_swapped(self):
        items = self.units()
        items[5], items[8] = items[8], items[5]  # two move: what stands in front of the I belongs behind it
        e = self.judge(items)
        self.assertEqual((e.verdicts, e.must), ({NOT}, [{4, 5, 6, 7, 8}]))

    def test_swapped_gops(self):
        items = self.units()
        self.assertEqual(self.judge(items[:1] + items[5:10] + items[1:5] + items[10:]).verdicts, {NOT})

    def test_cuts(self):
        for items in (self.units()[5:], self.units()[10:], self.units()[:13], self.units()[5:13]):
            self.assertEqual(self.judge(items).verdicts, {AUTHENTIC})
        self.assertEqual(self.judge(self.units()[7:]).verdicts, {AUTHENTIC, MISSING})

    def test_removed_gop(self):
        items = self.units()
        e = self.judge(items[:5] + items[10:])  # the SEI of GOP 0 went with GOP 1, and nothing before it is vouched for
        self.assertEqual(e.verdicts, {NOT})
        e = self.judge(items[:10] + items[15:])  # as before, but behind a GOP that is vouched for
        self.assertEqual((e.verdicts, e.unproved), ({MISSING, NOT}, 0))
        items[8] = items[8].altered()
        e = self.judge(items[:10] + items[15:])
        self.assertEqual((e.verdicts, e.unproved), ({MISSING, NOT}, 1))
        items = self.units()
        kept = items[:5] + [items[6]] + items[10:]
        self.assertEqual(self.judge(kept).verdicts, {MISSING})

    def test_splice(self):
        one, two = self.units(), self.units(self.again)
        self.assertEqual(self.judge(one[:12] + two).verdicts, {NOT})
        self.assertEqual(self.judge(one[:12] + two[10:]).verdicts, {NOT})

    def test_stripped(self):
        self.assertEqual(self.judge([it for it in self.units() if not it.general]).verdicts, {UNSIGNED})

    def test_seis_of_another_recording(self):
        items = [o.derived() if o.general else it for it, o in zip(self.units(), self.again.items)]
        self.assertEqual(self.judge(items).verdicts, {NOT})

    def test_unsigned_sei_vouches_only_when_it_is_vouched_for(self):
        clip = FakeClip("IPPIuPPIuPPISPPIuPP")
        self.assertEqual(len(clip.covered), 11)
        items = self.units(clip)
        del items[8]
        self.assertNotIn(AUTHENTIC, self.judge(items, clip).verdicts)

    def test_supplement_taken_away(self):
        clip = FakeClip("vIPPIXSPPIXSPPIXSPP")
        self.assertEqual(self.judge(self.units(clip), clip).verdicts, {AUTHENTIC})
        items = self.units(clip)
        del items[5]
        self.assertEqual(self.judge(items, clip).verdicts, {NOT})
        without = [it for it in self.units(clip) if not it.supplement]
        self.assertEqual(self.judge(without, clip).verdicts, {AUTHENTIC})
        clip.promised = True
        self.assertEqual(self.judge(without, clip).verdicts, {NOT})

    def test_parameter_sets_and_messages_that_a_supplement_speaks_about(self):
        clip = FakeClip("vIPPvIXSzPPvIXSzPPvIXSzP")
        for at, verdict in ((4, NOT), (8, NOT), (22, AUTHENTIC)):  # the last one stands in the unsigned end
            items = self.units(clip)
            items[at] = items[at].altered()
            self.assertEqual(self.judge(items, clip).verdicts, {verdict}, at)
        items = self.units(clip)
        del items[8]
        self.assertEqual(self.judge(items, clip).verdicts, {MISSING})
        items = self.units(clip)
        del items[4]
        self.assertEqual(self.judge(items, clip).verdicts, {AUTHENTIC})

    def test_times_and_the_picture_that_follows(self):
        clip = FakeClip("vIPPIXSPPIXSPPIXSPP")
        items = self.units(clip)
        for it in items:
            it.time += 12345
        self.assertEqual(self.judge(items, clip).verdicts, {AUTHENTIC})
        items[2].time += 1000
        self.assertEqual(self.judge(items, clip).verdicts, {NOT})
        self.assertEqual(expect(clip, items, "annexb").verdicts, {AUTHENTIC})
        items = self.units(clip)
        items[14] = items[14].altered()  # the I behind the last signed GOP, whose hash is signed
        self.assertEqual(self.judge(items, clip).verdicts - {NOT}, {MISSING})

    def test_moved_sei(self):
        items = self.units()
        sei = items.pop(6)
        items.insert(9, sei)
        self.assertEqual(self.judge(items).verdicts, {AUTHENTIC})


if __name__ == "__main__":
    unittest.main()
