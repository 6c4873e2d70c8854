"""The attacks on a signed recording, one function each: what an adversary does, and what a right verifier answers.

An adversary of class `file` has the recording and no key; `own key` can sign, with keys and certificates made at home;
`same maker` has another genuine camera of the maker. `answer` is the verdict, `origin` the provenance with the maker's root
as the only anchor; `names` are the pictures that have to be named; `note` a kind of note that has to be in the report.
`blind` says in words what remains undetected, and why. `axis` is (answer, note) for the form of Axis Signed Video, which has
no supplement and is the form of AV1, where they differ. Attacks on sound stand in sound.py.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "edits"))
import edits  # noqa: E402
from signed_clip import Item  # noqa: E402

AUTHENTIC, MISSING, NOT, UNSIGNED = "authentic", "authentic_with_missing_frames", "not_authentic", "not_signed"
FILE, OWN_KEY, SAME_MAKER = "file", "own key", "same maker"
TITLES = {
    FILE: "Without a key",
    OWN_KEY: "With a key of one's own",
    SAME_MAKER: "With another camera of the same maker",
}
CATALOGUE = []


class Attack:
    def __init__(self, function, who, title, answer, origin, note, blind, names, axis):
        self.axis = axis or (answer, note)
        self.id = function.__name__.replace("_", "-")
        self.make, self.who, self.title, self.answer = function, who, title, answer
        self.origin, self.note, self.blind, self.names = origin, note, blind, names
        self.sentence = " ".join(function.__doc__.split())


def attack(who, title, answer, origin="trusted", note=None, blind="", names=(), axis=None):
    def add(function):
        CATALOGUE.append(Attack(function, who, title, answer, origin, note, blind, set(names), axis))
        return function
    return add


# ---- tools. A scene has clips of six GOPs of ten pictures: `clip`, `again` (the camera two hours later), `other` (the
# pictures of `clip` signed by another camera of the maker), `stranger` (signed with keys made at home).
def items_of(clip):
    return [it.derived() for it in clip.items]


def at_picture(items, picture):
    return [i for i, it in enumerate(items) if it.vcl and it.picture == picture]


def flip(item, at=None):
    data = bytearray(item.data)
    data[len(data) // 2 if at is None else at] ^= 0x10
    return item.derived(bytes(data))


def without_picture(items, *pictures):
    return [it for it in items if not (it.vcl and it.picture in pictures)]


def gop_seis(items):
    return [i for i, it in enumerate(items) if it.general]


def gop(items, n):
    """[begin, end) of the access units of GOP n."""
    borders = edits.gop_starts(items) + [len(items)]
    return borders[n], borders[n + 1]


def replace(items, begin, end, new):
    return items[:begin] + new + items[end:]


def instead(items, picture, new):
    """The slices of a picture replaced by other units."""
    places = at_picture(items, picture)
    return items[:places[0]] + new + [it for it in items[places[0]:] if not (it.vcl and it.picture == picture)]


def slices(clip, picture):
    return [it.derived() for it in clip.items if it.vcl and it.picture == picture]


# ---- the file alone: content
@attack(FILE, "A picture altered", NOT, names=[23])
def altered_picture(s):
    """One bit in the middle of a P or B picture is turned over."""
    items = items_of(s.clip)
    places = at_picture(items, 23)
    items[places[-1]] = flip(items[places[-1]])
    return items


@attack(FILE, "A key picture altered", NOT, names=[20])
def altered_key_picture(s):
    """One bit of an IDR picture is turned over. The anchor of its GOP is signed too, so the other pictures stay cleared."""
    items = items_of(s.clip)
    places = at_picture(items, 20)
    items[places[0]] = flip(items[places[0]])
    return items


@attack(FILE, "A picture replaced", NOT, names=[33])
def replaced_picture(s):
    """A picture of another recording of the same camera takes the place of one."""
    return instead(items_of(s.clip), 33, slices(s.again, 33))


@attack(FILE, "A GOP replaced, its SEI left", NOT)
def replaced_gop(s):
    """All pictures of a GOP come from another recording of the same camera; the SEIs of the recording stay."""
    items = items_of(s.clip)
    for n in range(20, 30):
        items = instead(items, n, slices(s.again, n))
    return items


@attack(FILE, "Pictures frozen", NOT, names=[24, 25, 26])
def frozen_pictures(s):
    """Three pictures are replaced by copies of the one before."""
    items = items_of(s.clip)
    for n in (24, 25, 26):
        items = instead(items, n, slices(s.clip, 23))
    return items


@attack(FILE, "A slice type changed", NOT)
def changed_slice_type(s):
    """The type in a slice's header says that it is one that ONVIF's reference does not hash (H.265: a TSA picture), or
    something that no player shows (H.264: auxiliary slice)."""
    items = items_of(s.clip)
    places = at_picture(items, 25)
    if s.clip.codec == "av1" or (s.clip.codec, s.form) == ("h265", "axis"):
        raise edits.NotHere
    for i in places:
        data = bytearray(items[i].data)
        if s.clip.codec == "h265":
            data[0] = (data[0] & 0x81) | 2 << 1
        else:
            data[0] = (data[0] & 0xE0) | 19
        items[i] = items[i].derived(bytes(data))
    return items


@attack(FILE, "A slice type changed to one that Axis' form does not sign", MISSING,
        blind="the changed picture itself: Axis' form signs no TSA, STSA, RADL and RASL pictures of H.265. It is marked `not_covered`, "
              "and the picture that stood there is missing")
def unsigned_slice_type(s):
    """The type in the header of an H.265 slice says that it is a TSA picture."""
    if (s.clip.codec, s.form) != ("h265", "axis"):
        raise edits.NotHere
    items = items_of(s.clip)
    for i in at_picture(items, 25):
        data = bytearray(items[i].data)
        data[0] = (data[0] & 0x81) | 2 << 1
        items[i] = items[i].derived(bytes(data))
    return items


@attack(FILE, "Zeros behind a unit", AUTHENTIC, blind="nothing: no decoder sees them (H.264 B.1)")
def trailing_zeros(s):
    """Zero bytes are put behind slices, as some writers of transport streams do."""
    items = items_of(s.clip)
    if s.clip.codec == "av1":
        raise edits.NotHere
    for i in at_picture(items, 23) + at_picture(items, 30):
        items[i].data += b"\0\0"
    return items


# ---- the file alone: removing
@attack(FILE, "A picture removed", MISSING, names=[23])
def removed_picture(s):
    """A picture goes, its GOP and SEI stay."""
    return without_picture(items_of(s.clip), 23)


@attack(FILE, "The last picture of a GOP removed", MISSING, names=[29])
def removed_last_picture(s):
    """The picture in front of a GOP border goes."""
    return without_picture(items_of(s.clip), 29)


@attack(FILE, "A key picture removed", MISSING)
def removed_key_picture(s):
    """The IDR of a GOP goes; a player shows the rest of the GOP on top of the one before."""
    return without_picture(items_of(s.clip), 20)


@attack(FILE, "Every second picture removed", MISSING, names=[21, 23, 25, 27, 29])
def thinned_gop(s):
    """Half of the pictures of a GOP go: fast motion."""
    return without_picture(items_of(s.clip), 21, 23, 25, 27, 29)


@attack(FILE, "A GOP removed with its SEI", MISSING, note="gops_missing",
        blind="what the pictures showed; and the GOP in front of the gap, whose SEI stood in the part that is gone, is marked "
              "`not_covered`: it could have been altered")
def removed_gop(s):
    """Whole access units of one GOP go, with the SEI that stands among them."""
    items = items_of(s.clip)
    begin, end = gop(items, 3)
    return replace(items, begin, end, [])


@attack(FILE, "A GOP removed and the one before altered", MISSING, note="gops_missing",
        blind="the altered picture: the SEI that would show it was removed with the GOP; the whole GOP is marked `not_covered` "
              "and not counted as authentic")
def removed_gop_hides_alteration(s):
    """The GOP that carries the proof about the one before is removed, so that nothing speaks about that one."""
    items = items_of(s.clip)
    begin, end = gop(items, 3)
    items = replace(items, begin, end, [])
    places = at_picture(items, 25)
    items[places[0]] = flip(items[places[0]])
    return items


@attack(FILE, "Beginning cut off", AUTHENTIC, note="beginning_missing",
        blind="what was there; the report says that the recording began earlier")
def cut_beginning(s):
    """The first two GOPs go: an honest export does the same."""
    items = items_of(s.clip)
    return [it for it in items[:gop(items, 2)[0]] if it.certificate] + items[gop(items, 2)[0]:]


@attack(FILE, "End cut off", AUTHENTIC, note="unsigned_tail",
        blind="that the recording went on; the last GOP in the clip has lost its SEI and is marked `not_covered`")
def cut_end(s):
    """Everything behind the fifth GOP goes."""
    items = items_of(s.clip)
    return items[:gop(items, 5)[0]]


@attack(FILE, "Pictures behind the end", AUTHENTIC, note="unsigned_tail",
        blind="whether they are the camera's: marked `not_covered`, as the last seconds of every cut recording are")
def appended_pictures(s):
    """The clip is cut and foreign pictures are put behind the last signature."""
    items = items_of(s.clip)
    foreign = items_of(s.again)
    return items[:gop(items, 5)[0]] + [it for it in foreign[slice(*gop(foreign, 4))] if it.vcl]


@attack(FILE, "Pictures in front", NOT)
def prepended_pictures(s):
    """Foreign pictures in front of the first signed GOP."""
    foreign = items_of(s.again)
    return [it for it in foreign[slice(*gop(foreign, 0))] if it.vcl] + items_of(s.clip)


# ---- the file alone: order
@attack(FILE, "Two pictures swapped", NOT, names=[24])
def swapped_pictures(s):
    """Two neighbours change places."""
    items = items_of(s.clip)
    one, two = slices(s.clip, 24), slices(s.clip, 25)
    first = at_picture(items, 24)[0]
    rest = without_picture(items, 24, 25)
    return rest[:first] + two + one + rest[first:]


@attack(FILE, "Slices of a picture swapped", NOT,
        blind="which of the two pictures at the border is meant: a slice that does not begin a picture counts with the one before")
def swapped_slices(s):
    """Two slices of one picture change places."""
    items = items_of(s.clip)
    places = at_picture(items, 24)
    if len(places) < 2:
        raise edits.NotHere
    items[places[0]], items[places[1]] = items[places[1]], items[places[0]]
    return items


@attack(FILE, "Two GOPs swapped", NOT)
def swapped_gops(s):
    """Two GOPs change places with everything in them."""
    items = items_of(s.clip)
    a, b = gop(items, 2), gop(items, 4)
    return items[:a[0]] + items[slice(*b)] + items[a[1]:b[0]] + items[slice(*a)] + items[b[1]:]


@attack(FILE, "A GOP shown twice", NOT)
def repeated_gop(s):
    """A GOP with its SEIs is put in a second time."""
    items = items_of(s.clip)
    begin, end = gop(items, 3)
    return items[:end] + [it.derived() for it in items[begin:end]] + items[end:]


@attack(FILE, "A picture shown twice", NOT, names=[25])
def repeated_picture(s):
    """A picture is put in a second time behind itself."""
    items = items_of(s.clip)
    last = at_picture(items, 24)[-1]
    return items[:last + 1] + slices(s.clip, 24) + items[last + 1:]


@attack(FILE, "A foreign picture put in", NOT, names=[25])
def inserted_picture(s):
    """A picture of another recording of the camera is put in."""
    items = items_of(s.clip)
    last = at_picture(items, 24)[-1]
    return items[:last + 1] + slices(s.again, 44) + items[last + 1:]


# ---- the file alone: recordings put together
@attack(FILE, "Two recordings joined", NOT, note="joined")
def joined_recordings(s):
    """The first half of one recording and the second half of another one of the same camera, cut at GOP borders."""
    one, two = items_of(s.clip), items_of(s.again)
    return one[:gop(one, 3)[0]] + two[gop(two, 3)[0]:]


@attack(FILE, "A GOP of another recording put in", NOT)
def transplanted_gop(s):
    """A GOP with all its SEIs comes from another recording of the same camera."""
    items, foreign = items_of(s.clip), items_of(s.again)
    begin, end = gop(items, 3)
    return replace(items, begin, end, foreign[slice(*gop(foreign, 3))])


@attack(FILE, "Another recording of the camera", AUTHENTIC,
        blind="that this is not the event in question: it is a genuine recording. Its signed time says when it was made")
def exchanged_recording(s):
    """The whole recording is exchanged for another one of the same camera."""
    return items_of(s.again)


# ---- the file alone: signatures
@attack(FILE, "All signatures removed", UNSIGNED, origin="unknown",
        blind="that there were any, unless it is known that this camera signs; it is never called authentic")
def removed_all_seis(s):
    """All SEIs of the signer go."""
    return [it for it in items_of(s.clip) if it.parsed is None]


@attack(FILE, "One signature removed", NOT, note="sei_removed")
def removed_sei(s):
    """An SEI in the middle goes; nothing speaks about its GOP."""
    items = items_of(s.clip)
    del items[gop_seis(items)[2]]
    return items


@attack(FILE, "All signatures but the last removed", NOT)
def removed_all_but_last_sei(s):
    """Only the SEI at the end stays."""
    items = items_of(s.clip)
    keep = gop_seis(items)[-1]
    return [it for i, it in enumerate(items) if it.parsed is None or i == keep]


@attack(FILE, "Signature altered", NOT, note="sei_invalid")
def altered_signature(s):
    """A bit of the signature value."""
    items = items_of(s.clip)
    i = gop_seis(items)[2]
    value = items[i].parsed.signature
    at = items[i].data.rindex(value[4:8]) + 19  # inside the DER value, not in the padding behind it
    items[i] = flip(items[i], at)
    return items


@attack(FILE, "Signed time altered", NOT)
def altered_time(s):
    """A bit of an SEI's general field, where its times and counter stand."""
    items = items_of(s.clip)
    i = gop_seis(items)[2]
    if s.form == "axis":
        at = items[i].data.index(items[i].parsed.link[:3]) - 3  # the last bytes of the end time
    else:
        at = items[i].data.index(bytes.fromhex("5bc93f2d715e95ada4796f90877a6f")) + 15 + 12
    items[i] = flip(items[i], at)
    return items


