"""More kinds of edits: other recordings of the camera, other signers, SEIs taken away or exchanged. As edits.py."""
from edits import NotHere, derived, edit, gop_starts, starts


def joint(rng, first, second):
    """Places to join two clips so that each side keeps a GOP that its own SEI vouches for."""
    one, two = derived(first), derived(second)
    signed = [i for i, it in enumerate(one) if it.general and it.signed and it.sei]
    a = rng.randrange(signed[0] + 1, len(one) + 1)
    borders = [b for b in [0] + gop_starts(two) if any(
        it.general and it.signed and it.sei and it.sei.begin >= min(x.hashable for x in two[b:] if x.hashable is not None)
        for it in two[b:])]
    if rng.random() < 0.5:
        a = min([k for k in starts(one) if k >= a] or [len(one)])
    b = rng.choice(borders)
    if a == len(one) and first.supplements and any(it.general and it.sei is second.seis[0] for it in two[b:]):
        raise NotHere  # the first SEI of a recording behind the signed end of another: a restart of the camera, no forgery
    return one[:a], two[b:]


@edit
def splice(rng, s):
    one, two = joint(rng, s.clip, s.again)
    return one + two, "%d units and %d of another recording" % (len(one), len(two))


@edit
def splice_before(rng, s):
    one, two = joint(rng, s.again, s.clip)
    return one + two, "%d units of another recording, then %d" % (len(one), len(two))


@edit
def strip_all_seis(rng, s):
    every = rng.random() < 0.7
    return [it.derived() for it in s.clip.items if not it.general and not (every and (it.parsed or it.supplement))], "all"


@edit
def strip_some_seis(rng, s):
    items = derived(s.clip)
    seis = [i for i, it in enumerate(items) if it.general]
    if len(seis) < 3:
        raise NotHere
    gone = set(rng.sample(seis, rng.randrange(1, len(seis))))
    return [it for i, it in enumerate(items) if i not in gone], "%d of %d" % (len(gone), len(seis))


@edit
def replace_seis(rng, s):
    items = derived(s.clip)
    new = [it.derived() for it in s.again.items if it.general]
    places = [i for i, it in enumerate(items) if it.general]
    if rng.random() < 0.5:
        i = rng.randrange(min(len(places), len(new)))
        items[places[i]] = new[i]
        return items, "SEI %d" % i
    for i, place in enumerate(places):
        items[place] = new[i] if i < len(new) else None
    return [it for it in items if it is not None], "all"


@edit
def sign_again(rng, s):
    """All of it signed by another camera."""
    return [it.derived() for it in s.other.items], "all"


@edit
def sign_part_again(rng, s):
    """A run of GOPs replaced by the same pictures signed by another camera."""
    one, two = derived(s.clip), derived(s.other)
    b1, b2 = gop_starts(one) + [len(one)], gop_starts(two) + [len(two)]
    if len(b1) != len(b2) or len(b1) < 5:
        raise NotHere
    a = rng.randrange(0, len(b1) - 3)
    b = rng.randrange(a + 2, len(b1) - 1 if a == 0 else len(b1))
    if not any(it.general for it in two[b2[a]:b2[b]]):
        raise NotHere  # the SEIs of these GOPs come later: the pictures are the same, so nothing would change
    return one[:b1[a]] + two[b2[a]:b2[b]] + one[b1[b]:], "GOPs %d to %d" % (a, b - 1)
