"""What a right verifier says about an edited clip, worked out from what was done to it and never from a verifier.

Every unit of the edited clip carries its origin (signed_clip.Item), and the rules below speak about origins only:
 - a signed SEI vouches for its run of units, and through an unsigned SEI in that run for the run of that one;
 - between the first and the last unit that is vouched for, nothing may be altered, added, moved or left unvouched (but
   pictures whose SEI went away together with the GOPs behind them);
 - units gone from a run are missing where a hash list proves it, else the run as a whole does not fit;
 - what is cut off at either end is no failure, and what stands behind the last vouched unit is not covered;
 - delimiters, zeros behind a unit and exact repeats of a signed SEI change nothing; parameter sets, times and messages of
   others neither, but where a supplement speaks about them (expect_supplement.py).
Where a careful reader of the standard could judge either way, all defensible verdicts are allowed.
"""
from bisect import bisect_left

from expect_supplement import look_at_supplements

AUTHENTIC, MISSING, NOT, UNSIGNED = "authentic", "authentic_with_missing_frames", "not_authentic", "not_signed"


class Expectation:
    def __init__(self, verdicts, why, touched, must=(), may=None, unproved=0):
        self.verdicts, self.why = set(verdicts), why
        self.touched = touched  # a covered unit was altered, removed or moved, or something put between covered ones
        self.must = list(must)  # sets of picture indexes: at least one of each has to be named
        self.may = may          # all that may be named; None: not checked
        self.unproved = unproved  # pictures of the edited clip that must not count as authentic

    def __str__(self):
        return "%s (%s)" % (" or ".join(sorted(self.verdicts)), self.why)


# Without the first byte of ONVIF's, a zero: emulation prevention may stand around it.
UUIDS = (bytes.fromhex("5bc93f2d715e95ada4796f90877a6f"), b"Signed Video...0")


def was_ours(item):
    return item.source is not None and item.source.parsed is not None


def altered_sei(item):
    """Which part of a signed SEI was altered: 'signed', 'syntax' (no longer a signed SEI of ours) or 'free' (never signed)."""
    old, new = item.source.data, item.data
    if len(old) != len(new):
        return "signed"
    at = next(i for i in range(len(old)) if old[i] != new[i])
    if at < next(old.index(u) + len(u) for u in UUIDS if u in old):
        return "syntax"
    if at == item.source.parsed.signature_at:
        return "syntax"  # a field of another tag, which readers skip: an unsigned SEI, as if the signed one had been removed
    # The stop bit byte of an unsigned SEI is hashed, but only there. Emulation prevention only makes this region longer.
    return "free" if at >= len(old) - item.source.parsed.free_tail else "signed"


def usually_hashed(item):
    return item.type in {"h264": (1, 5), "h265": (0, 1, 16, 17, 18, 19, 20, 21), "av1": (6,)}[item.codec]


def reserved_slice(item):
    """Axis' list of hashed types leaves it out; a verifier may still not want one that nobody signed."""
    return item.codec == "h265" and not item.vcl and 0 <= item.type < 32


def longest_increasing(values):
    """Positions of a longest strictly increasing subsequence."""
    tails, last, before = [], [], {}
    for i, v in enumerate(values):
        k = bisect_left(tails, v)
        if k == len(tails):
            tails.append(v)
            last.append(i)
        else:
            tails[k], last[k] = v, i
        before[i] = last[k - 1] if k else None
    out, i = [], last[-1] if last else None
    while i is not None:
        out.append(i)
        i = before[i]
    return out[::-1]