@attack(FILE, "An SEI repeated", AUTHENTIC, note="sei_repeated", blind="nothing: the standard allows it for lossy transport")
def repeated_sei(s):
    """An SEI stands twice, byte for byte."""
    items = items_of(s.clip)
    i = gop_seis(items)[2]
    return items[:i + 1] + [items[i].derived()] + items[i + 1:]


@attack(FILE, "Two SEIs swapped", NOT)
def swapped_seis(s):
    """Two SEIs change places."""
    items = items_of(s.clip)
    a, b = gop_seis(items)[1], gop_seis(items)[3]
    items[a], items[b] = items[b], items[a]
    return items


@attack(FILE, "SEIs of another recording", NOT)
def exchanged_seis(s):
    """The SEIs of another recording of the camera take the places of the recording's own."""
    items = items_of(s.clip)
    new = [it.derived() for it in s.again.items if it.general]
    for i, place in enumerate(gop_seis(items)):
        items[place] = new[i]
    return items


@attack(FILE, "An SEI cut short", NOT)
def truncated_sei(s):
    """An SEI ends in the middle of its hash list."""
    items = items_of(s.clip)
    if s.clip.codec == "av1":
        raise edits.NotHere
    i = gop_seis(items)[2]
    items[i] = items[i].derived(items[i].data[:len(items[i].data) * 2 // 3].rstrip(b"\0") + b"\x80")
    return items


@attack(FILE, "A message of somebody else put in", NOT, note="units_extra", axis=(AUTHENTIC, "not_covered_by_format"),
        blind="without supplements (`--no-supplement`) the message: Media Signing does not cover SEIs of others; they are counted "
              "and listed")
def inserted_foreign_sei(s):
    """An SEI with text for the player's overlay, which the signer never saw."""
    items = items_of(s.clip)
    if s.clip.codec == "av1":
        raise edits.NotHere
    at = at_picture(items, 24)[0]
    body = b"\x05\x14" + bytes(range(0x30, 0x40)) + b"note\x80"
    return items[:at] + [Item(s.clip.codec, (b"\x06" if s.clip.codec == "h264" else b"\x4e\x01") + body)] + items[at:]


@attack(FILE, "Metadata of somebody else put in (AV1)", NOT)
def inserted_metadata(s):
    """A metadata OBU with text, which the signer never saw. Axis' form signs metadata like pictures."""
    if s.clip.codec != "av1":
        raise edits.NotHere
    items = items_of(s.clip)
    at = at_picture(items, 24)[0]
    return items[:at] + [s.clip.item(b"\x2a\x08\x04\xb5\x00note\x80")] + items[at:]


# ---- the file alone: what is not a picture
def with_supplements(s):
    if not s.clip.supplements:
        raise edits.NotHere
    return items_of(s.clip)


@attack(FILE, "A parameter set altered", NOT, note="parameter_sets_altered", axis=(AUTHENTIC, "not_covered_by_format"),
        blind="in Axis' form, and so in AV1 (sequence header): neither speaks about parameter sets; they are counted and listed")
def altered_parameter_set(s):
    """A bit of a parameter set, behind its number: another picture size, other coding tools."""
    items = items_of(s.clip)
    sets = [i for i, it in enumerate(items) if it.set and it.gop >= 1]
    if not sets:
        raise edits.NotHere
    items[sets[0]] = flip(items[sets[0]], len(items[sets[0]].data) - 3)
    return items


@attack(FILE, "One supplement removed", NOT, note="supplement_removed")
def removed_supplement(s):
    """The supplement in front of one signature goes."""
    items = with_supplements(s)
    at = [i for i, it in enumerate(items) if it.supplement][2]
    return items[:at] + items[at + 1:]


@attack(FILE, "All supplements removed", NOT, note="supplement_removed",
        blind="if the camera's certificate does not promise supplements: the clip then looks like one of a camera that writes none, and "
              "what is not covered is listed")
def removed_all_supplements(s):
    """All of them go, so that sound, times and parameter sets can be changed. The certificate of the camera promises them."""
    return [it for it in with_supplements(s) if not it.supplement]


@attack(FILE, "A supplement altered", NOT, note="supplement_invalid")
def altered_supplement(s):
    """A bit in the middle of a supplement."""
    items = with_supplements(s)
    at = [i for i, it in enumerate(items) if it.supplement][2]
    items[at] = flip(items[at])
    return items


@attack(FILE, "Supplements of another recording", NOT, note="supplement_removed")
def exchanged_supplements(s):
    """The supplements of another recording of the camera take the places of the recording's own."""
    items, new = with_supplements(s), [it.derived() for it in s.again.items if it.supplement]
    for i, place in enumerate([i for i, it in enumerate(items) if it.supplement]):
        items[place] = new[i]
    return items


@attack(FILE, "Slow motion", NOT, note="times_altered", axis=(AUTHENTIC, "not_covered_by_format"),
        blind="in Axis' form: the signed times of the GOPs are there to compare by hand; in raw streams, which have no times")
def slow_motion(s):
    """The container shows ten pictures at half the speed, the rest later."""
    if s.container not in ("mp4", "fmp4"):
        raise edits.NotHere
    items = items_of(s.clip)
    for it in items:
        it.time += 3600 * min(max(it.picture - 20, 0), 10)
    return items


@attack(FILE, "The picture behind the last signature exchanged", MISSING, note="next_picture_differs",
        axis=(AUTHENTIC, "unsigned_tail"), blind="without supplements: `not_covered`, as the unsigned end of every clip")
def exchanged_next_picture(s):
    """The clip is cut, and the picture that follows the last signed GOP is a foreign one."""
    items = items_of(s.clip)
    return instead(items[:gop(items, 5)[0]], 40, slices(s.again, 40))


# ---- with keys made at home
@attack(OWN_KEY, "The whole recording signed anew", AUTHENTIC, origin="untrusted",
        blind="without the maker's root as anchor: the report then says that the origin is not known")
def signed_by_stranger(s):
    """All signatures are stripped, and the recording is signed with a certificate that copies the camera's names."""
    return items_of(s.stranger)


@attack(OWN_KEY, "A part signed anew", NOT)
def part_signed_by_stranger(s):
    """Three GOPs are taken from a copy that was signed with a home-made certificate of the same names."""
    one, two = items_of(s.clip), items_of(s.stranger)
    return one[:gop(one, 2)[0]] + two[gop(two, 2)[0]:gop(two, 5)[0]] + one[gop(one, 5)[0]:]


@attack(OWN_KEY, "An altered GOP signed anew", NOT)
def altered_and_signed_by_stranger(s):
    """A picture is altered, and the SEI about its GOP is exchanged for one that was signed at home."""
    items = items_of(s.clip)
    own, new = gop_seis(items), [it for it in items_of(s.stranger) if it.general]
    places = at_picture(items, 23)
    items[places[0]] = flip(items[places[0]])
    items[own[2]] = new[2]
    return items


# ---- with another camera of the maker
@attack(SAME_MAKER, "Signed by another camera of the maker", AUTHENTIC,
        blind="that it is another camera, unless it is said which one counts (`--signer`, `--expect-serial`): then `not_authentic`")
def signed_by_sibling(s):
    """The recording is stripped and signed by a genuine camera of the same maker."""
    return items_of(s.other)


@attack(SAME_MAKER, "A part signed by another camera of the maker", NOT)
def part_signed_by_sibling(s):
    """Three GOPs come from a copy signed by a genuine camera of the same maker."""
    one, two = items_of(s.clip), items_of(s.other)
    return one[:gop(one, 2)[0]] + two[gop(two, 2)[0]:gop(two, 5)[0]] + one[gop(one, 5)[0]:]
