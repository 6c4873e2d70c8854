"""What supplements make of an edit: they speak about parameter sets, messages of others, times of the container, the picture
that follows, and the end of a recording (docs/formats/supplement-sei.md). Worked out from the origin of the units alone, and
added to what expect.Judge found.

A supplement stands in front of each signed SEI and speaks about the pictures of that SEI and of the unsigned ones before it.
"""

from signed_clip import access_units

TIMED, WITH_HEADER = ("mp4", "fmp4", "mkv", "ts"), ("mp4", "fmp4", "mkv")
SAME_CLOCK, OTHER_CLOCK = 2 * 90, 5 * 90  # of 90 kHz: rounding of less than 1 ms to either side, and what no rounding makes
# Where the number of a parameter set may stand: a change there makes it another set, which nobody names.
NUMBER_WITHIN = {("h264", 7): 6, ("h264", 8): 2, ("h265", 32): 3, ("h265", 33): 20, ("h265", 34): 3}


def look_at_supplements(judge):
    if judge.clip.supplements:
        Supplements(judge).look()


class Supplements:
    def __init__(self, judge):
        self.judge, self.clip, self.edited = judge, judge.clip, judge.edited
        self.present, self.places = set(), {}
        for at, it in enumerate(self.edited):
            if it.supplement and it.intact and judge.own(it):
                self.present.add(it.source.supplement_of)
                self.places.setdefault(it.source.supplement_of, at)
        self.checked, self.perhaps, self.last = self.covered_pictures()

    def look(self):
        self.look_at_themselves()
        if not self.present:
            return
        self.find_pictures()
        self.look_at_sets()
        self.look_at_messages()
        if self.judge.container in TIMED:
            self.look_at_times()
        self.look_at_end()

    # ---- the supplements themselves
    def look_at_themselves(self):
        bad, maybe, others = self.judge.bad, self.judge.maybe_bad, [it for it in self.edited if it.supplement]
        for it in self.edited:
            if it.source is None or not it.source.supplement or it.intact:
                continue
            if not it.supplement:  # nobody takes it for one now
                maybe.append("a supplement no longer looks like one")
            elif it.data[-1] != it.source.data[-1] and it.data[:-1] == it.source.data[:-1]:
                maybe.append("a supplement's stop byte is altered")
            else:
                bad.append("a supplement is altered")
        if any(it.intact and not self.judge.own(it) for it in others):
            maybe.append("a supplement of another recording")
        seen, order = set(), []
        for it in self.edited:
            if not (it.intact and self.judge.own(it)):
                continue
            if it.supplement:
                seen.add(it.source.supplement_of)
                order.append(it.source.supplement_of)
            elif it.general and it.signed and it.source.sei.index not in seen:
                if it.source.sei.index in self.present:
                    maybe.append("a supplement stands behind its SEI")
                elif others or self.clip.promised:
                    bad.append("a supplement was taken away")
        if order != sorted(order):
            maybe.append("supplements are in another order")

    # ---- the pictures that they speak about
    def covered_pictures(self):
        """Hashables that begin pictures which are surely compared, those which perhaps are, and the last SEI found."""
        checked, perhaps, last = set(), set(), None
        here = {h for h in getattr(self.judge, "in_order", ())}
        for index in sorted(self.present):
            before = max((k for k in self.clip.supplements if k < index), default=-1)
            for sei in self.clip.seis[before + 1:index + 1]:
                run = [h for h in range(sei.begin, sei.end) if self.clip.hashables[h].first]
                found = [h for h in run if h in here]
                sure = found and (run[0] in here or 2 * len(found) >= len(run))
                (checked if sure else perhaps).update(found)
                if sure:
                    last = sei
        return checked, perhaps, last

    def find_pictures(self):
        """For each unit of the edited clip the picture that it belongs to: the next first slice, or the one before (a suffix)."""
        self.picture_of, following, before = {}, None, None
        for at in range(len(self.edited) - 1, -1, -1):
            it = self.edited[at]
            following = it if it.first else following
            self.picture_of[at] = following
        for at, it in enumerate(self.edited):
            before = it if it.first else before
            if it.codec == "h265" and it.type == 40 and before is not None:
                self.picture_of[at] = before

    def state(self, picture):
        """Whether what belongs to a picture is compared: 'yes', 'no', 'perhaps'."""
        if picture is None or not self.judge.own(picture) or not picture.intact:
            return "no" if picture is None else "perhaps"
        h = picture.source.hashable
        return "yes" if h in self.checked else "perhaps" if h in self.perhaps else "no"

    def hold(self, state, why):
        (self.judge.bad if state == "yes" else self.judge.maybe_bad).append(why)

    # ---- what belongs to them
    def look_at_sets(self):
        known = {it.data for it in self.clip.items if it.set} | set(self.clip.header_sets())
        for at, it in enumerate(self.edited):
            if not (it.set or (it.source and it.source.set)) or it.data in known:
                continue
            state = self.state(self.picture_of[at])
            if it.source is not None and (not it.set or it.type != it.source.type or self.number_touched(it)):
                state = "perhaps"
            later = any(self.state(self.picture_of[k]) == "yes" for k in range(at, len(self.edited)) if self.edited[k].first)
            if state == "no" and later:
                state = "perhaps"  # it is in force until it is sent again
            if state != "no":
                self.hold(state, "a parameter set is altered")
        if getattr(self.edited, "config", None) is not None and self.judge.container in WITH_HEADER:
            self.hold("yes" if self.checked else "perhaps", "parameter sets of the header are altered")

    def number_touched(self, it):
        old, new = it.source.data, it.data
        at = next((i for i in range(min(len(old), len(new))) if old[i] != new[i]), 0)
        return at < NUMBER_WITHIN.get((it.codec, it.source.type), 1000)

    def message(self, it):
        return not (it.vcl or it.set or it.delimiter or it.supplement or it.parsed or it.malformed)

    def look_at_messages(self):
        """Units of others, by the picture that they belong to."""
        wanted = {}
        following = None
        pictures = [it for it in self.clip.items if it.first]
        for it in reversed(self.clip.items):
            following = it if it.first else following
            if self.message(it):
                suffix = it.codec == "h265" and it.type == 40
                owner = pictures[it.picture] if suffix and it.picture >= 0 else following
                if owner is not None:
                    wanted.setdefault(owner.hashable, []).append(it)
        found, strange = {}, []
        for at, it in enumerate(self.edited):
            was = it.source is not None and self.message(it.source)
            if not (self.message(it) or was):
                continue
            state = self.state(self.picture_of[at])
            picture = self.picture_of[at]
            at_home = was and it.intact and self.judge.own(it) and state != "no" and picture is not None and picture.source and \
                self.judge.own(picture) and it.source in wanted.get(picture.source.hashable, ())
            if at_home and it.source not in found.get(picture.source.hashable, []):
                found.setdefault(picture.source.hashable, []).append(it.source)
            elif state != "no" and self.message(it):
                moved_on = was and it.intact and self.judge.own(it)  # its own picture may be lost
                strange.append(("perhaps" if moved_on and not self.is_here(it.source) else state, it))
        for state, _ in strange:
            self.hold(state, "a message of somebody else stands where none was")
        gone = [m for h in self.checked for m in wanted.get(h, ()) if m not in found.get(h, [])]
        gone = [m for m in gone if not any(it.source is m and it.intact for _, it in strange)]
        if gone and any(found.values()):
            self.judge.gone.append("some messages of others are gone")
        elif gone:
            self.judge.maybe_gone.append("the messages of others are gone")

    def is_here(self, message):
        following = next((it for it in self.clip.items[self.clip.items.index(message):] if it.first), None)
        return following is not None and following.hashable in self.judge.in_order

    # ---- times
    def look_at_times(self):
        """One difference to the signed clock, that may change where something is missing."""
        low = high = None
        before = None
        if self.judge.container == "ts" and self.split_pictures():
            # A demultiplexer takes the second half for a picture, and gives it a time.
            self.judge.maybe_bad.append("a delimiter or the like stands inside a picture")
        for it in self.edited:
            if not (it.first and self.judge.own(it) and it.intact and it.source.hashable in self.checked):
                if it.first:
                    before = None
                continue
            shift = it.time - it.source.time
            follows = before is not None and it.source.picture == before.picture + 1
            before = it.source
            if low is not None and max(high, shift) - min(low, shift) <= SAME_CLOCK:
                low, high = min(low, shift), max(high, shift)
                continue
            if low is not None and follows:
                far = max(high, shift) - min(low, shift) >= OTHER_CLOCK
                self.hold("yes" if far else "perhaps", "a picture is shown at another time")
            elif low is not None:
                self.judge.maybe_bad.append("the clock jumps where something is missing")
            low = high = shift

    def split_pictures(self):
        return len(access_units(self.edited)) > sum(it.first for it in self.edited)

    # ---- the end
    def look_at_end(self):
        if self.last is None:
            return
        run = [h for h in range(self.last.begin, self.last.end) if self.clip.hashables[h].first and h in self.judge.in_order]
        end = max(run, default=None)
        at = next((k for k, it in enumerate(self.edited) if end is not None and self.judge.own(it) and it.source.hashable == end), None)
        behind = [it for it in self.edited[at + 1:] if it.first] if at is not None else []
        if not behind:
            return
        if self.last.end == len(self.clip.hashables):
            self.hold("yes" if max(self.present) == self.last.index else "perhaps", "pictures behind the end of the recording")
            return
        one = behind[0]
        if self.judge.own(one) and one.source.hashable == self.last.end and not one.intact:
            self.judge.gone.append("the picture that follows is altered")
        elif not (self.judge.own(one) and one.source.hashable == self.last.end):
            self.judge.gone.append("the picture that follows is another one")


