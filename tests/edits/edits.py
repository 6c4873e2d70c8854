"""Random edits of signed clips. Each takes a random generator and a scene, and returns the edited units.

A scene is one signed clip with others to take from: `clip`, `again` (the same camera at another time), `other`
(`clip` signed by another camera). More kinds stand in more_edits.py and signer_edits.py.
"""
import media_units

EDITS = {}


class NotHere(Exception):
    """This clip has nothing for that kind of edit."""


def edit(function):
    EDITS[function.__name__] = function
    return function


def derived(clip):
    return [it.derived() for it in clip.items]


def pick(rng, items, test):
    places = [i for i, it in enumerate(items) if test(it)]
    if not places:
        raise NotHere
    return rng.choice(places)


def gop_sei(it):
    return it.general


def plain(it):
    """Parameter sets, delimiters, SEIs of others: not covered by the format."""
    return not it.hashed and it.parsed is None and not it.malformed and not it.supplement


def head(it):
    """Bytes before the payload. An OBU whose header or size is another one is another sequence of OBUs."""
    return media_units.leb128(it.data, 1)[1] if it.codec == "av1" else 0


def change_byte(rng, data, first=0, last=None):
    at = rng.randrange(first, last or len(data))
    value = data[at] ^ (1 << rng.randrange(8)) if rng.random() < 0.5 else (data[at] + rng.randrange(1, 256)) % 256
    return data[:at] + bytes([value]) + data[at + 1:]


def sized(data, payload):
    """An OBU that says how long it is now."""
    size, field = len(data) - payload, []
    while size > 127:
        field.append(size & 127 | 128)
        size >>= 7
    return data[:1] + bytes(field + [size]) + data[payload:]


def starts(items):
    """Where access units begin, with what stands before their first slice."""
    out, slices = [0], False
    for i, it in enumerate(items):
        if slices and not (it.codec == "h265" and it.type == 40) and (it.first or not it.vcl):
            out.append(i)
            slices = False
        slices = slices or it.vcl
    return out


def gop_starts(items):
    """The access units that begin with an IDR."""
    units = starts(items) + [len(items)]
    return [a for a, b in zip(units, units[1:]) if any(it.gop_start for it in items[a:b])]


def a_cut(rng, clip, items, at_gops=False):
    """A place to cut at, half of the time a GOP border."""
    return rng.choice((gop_starts(items) if at_gops or rng.random() < 0.5 else starts(items))[1:] or [0])


# ---- alter
def alter_one(rng, s, test):
    """A byte of one of the units that `test` is true of, anywhere behind the size of an OBU."""
    items = derived(s.clip)
    i = pick(rng, items, test)
    items[i] = items[i].derived(change_byte(rng, items[i].data, head(items[i])))
    return items, "unit %d" % i


@edit
def alter_slice(rng, s):
    items = derived(s.clip)
    i = pick(rng, items, lambda it: it.vcl)
    items[i] = items[i].derived(change_byte(rng, items[i].data, head(items[i]) + 4 if len(items[i].data) > head(items[i]) + 4 else head(items[i])))
    return items, "unit %d, picture %d" % (i, items[i].picture)


@edit
def alter_slice_header(rng, s):
    items = derived(s.clip)
    i = pick(rng, items, lambda it: it.vcl)
    items[i] = items[i].derived(change_byte(rng, items[i].data, head(items[i]), min(head(items[i]) + 4, len(items[i].data))))
    return items, "unit %d, picture %d" % (i, items[i].picture)


@edit
def shorten_slice(rng, s):
    items = derived(s.clip)
    i = pick(rng, items, lambda it: it.vcl and len(it.data) > 12)
    short = items[i].data[:rng.randrange(head(items[i]) + 4, len(items[i].data))].rstrip(b"\0")
    items[i] = items[i].derived(sized(short, head(items[i])) if s.clip.codec == "av1" else short)
    return items, "unit %d, picture %d" % (i, items[i].picture)


