"""Attacks on the sound of a recording. Each gets a signed MP4 with sound and one of another recording of the same camera, and
writes the forged file. As catalogue.py."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
import media_units  # noqa: E402
from catalogue import AUTHENTIC, CATALOGUE, FILE, NOT, Attack  # noqa: E402


def sound_attack(title, answer, note, suffix=".mp4", blind=""):
    def add(function):
        attack = Attack(function, FILE, title, answer, "trusted", note, blind, set(), None)
        attack.on_sound, attack.suffix = True, suffix
        CATALOGUE.append(attack)
        return function
    return add


def ffmpeg(*words):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *words], check=True, capture_output=True, stdin=subprocess.DEVNULL)


def record(video, target, tone):
    """A clip with a tone as sound."""
    ffmpeg("-i", video, "-f", "lavfi", "-i", "sine=frequency=%d:duration=2.4" % tone, "-c:v", "copy", "-c:a", "aac", "-shortest", target)


def sound_samples(data):
    moov = media_units.find(data, 0, len(data), b"moov")
    for kind, b, e in media_units.boxes(data, *moov):
        if kind == b"trak" and data[media_units.find(data, b, e, b"mdia", b"hdlr")[0] + 8:][:4] == b"soun":
            return media_units.stbl_samples(data, media_units.find(data, b, e, b"mdia", b"minf", b"stbl"))
    raise ValueError("no sound")


@sound_attack("A sound sample altered", NOT, "audio_altered")
def altered_sound(clip, _other, target):
    """A bit of one sample of the sound track."""
    with open(clip, "rb") as f:
        data = bytearray(f.read())
    offset, size = sound_samples(bytes(data))[30]
    data[offset + size // 2] ^= 0x10
    with open(target, "wb") as f:
        f.write(data)


@sound_attack("The sound exchanged", NOT, "audio_extra")
def exchanged_sound(clip, other, target):
    """The sound of another recording of the same camera."""
    ffmpeg("-i", clip, "-i", other, "-map", "0:v", "-map", "1:a", "-c", "copy", target)


@sound_attack("The sound moved against the pictures", NOT, "audio_moved", ".mkv")
def moved_sound(clip, _other, target):
    """The sound starts half a second late."""
    ffmpeg("-i", clip, "-itsoffset", "0.5", "-i", clip, "-map", "0:v", "-map", "1:a", "-c", "copy", target)


@sound_attack("The sound removed", AUTHENTIC, "audio_missing", blind="what was heard: an export of the pictures alone does the same; "
              "the report says that the camera recorded sound")
def removed_sound(clip, _other, target):
    """The whole track goes."""
    ffmpeg("-i", clip, "-map", "0:v", "-c", "copy", target)
