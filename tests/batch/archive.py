"""A folder of small clips of every kind: authentic, altered, cut, signed by a stranger, not signed, unreadable."""
import os
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "interop"))
import cameras  # noqa: E402
import clips  # noqa: E402

SEED = 7


def altered(clip):
    """One byte of a picture in the middle is another one; the parameter sets in front stay whole."""
    data = bytearray(clip)
    data[len(data) // 2] ^= 0x10
    return bytes(data)


class Archive:
    """`folder` holds the clips, `options` is what `camvault verify` is asked."""

    def __init__(self, path, camvault, count):
        self.folder, self.camvault = path / "archive", camvault
        kinds = self.kinds(path)
        rng = random.Random(SEED)
        names = list(kinds)
        for i in range(count):
            kind = names[i] if i < len(names) else rng.choices(names, [60 if n.startswith("good") else 4 for n in names])[0]
            content, suffix = kinds[kind]
            # A name that is not UTF-8, another with all that a shell or JSON minds.
            stem = {5: b"n\xffme", 6: "quote ' \" $(x) \\ \u00e9".encode()}.get(i, b"clip%04d" % i)
            target = os.path.join(os.fsencode(self.folder), b"%02d" % (i % 20), stem + suffix.encode())
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as file:
                file.write(content)
        (self.folder / "notes.txt").write_text("no clip")
        (self.folder / "link.mp4").symlink_to(self.folder / "notes.txt")

    def kinds(self, path):
        ours, theirs = path / "ours", path / "theirs"
        for folder in (self.folder, ours, theirs):
            folder.mkdir()
        factory, strangers = cameras.Factory(str(ours)), cameras.Factory(str(theirs))
        self.options = ["--trust", factory.root]
        camera, stranger = factory.camera("camera"), strangers.camera("camera")

        def signed(name, who, **how):
            clips.make(path / ("raw_" + name), frames=20, **how)
            cameras.sign(self.camvault, who, path / ("raw_" + name), path / name)
            return (path / name).read_bytes()

        h264, h265 = signed("a.h264", camera), signed("b.h265", camera, codec="h265")
        mp4 = signed("c.mp4", camera)
        return {"good h264": (h264, ".h264"), "good h265": (h265, ".265"), "good mp4": (mp4, ".MP4"),
                "stranger": (signed("d.mp4", stranger), ".mov"), "unsigned": ((path / "raw_a.h264").read_bytes(), ".264"),
                "altered": (altered(h264), ".h264"), "torn": (mp4[:len(mp4) // 3], ".mp4"), "empty": (b"", ".mkv")}