@edit
def alter_sei(rng, s):
    return alter_one(rng, s, gop_sei)


@edit
def alter_certificate_sei(rng, s):
    return alter_one(rng, s, lambda it: it.certificate)


@edit
def alter_other(rng, s):
    return alter_one(rng, s, plain)


@edit
def zeros_behind(rng, s):
    """Zeros behind a unit are not part of it (trailing_zero_8bits)."""
    if s.clip.codec == "av1":
        raise NotHere
    items = derived(s.clip)
    i = pick(rng, items, lambda it: it.vcl)
    items[i].data += bytes(rng.randrange(1, 4))
    return items, "unit %d" % i


# ---- drop
@edit
def drop_slice(rng, s):
    items = derived(s.clip)
    i = pick(rng, items, lambda it: it.vcl)
    return items[:i] + items[i + 1:], "unit %d, picture %d" % (i, items[i].picture)


@edit
def drop_picture(rng, s):
    items = derived(s.clip)
    p = rng.randrange(s.clip.pictures)
    return [it for it in items if not (it.vcl and it.picture == p)], "picture %d" % p


@edit
def drop_sei(rng, s):
    items = derived(s.clip)
    i = pick(rng, items, gop_sei)
    return items[:i] + items[i + 1:], "unit %d" % i


@edit
def drop_certificate_sei(rng, s):
    items = derived(s.clip)
    i = pick(rng, items, lambda it: it.certificate)
    return items[:i] + items[i + 1:], "unit %d" % i


@edit
def drop_other(rng, s):
    items = derived(s.clip)
    i = pick(rng, items, plain)
    return items[:i] + items[i + 1:], "unit %d" % i


# ---- insert
@edit
def insert_foreign_slice(rng, s):
    items = derived(s.clip)
    known = {it.data for it in items}
    i = pick(rng, s.again.items, lambda it: it.vcl and it.data not in known)
    at = rng.randrange(1, len(items) + 1)
    return items[:at] + [s.again.items[i].derived()] + items[at:], "before unit %d" % at


@edit
def insert_copied_slice(rng, s):
    items = derived(s.clip)
    i, at = pick(rng, items, lambda it: it.vcl), rng.randrange(len(items) + 1)
    return items[:at] + [items[i].derived()] + items[at:], "unit %d before unit %d" % (i, at)


@edit
def insert_foreign_sei(rng, s):
    items = derived(s.clip)
    i, at = pick(rng, s.again.items, gop_sei), rng.randrange(len(items) + 1)
    return items[:at] + [s.again.items[i].derived()] + items[at:], "before unit %d" % at


@edit
def insert_other(rng, s):
    """A delimiter, filler data or somebody else's SEI: nothing that the format covers."""
    items = derived(s.clip)
    at = rng.randrange(len(items) + 1)
    new = rng.choice(OTHERS[s.clip.codec])
    return items[:at] + [s.clip.item(new)] + items[at:], "before unit %d" % at


NOTE = b"\x05\x14" + bytes(range(0x30, 0x40)) + b"note\x80"
# Delimiters and filler first, then a message of somebody else. In AV1 that one would be signed (insert_metadata).
OTHERS = {"h264": [b"\x09\xf0", b"\x0c\xff\xff\x80", b"\x06" + NOTE], "h265": [b"\x46\x01\x50", b"\x4c\x01\xff\x80", b"\x4e\x01" + NOTE],
          "av1": [b"\x7a\x03\x01\x02\x80"]}


@edit
def replace_picture(rng, s):
    """A picture with another one in its place, of the same kind or not."""
    items = derived(s.clip)
    known = {it.data for it in items}
    new = s.again.items[pick(rng, s.again.items, lambda it: it.first and it.data not in known)]
    p = rng.randrange(s.clip.pictures)
    at = next(i for i, it in enumerate(items) if it.vcl and it.picture == p)
    other = [it.derived() for it in s.again.items if it.vcl and it.picture == new.picture]
    rest = [it for it in items[at:] if not (it.vcl and it.picture == p)]
    return items[:at] + other + rest, "picture %d by %d%s" % (p, new.picture, ", an I" if new.gop_start else "")