class Judge:
    def __init__(self, clip, edited, container):
        self.clip, self.edited, self.container = clip, edited, container
        self.bad, self.maybe_bad, self.gone, self.maybe_gone = [], [], [], []
        self.touched = self.nothing = False
        self.must, self.names = [], True

    def own(self, item):
        return item.source is not None and item.recording is self.clip

    def expect(self):
        if not any(it.general or it.malformed or (was_ours(it) and not it.intact and it.source.general) for it in self.edited):
            left = any(it.parsed or it.supplement for it in self.edited)
            return Expectation({UNSIGNED, NOT} if left else {UNSIGNED}, "no SEI about a GOP is left", True)
        self.look_at_seis()
        self.look_at_units()
        if not self.nothing:
            self.look_for_missing()
            look_at_supplements(self)
        return self.sum_up()

    # ---- SEIs
    def look_at_seis(self):
        present, positions = {}, []
        units_before = 0
        for it in self.edited:
            units_before += it.hashed
            if was_ours(it) and not it.intact:
                part = altered_sei(it)
                copies = sum(it.source.signed and o.intact and o.data == it.source.data for o in self.edited)
                if part == "signed" and it.source.signed and not copies:
                    self.bad.append("a signed SEI is altered")
                    self.names, self.touched = False, True
                elif part != "free" or not it.source.signed:
                    self.maybe_bad.append("an SEI no longer looks like one")
                    self.names = False
                else:
                    self.maybe_bad.append("an SEI is altered where it is not signed")
                if part != "free":
                    continue
            sei = it.source.sei if it.source else it.sei
            if self.own(it) and sei is not None and (it.intact or it.signed):
                if sei.index in present:
                    if positions[-1] != sei.index:
                        self.maybe_bad.append("an SEI is repeated behind a later one")
                    if not it.signed:
                        self.maybe_bad.append("an unsigned SEI is repeated")
                    continue
                present[sei.index] = units_before
                positions.append(sei.index)
        if positions != sorted(positions):
            self.maybe_bad.append("SEIs are in another order")
        self.present = present
        foreign = {}
        for it in self.edited:
            if it.general and it.intact and not self.own(it):
                foreign.setdefault(it.recording, set()).add(it.source.sei.index if it.source.sei else -1)
        for recording, seis in foreign.items():
            here = {it.source.hashable for it in self.edited if it.recording is recording and it.hashed and it.source}
            runs = [recording.seis[i] for i in seis if i >= 0]
            if any(h in here for s in runs for h in range(s.begin, s.end) if recording.hashables[h].vcl):
                self.bad.append("a part of another recording, with its SEIs")
                self.names, self.touched = False, True
            elif len(present) < len(self.clip.seis):
                self.bad.append("SEIs of another recording in the place of its own")
                self.names, self.touched = False, True
            else:
                self.maybe_bad.append("an SEI of another recording")

    # ---- hashed units
    def look_at_units(self):
        clip = self.clip
        units = [it for it in self.edited if it.hashed]
        if any(reserved_slice(it) and it.source is not None and not it.intact for it in self.edited):
            self.maybe_bad.append("a unit became a slice of a reserved type")
        if any(b"\0\0\1" in it.data for it in self.edited if not it.intact and it.codec != "av1"):
            self.maybe_bad.append("a start code in a unit")
        present = {it.source.hashable for it in units if self.own(it) and it.intact and it.source.hashable is not None}
        self.cover, self.valid = clip.vouched(set(self.present), present)
        kinds, seen = [None] * len(units), set()
        own_at = []
        for i, it in enumerate(units):
            h = it.source.hashable if self.own(it) else None
            if h is None or h in seen:
                kinds[i] = "extra"
            else:
                seen.add(h)
                own_at.append(i)
                kinds[i] = "own" if it.intact else "altered"
        order = longest_increasing([units[i].source.hashable for i in own_at])
        moved = set(own_at) - {own_at[k] for k in order}
        for i in moved:
            kinds[i] = "moved"
        self.units, self.kinds = units, kinds
        at = [i for i in own_at if i not in moved and units[i].source.hashable in self.cover]
        if not at:
            self.nothing = True
            (self.bad if moved or any(k != "own" for k in kinds) or len(self.present) == 0 or self.maybe_bad else self.maybe_bad).append(
                "no unit is vouched for")
            self.names = False
            return
        self.first, self.last = at[0], at[-1]
        broken = any(s.index in self.present and s.begin <= units[self.first].source.hashable and
                     any(h not in present for h in range(s.begin, s.end)) for s in clip.seis)
        inside = not any(it.gop_start for it in units[:self.first])
        self.may_begin_inside = clip.low_bitrate and broken and inside or inside and self.anchor_is_quoted(units[self.first], present)
        self.in_order = {units[i].source.hashable for i in own_at if i not in moved}
        for i, it in enumerate(units):
            where = -1 if i < self.first else 1 if i > self.last else 0
            self.look_at_unit(i, it, kinds[i], where)
        if 0 < len(moved) <= 2:
            covered = [i for i in own_at if units[i].source.hashable in self.cover]
            rank = [units[i].source.hashable for i in covered]
            if rank[0] != min(rank) or rank[-1] != max(rank) or any(i > self.last or i < self.first for i in moved):
                # The border of what is vouched for is in question: the moved unit is also just missing from its run.
                self.maybe_gone.append("a unit moved over the border of what is vouched for")
                self.maybe_bad += self.bad + ["a unit is not in its place"]
                self.bad = []

    def anchor_is_quoted(self, item, present):
        """Whether a unit can be proved only with the hash of an anchor that is gone: not every verifier has to go that far."""
        h = item.source.hashable
        start = next(it.hashable for it in self.clip.hashables if it.gop_start and it.gop == self.clip.hashables[h].gop)
        head = next(s for s in self.clip.seis if s.begin <= h < s.end)
        return start not in present and (not head.listed or head.begin > start)

    def look_at_unit(self, i, it, kind, where):
        clip = self.clip
        if where == 0 and kind in ("own", "altered") and it.source.hashable not in self.cover:
            self.touched, self.names = True, False
            why = "pictures in the middle have lost their SEI"
            if self.stands_before_gap(i):
                # A removed run of GOPs takes along the SEI about the GOP before it. That is one thing with the run, if the
                # report does not count these pictures as authentic; to refuse the clip is right as well.
                self.gone.append(why + " with a run that was removed")
                self.maybe_bad.append(why)
            else:
                self.bad.append(why)
        elif where == 0 and kind == "altered" and clip.low_bitrate and self.stands_before_gap(i, True):
            # Without a list an SEI that does not fit may as well speak about the run that was removed.
            self.touched = True
            self.gone.append("a signed unit is altered in front of a run that was removed")
            self.maybe_bad.append("a signed unit is altered")
        elif where == 0 and kind == "altered" and it.type != it.source.type and not usually_hashed(it):
            # ONVIF's reference does not hash these types: by its rules the picture is gone, and this is not covered.
            self.touched, self.names = True, False
            self.gone.append("a picture became a unit of a type that not every signer hashes")
            self.maybe_bad.append("a signed unit is altered")
        elif where == 0 and kind == "altered" and i == self.last and it.gop_start and not it.source.gop_start:
            self.touched, self.names = True, False
            self.gone.append("the last signed picture became an I, as if the tail began there")
            self.maybe_bad.append("a signed unit is altered")
        elif where == 0 and kind != "own":
            self.touched = True
            self.bad.append({"extra": "something stands between signed units", "altered": "a signed unit is altered",
                             "moved": "a unit is not in its place"}[kind])
        elif where < 0:
            # Also whole pictures whose SEI was taken away: a clip cut by an honest recorder begins with a GOP whose SEI
            # is in the clip, or ends before it. Without a list, any pictures but an IDR may be what is left of an SEI's GOP.
            (self.maybe_bad if self.may_begin_inside else self.bad).append(
                "pictures before the first GOP that is vouched for" if kind == "own" else "something stands before the beginning")
            self.names = False
        elif where > 0 and i == self.last + 1:
            run = next(s for s in clip.seis if s.begin <= self.units[self.last].source.hashable < s.end)
            whole = self.units[self.last].source.hashable == run.end - 1
            if kind == "extra" and not it.gop_start and not run.partial and any(k == "own" for k in self.kinds[i:]) and whole:
                self.bad.append("something is put at the end of a signed GOP")
                self.touched = True
            elif kind != "own" or it.source.hashable != self.units[self.last].source.hashable + 1:
                self.maybe_bad.append("the border behind the last signed GOP is touched")

    def stands_before_gap(self, i, same_gop=False):
        """Whether the uncovered pictures (or the GOP) around unit i are the last ones before units that are not there. Pictures
        on both sides of a gap that took the I between them look like those of one GOP, too."""
        h = self.units[i].source.hashable
        if not same_gop and self.gap_in_front(i):
            return True
        for k in range(i + 1, len(self.units)):
            if self.kinds[k] not in ("own", "altered"):
                return False
            after = self.units[k].source.hashable
            if after != h + 1:
                return True
            if self.units[k].source.gop_start if same_gop else after in self.cover:
                return False
            h = after
        return False

    def gap_in_front(self, i):
        """Whether between unit i and the uncovered ones in front of it units are gone, and no I stands there."""
        while i > self.first and self.kinds[i] in ("own", "altered") and not self.units[i].gop_start:
            if self.kinds[i - 1] not in ("own", "altered") or self.covered_item(self.units[i - 1]):
                return False
            if self.units[i].source.hashable != self.units[i - 1].source.hashable + 1:
                return True
            i -= 1
        return False

    def unproved_pictures(self):
        """How many pictures hold something that nobody signed there; a report must not count them as authentic."""
        if any(it.general and not self.own(it) for it in self.edited):
            return 0  # units of another recording with their own SEIs
        wrong, picture = set(), -1
        for it, kind in zip(self.units, self.kinds):
            picture += it.first
            if it.vcl and kind in ("altered", "extra"):
                wrong.add(picture)
        return len(wrong)

    def covered_item(self, it):
        return it.source.hashable in self.cover

    # ---- what is gone
    def look_for_missing(self):
        clip = self.clip
        covered = [h for h in sorted(self.in_order) if h in self.cover]
        lowest, highest = covered[0], covered[-1]
        if any(not sei.signed and sei.begin > highest for sei in clip.seis) and len(self.edited) != len(clip.items):
            # Unsigned SEIs behind the last signed one are not vouched for; what they claim may still be held against the clip.
            self.maybe_gone.append("SEIs that nobody signed")
            self.maybe_bad.append("SEIs that nobody signed")
        self.absent = set()
        first = next(it for it in self.units if it.source is not None and it.source.hashable == lowest)
        if self.anchor_is_quoted(first, self.in_order):
            self.maybe_bad.append("the clip begins inside a GOP that can be proved only as a whole")
        for sei in clip.seis:
            here = [h for h in range(sei.begin, sei.end) if h in self.in_order]
            gone = [h for h in range(sei.begin, sei.end) if h not in self.in_order]
            if not gone or sei.begin > highest and sei.index not in self.valid:
                continue
            if sei.end <= lowest and not here:
                continue  # the beginning was cut off
            if sei.index not in self.valid:
                if not here:
                    self.gone.append("GOPs are missing")
                    self.touched, self.names = True, False
                continue
            self.touched = True
            low = not sei.listed
            if not here:
                self.gone.append("GOPs are missing")
                self.names = False
                if low or sei.begin > highest:
                    self.maybe_bad.append("an SEI without its GOP")
            elif sei.begin <= lowest and gone[0] == sei.begin:
                # Where the numbers of the others begin is not fixed then.
                self.maybe_gone.append("the clip begins inside a GOP")
                self.names = False
                if gone != list(range(sei.begin, gone[-1] + 1)) and not low:
                    self.gone.append("a unit is missing")
            elif low and sei.index - 1 not in self.present and sei.index > 0:
                # Its pictures and those of the SEI that is gone: one GOP before a gap, marked as not covered.
                self.gone.append("a unit is missing and there is no hash list")
                self.maybe_bad.append("a unit is missing and there is no hash list")
                self.names = False
            elif low:
                self.bad.append("a unit is missing and there is no hash list")
            else:
                self.absent.update(gone)
                self.gone.append("a unit is missing")

    # ---- the sum
    def sum_up(self):
        if self.bad:
            verdicts, why = {NOT}, self.bad[0]
            # A slice whose header no longer says so is gone rather than altered.
        elif self.gone:
            verdicts, why = {MISSING}, self.gone[0]
        else:
            verdicts, why = {AUTHENTIC}, "what is vouched for is as it was signed"
        if not self.bad:
            verdicts |= {MISSING} if self.maybe_gone else set()
            verdicts |= {NOT} if self.maybe_bad else set()
            why = "; ".join([why] + (self.maybe_gone + self.maybe_bad)[:2])
        broken = [it for it in self.edited if self.own(it) and it.source.vcl and not it.intact and not it.hashed
                  and it.source.hashable in getattr(self, "cover", ())]
        if broken and not self.bad:
            verdicts.add(NOT)
        must, may = [], None
        if self.names and (self.bad or self.gone) and not self.clip.low_bitrate and not self.nothing:
            must, may = self.name_pictures()
        return Expectation(verdicts, why, self.touched, must, may, self.unproved_pictures())

    def name_pictures(self):
        """Indexes by which a report has to name what is wrong; a missing picture has the index it would have had."""
        must, index, strict = [], -1, not (self.maybe_bad or self.maybe_gone)
        moved = {it.source.hashable for it, kind in zip(self.units, self.kinds) if kind == "moved"}
        absent = sorted(self.absent - moved)
        absent_here = bool(absent)
        at = {}
        for i, it in enumerate(self.units):
            own = self.kinds[i] in ("own", "altered") and self.own(it)
            while own and absent and absent[0] < it.source.hashable:
                gone = self.clip.hashables[absent.pop(0)]
                index += gone.first
                must.append({index})
            index += it.first
            at[i] = index
            if self.first <= i <= self.last + 1 and self.kinds[i] not in ("own",):
                if not it.vcl or (i == self.last + 1 and self.kinds[i] != "extra"):
                    continue
                names = {index}
                if it.source is not None and (it.source.first, it.source.gop_start) != (it.first, it.gop_start):
                    names, strict = set(range(index - 1, index + 3)), False  # it counts as a picture, or no more
                must.append((i, names))
            if it.gop_start and self.kinds[i] != "own":
                strict = strict and self.kinds[i] == "altered"
        for lost in absent:
            index += self.clip.hashables[lost].first
            must.append({index})
        sets = []
        for entry in must:
            if isinstance(entry, set):
                sets.append(entry)
                continue
            i, names = entry
            it = self.units[i]
            if self.kinds[i] == "extra" and it.source is not None and self.own(it):
                # Of equal units any may be taken for the copy.
                places = [at[k] for k, o in enumerate(self.units) if self.own(o) and o.source is it.source]
                names = set(range(min(places), max(places) + 1))
            sets.append(names)
        if absent_here and "extra" in self.kinds[self.first:self.last + 2] and sets:
            every = set().union(*sets)  # something instead of something: whether both count in the numbering is not fixed
            return [set(range(min(every), max(every) + 1))], None
        if any(kind == "moved" and not self.covered_item(it) for it, kind in zip(self.units, self.kinds)):
            return [], None  # what was put there is named or not covered, which of them is a matter of taste
        own = [i for i, it in enumerate(self.units) if self.kinds[i] in ("own", "altered", "moved")]
        actual = [self.units[i].source.hashable for i in own]
        displaced = [at[i] for i, is_, should in zip(own, actual, sorted(actual)) if is_ != should]
        changed = {is_ for is_, should in zip(actual, sorted(actual)) if is_ != should}
        if displaced and not any(self.clip.hashables[h].vcl for h in moved):
            return [], None  # messages changed places, no pictures
        if displaced:  # of units that changed places any may be taken for the one that moved
            every = set(displaced).union(*sets)
            if any(not self.clip.hashables[h].first for h in moved):
                every.add(min(every) - 1)  # a further slice is missing from the picture before
            # One more if it counts as missing from its old place, too; what stands in front of its I is nothing but that.
            twice = len(moved) if any(self.clip.hashables[h].gop_start for h in actual if h in changed) else 1
            sets = [set(range(min(every), max(every) + 1 + twice))]
        return sets, set().union(*sets) if strict and sets else None


def expect(clip, edited, container="mp4"):
    """`container`: what the edited clip is in (mux.WRITERS); some have no times and no header."""
    return Judge(clip, edited, container).expect()
