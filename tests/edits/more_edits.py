"""More kinds of edits: what a supplement speaks about, times, and units lost on the way. As edits.py."""
from edits import EDITS, NotHere, alter_one, derived, edit, pick

MS = 90  # of the 90 kHz clock


class Items(list):
    """Units of an edited clip whose container says other things in its header."""

    config = None


# ---- supplements
@edit
def alter_supplement(rng, s):
    return alter_one(rng, s, lambda it: it.supplement)


@edit
def drop_supplement(rng, s):
    items = derived(s.clip)
    i = pick(rng, items, lambda it: it.supplement)
    return items[:i] + items[i + 1:], "unit %d" % i


@edit
def drop_all_supplements(rng, s):
    items = derived(s.clip)
    pick(rng, items, lambda it: it.supplement)
    return [it for it in items if not it.supplement], "all"


@edit
def repeat_supplement(rng, s):
    items = derived(s.clip)
    i = pick(rng, items, lambda it: it.supplement)
    return items[:i + 1] + [items[i].derived()] + items[i + 1:], "unit %d" % i


@edit
def insert_foreign_supplement(rng, s):
    items = derived(s.clip)
    i, at = pick(rng, s.again.items, lambda it: it.supplement), rng.randrange(len(items) + 1)
    return items[:at] + [s.again.items[i].derived()] + items[at:], "before unit %d" % at


@edit
def swap_supplements(rng, s):
    items = derived(s.clip)
    i = pick(rng, items, lambda it: it.supplement)
    k = pick(rng, items, lambda it: it.supplement and it.data != items[i].data)
    items[i], items[k] = items[k], items[i]
    return items, "units %d and %d" % (i, k)


@edit
def replace_supplements(rng, s):
    """All of them by those of another recording of the camera."""
    items, new = derived(s.clip), [it.derived() for it in s.again.items if it.supplement]
    places = [i for i, it in enumerate(items) if it.supplement]
    if not places or len(new) < len(places):
        raise NotHere
    for i, place in enumerate(places):
        items[place] = new[i]
    return items, "all"


# ---- parameter sets, messages of others
@edit
def alter_parameter_set(rng, s):
    return alter_one(rng, s, lambda it: it.set)


@edit
def insert_altered_parameter_set(rng, s):
    """Another one of the same number: a decoder takes the later one."""
    items = derived(s.clip)
    i, at = pick(rng, items, lambda it: it.set and len(it.data) > 6), rng.randrange(len(items) + 1)
    data = items[i].data
    return items[:at] + [items[i].derived(data[:-2] + bytes([data[-2] ^ 0x40]) + data[-1:])] + items[at:], "unit %d before unit %d" % (i, at)


@edit
def alter_header(rng, s):
    """The parameter sets in the container's header, for a clip that has none in the stream."""
    items = Items(derived(s.clip))
    if s.clip.codec == "av1" or any(it.set for it in items):
        raise NotHere
    config, end = s.clip.config, len(s.clip.config)
    sets = [p for p in s.clip.header_sets() if len(p) > 20]
    if not sets:
        raise NotHere
    at = config.index(sets[0]) + rng.randrange(18, len(sets[0]) - 1)
    assert at < end
    items.config = config[:at] + bytes([config[at] ^ 0x10]) + config[at + 1:]
    return items, "byte %d of the configuration" % at


@edit
def insert_metadata(rng, s):
    """AV1: metadata of somebody else is signed like a part of the picture."""
    if s.clip.codec != "av1":
        raise NotHere
    items = derived(s.clip)
    at = rng.randrange(len(items) + 1)
    return items[:at] + [s.clip.item(b"\x2a\x08\x04\xb5\x00note\x80")] + items[at:], "before unit %d" % at


# ---- times of the container
@edit
def shift_times(rng, s):
    """A run of pictures is shown at another time: earlier or later by 10 ms to 1 s."""
    items = derived(s.clip)
    p = rng.randrange(s.clip.pictures)
    q = p + rng.randrange(1, 20)
    by = rng.choice((-1, 1)) * rng.randrange(10 * MS, 1000 * MS)
    for it in items:
        if p <= it.picture < q:
            it.time += by
    return items, "pictures %d to %d by %d ms" % (p, q - 1, by // MS)


@edit
def shift_all_times(rng, s):
    """Another zero: no change at all. Half of the time with less than 1 ms of rounding to either side."""
    items, by, noise = derived(s.clip), rng.randrange(-10**6, 10**6), rng.choice((0, MS * 9 // 10))
    times = {}
    for it in items:
        it.time = times.setdefault(it.time, it.time + by + rng.randint(-noise, noise))
    return items, "by %d ms" % (by // MS)


# ---- lost on the way
@edit
def lose_units(rng, s):
    """Single units, at random."""
    share = rng.choice((0.01, 0.03, 0.1))
    items = [it for it in derived(s.clip) if rng.random() >= share]
    if len(items) == len(s.clip.items) or not any(it.vcl for it in items):
        raise NotHere
    return items, "%d of %d" % (len(s.clip.items) - len(items), len(s.clip.items))


@edit
def lose_runs(rng, s):
    """Runs of units, as when a network is congested."""
    items = derived(s.clip)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(items))
        del items[at:at + rng.randrange(2, 12)]
    return items, "%d of %d" % (len(s.clip.items) - len(items), len(s.clip.items))


LOST = ("lose_units", "lose_runs", "drop_slice", "drop_picture", "remove_pictures")  # nothing else was done to the clip
assert set(LOST) <= set(EDITS)