# ---- repeat
@edit
def repeat_slice(rng, s):
    items = derived(s.clip)
    i = pick(rng, items, lambda it: it.vcl)
    return items[:i + 1] + [items[i].derived()] + items[i + 1:], "unit %d, picture %d" % (i, items[i].picture)


@edit
def repeat_sei(rng, s):
    """An exact repeat of a signed SEI is allowed."""
    items = derived(s.clip)
    i = pick(rng, items, lambda it: it.general and it.signed)
    return items[:i + 1] + [items[i].derived()] + items[i + 1:], "unit %d" % i


@edit
def repeat_picture(rng, s):
    items = derived(s.clip)
    p = rng.randrange(s.clip.pictures)
    at = max(i for i, it in enumerate(items) if it.vcl and it.picture == p) + 1
    return items[:at] + [it.derived() for it in items if it.vcl and it.picture == p] + items[at:], "picture %d" % p


# ---- reorder
@edit
def swap_slices(rng, s):
    items = derived(s.clip)
    i = pick(rng, items, lambda it: it.vcl)
    near = rng.random() < 0.5
    k = pick(rng, items, lambda it: it.vcl and it.data != items[i].data and (not near or abs(it.hashable - items[i].hashable) == 1))
    items[i], items[k] = items[k], items[i]
    return items, "units %d and %d, pictures %d and %d" % (i, k, items[k].picture, items[i].picture)


@edit
def move_slice(rng, s):
    items = derived(s.clip)
    i = pick(rng, items, lambda it: it.vcl)
    moved = items.pop(i)
    at = rng.randrange(len(items) + 1)
    return items[:at] + [moved] + items[at:], "unit %d to %d" % (i, at)


@edit
def move_sei_later(rng, s):
    """An SEI may come any time after its GOP, as long as the next one comes later."""
    items = derived(s.clip)
    i = pick(rng, items, lambda it: it.general and it.signed)
    end = next((k for k in range(i + 1, len(items)) if items[k].general), len(items))
    moved = items.pop(i)
    at = rng.randrange(i, end)
    return items[:at] + [moved] + items[at:], "unit %d to %d" % (i, at)


@edit
def move_other(rng, s):
    items = derived(s.clip)
    moved = items.pop(pick(rng, items, plain))
    at = rng.randrange(len(items) + 1)
    return items[:at] + [moved] + items[at:], "to %d" % at


@edit
def swap_seis(rng, s):
    items = derived(s.clip)
    i = pick(rng, items, gop_sei)
    k = pick(rng, items, lambda it: it.general and it.data != items[i].data)
    items[i], items[k] = items[k], items[i]
    return items, "units %d and %d" % (i, k)


@edit
def swap_gops(rng, s):
    items = derived(s.clip)
    borders = gop_starts(items) + [len(items)]
    if len(borders) < 4:
        raise NotHere
    a = rng.randrange(len(borders) - 2)
    b = rng.randrange(a + 1, len(borders) - 1)
    return (items[:borders[a]] + items[borders[b]:borders[b + 1]] + items[borders[a + 1]:borders[b]] +
            items[borders[a]:borders[a + 1]] + items[borders[b + 1]:]), "GOPs %d and %d" % (a, b)


# ---- cut
@edit
def cut_start(rng, s):
    items = derived(s.clip)
    last_sei = max(i for i, it in enumerate(items) if it.general and it.signed)
    at = a_cut(rng, s.clip, items)
    if at > last_sei or not any(it.hashable in s.clip.covered for it in items[at:]):
        raise NotHere
    kept = [it for it in items[:at] if it.certificate] if rng.random() < 0.5 else []  # as an export does
    return kept + items[at:], "before unit %d" % at


@edit
def cut_end(rng, s):
    items = derived(s.clip)
    at = a_cut(rng, s.clip, items) if rng.random() < 0.8 else rng.randrange(1, len(items))
    return items[:at], "behind unit %d" % at


@edit
def cut_both(rng, s):
    items = derived(s.clip)
    a, b = sorted((a_cut(rng, s.clip, items, True), a_cut(rng, s.clip, items)))
    if a == b:
        raise NotHere
    return items[a:b], "units %d to %d" % (a, b)


@edit
def remove_gops(rng, s):
    items = derived(s.clip)
    borders = gop_starts(items)
    if len(borders) < 4:
        raise NotHere
    a = rng.randrange(1, len(borders) - 1)
    b = rng.randrange(a + 1, min(a + 4, len(borders)))
    return items[:borders[a]] + items[borders[b]:], "GOPs %d to %d" % (a, b - 1)


@edit
def remove_gops_and_alter(rng, s):
    """A forger's way to get rid of an SEI: it stands in the GOP behind the one it speaks about, so that GOP goes, too."""
    items, what = remove_gops(rng, s)
    cut = next(i for i, (one, two) in enumerate(zip(items, s.clip.items)) if one.source is not two)
    gop = max(it.gop for it in items[:cut])
    i = pick(rng, items[:cut], lambda it: it.vcl and it.gop == gop)
    items[i] = items[i].derived(change_byte(rng, items[i].data, min(head(items[i]) + 4, len(items[i].data) - 1)))
    return items, "%s, picture %d" % (what, items[i].picture)


@edit
def remove_gops_keep_seis(rng, s):
    """Only the pictures go; the SEI of the GOP before stays (an attentive forger, or a recorder with a full disk)."""
    items = derived(s.clip)
    borders = gop_starts(items)
    if len(borders) < 4:
        raise NotHere
    a = rng.randrange(1, len(borders) - 1)
    b = rng.randrange(a + 1, min(a + 4, len(borders)))
    cut = items[borders[a]:borders[b]]
    gone = {it.hashable for it in cut if it.hashable is not None}
    every = rng.random() < 0.5
    stay = [it for it in cut if it.general and it.signed and (every or not set(range(it.sei.begin, it.sei.end)) & gone)]
    rest = [it for it in items[borders[b]:] if every or not (it.general and it.sei and it.sei.begin in gone)]
    return items[:borders[a]] + stay + rest, "GOPs %d to %d" % (a, b - 1)


@edit
def remove_pictures(rng, s):
    items = derived(s.clip)
    p = rng.randrange(s.clip.pictures)
    q = min(p + rng.randrange(1, 6), s.clip.pictures)
    return [it for it in items if not (it.vcl and p <= it.picture < q)], "pictures %d to %d" % (p, q - 1)


@edit
def forge_gop(rng, s):
    """A GOP, or a part from an I on, replaced by other pictures that nobody signed, with or without the SEIs in it."""
    items, new = derived(s.clip), derived(s.again)
    borders, others = gop_starts(items) + [len(items)], gop_starts(new) + [len(new)]
    a, b = rng.randrange(len(borders) - 1), rng.randrange(len(others) - 1)
    first = borders[a]
    if rng.random() < 0.3:  # the new I comes in the middle of the GOP
        first = rng.choice([i for i in starts(items) if borders[a] < i < borders[a + 1]] or [first])
    keep = [it for it in items[first:borders[a + 1]] if not it.vcl] if rng.random() < 0.5 else []
    forged = [it for it in new[others[b]:others[b + 1]] if it.vcl and it.data not in {o.data for o in items}]
    if not forged:
        raise NotHere
    mixed = sorted(rng.sample(range(len(forged) + 1), 1) * len(keep))
    return items[:first] + forged[:mixed[0] if mixed else 0] + keep + forged[mixed[0] if mixed else 0:] + items[borders[a + 1]:], \
        "GOP %d from unit %d" % (a, first)
