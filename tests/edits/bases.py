"""The clips that are edited: in every codec, form and variant that we write, and those of the reference implementations."""
import concurrent.futures
import os

import cameras
import clips
from cryptography.hazmat.primitives import serialization
from signed_clip import SignedClip

SUPPLEMENT, BARE, AXIS = "--supplement", "--no-supplement", "--form=axis"

# name: (how the clip is encoded, how it is signed). From a byte stream (raw), parameter sets stand in the stream; from MP4 in the
# header alone, and pictures have times of their own.
BASES = {
    "h264": (dict(raw=True), [SUPPLEMENT]),
    "h264 bare": (dict(raw=True), [BARE]),
    "h264 3 slices, B, AUD": (dict(slices=3, b_frames=2, aud=True), [SUPPLEMENT]),
    "h264 low bitrate": (dict(raw=True), [SUPPLEMENT, "--low-bitrate"]),
    "h264 low bitrate, bare": (dict(b_frames=2), [BARE, "--low-bitrate"]),
    "h264 parts of 4": (dict(raw=True), [SUPPLEMENT, "--max-partial-units", "4", "--certificate-in-every-sei"]),
    "h264 parts of 4, bare": (dict(), [BARE, "--max-partial-units", "4", "--certificate-at-start-only"]),
    "h264 interval 3": (dict(frames=100), [SUPPLEMENT, "--signing-interval", "3"]),
    "h264 interval 3, bare": (dict(frames=100, raw=True), [BARE, "--signing-interval", "3"]),
    "h264 one GOP, parts of 30": (dict(frames=100, gop=100, slices=2), [SUPPLEMENT, "--max-partial-units", "30"]),
    "h264 repeated SEIs": (dict(raw=True), [SUPPLEMENT, "--repeat-seis"]),
    "h264 repeated SEIs, bare": (dict(), [BARE, "--repeat-seis"]),
    "h264 promised": (dict(b_frames=2), [SUPPLEMENT]),
    "h264 no emulation prevention": (dict(), [SUPPLEMENT, "--no-emulation-prevention"]),
    "h265": (dict(codec="h265", raw=True), [SUPPLEMENT]),
    "h265 2 slices, B, RSA": (dict(codec="h265", slices=2, b_frames=2), [SUPPLEMENT, "--certificate-in-every-sei"]),
    "h265 open GOP, layers, P-384": (dict(codec="h265", b_frames=3, open_gop=True, layers=True), [BARE, "--hash", "sha384"]),
    "h265 low bitrate, parts": (dict(codec="h265"), [BARE, "--low-bitrate", "--max-partial-units", "5"]),
    "h265 B pyramid, parts": (dict(codec="h265", b_frames=4, gop=20), [SUPPLEMENT, "--max-partial-units", "6"]),
    "h265 no emulation prevention, interval 2": (dict(codec="h265", raw=True), [BARE, "--no-emulation-prevention", "--signing-interval", "2"]),
    "axis h264": (dict(raw=True), [AXIS]),
    "axis h264 slices, B, parts": (dict(slices=3, b_frames=2), [AXIS, "--max-partial-units", "9"]),
    "axis h264 low bitrate": (dict(), [AXIS, "--low-bitrate"]),
    "axis h264 interval 3": (dict(frames=100, raw=True), [AXIS, "--signing-interval", "3"]),
    "axis h264 repeated": (dict(), [AXIS, "--repeat-seis"]),
    "axis h265, 2 slices, RSA": (dict(codec="h265", slices=2, raw=True), [AXIS]),
    "axis h265 no emulation prevention": (dict(codec="h265"), [AXIS, "--no-emulation-prevention", "--certificate-at-start-only"]),
    "av1": (dict(codec="av1"), []),
    "av1 low bitrate, parts": (dict(codec="av1"), ["--low-bitrate", "--max-partial-units", "4"]),
    "av1 interval 3": (dict(codec="av1", frames=80), ["--signing-interval", "3"]),
    "av1 SHA-512, RSA, parts": (dict(codec="av1"), ["--hash", "sha512", "--certificate-at-start-only", "--max-partial-units", "7"]),
    "av1 repeated": (dict(codec="av1"), ["--repeat-seis"]),
}
# Nothing moves, so that slices and whole GOPs are equal bit by bit: units in the wrong place cannot be told apart, but a
# clip nobody touched has to be authentic all the same.
STILL = {
    "h264 still, 4 slices": (dict(slices=4, still=True), [SUPPLEMENT]),
    "h264 still, interval 3": (dict(still=True, b_frames=2), [BARE, "--signing-interval", "3"]),
    "h265 still, 2 slices, parts": (dict(codec="h265", slices=2, still=True), [SUPPLEMENT, "--max-partial-units", "8"]),
    "axis h264 still": (dict(slices=2, still=True, raw=True), [AXIS]),
    "av1 still": (dict(codec="av1", still=True), []),
}
QUICK = ("h264", "h264 3 slices, B, AUD", "h264 parts of 4, bare", "h264 low bitrate", "h265 2 slices, B, RSA", "axis h264", "av1",
         "h264 still, 4 slices")
KEY_OF = {"RSA": "rsa2048", "P-384": "p384", "promised": "promised"}


class Scene:
    """One signed clip, another recording of the same camera, and the same pictures signed by another camera."""

    root = at = None

    def __init__(self, name, folder, camvault, factory, stranger):
        how, options = {**BASES, **STILL}[name]
        self.name, self.root = name, factory.root
        self.form = "axis" if AXIS in options or how.get("codec") == "av1" else "onvif"
        kind = next((v for k, v in KEY_OF.items() if k in name), "p256")
        self.signer = factory.path("camera-%s.pem" % kind)
        key = (factory.path("camera-%s.key" % kind), factory.path("camera-%s.chain.pem" % kind))
        base = os.path.join(folder, slug(name))
        for field, offset, who, hours in (("clip", 0, key, 0), ("again", 7, key, 2), ("other", 0, stranger, 0)):
            target = "%s_%s.mp4" % (base, field)
            cameras.sign(camvault, who, source_path(folder, how, offset), target, hours, options)
            signed = SignedClip("%s (%s)" % (name, field), target, self.form)
            signed.promised = kind == "promised"
            setattr(self, field, signed)


def slug(text):
    return "".join(c if c.isalnum() else "_" for c in text)


def source_path(folder, how, offset):
    codec = how.get("codec", "h264")
    parts = ["%s%s" % (k, v) for k, v in sorted(how.items()) if k != "raw"]
    return os.path.join(folder, "source_%s_%d.%s" % (slug("_".join(parts)), offset, codec if how.get("raw") else "mp4"))


def make_scenes(names, folder, camvault):
    factory = cameras.Factory(folder)
    for kind in ("p256", "p384", "rsa2048"):
        factory.camera("camera-" + kind, kind)
    factory.camera("camera-promised", promise=True)
    stranger = factory.camera("stranger")
    jobs = {source_path(folder, how, offset): (how, offset) for how, _ in map({**BASES, **STILL}.get, names) for offset in (0, 7)}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda job: clips.make(job[0], offset=job[1][1], **encoding(job[1][0])), jobs.items()))
        return list(pool.map(lambda name: Scene(name, folder, camvault, factory, stranger), names))


def encoding(how):
    return {"frames": 40 if how.get("codec") == "av1" else 60, **{k: v for k, v in how.items() if k != "raw"}}


# Clips signed by the reference implementations, whose SEIs stand elsewhere and carry no emulation prevention.
VECTORS = {
    "onvif": ("h264_p256", "h264_p256_cert", "h264_p256_epb", "h264_p256_low", "h264_p256_part4", "h264_p256_freq3", "h264_p256_sha512",
              "h264_p384", "h264_rsa2048", "h264_b3sl_p256", "h265_p256", "h265_rsa2048_low"),
    # Not those whose key stands in the golden message alone: without it nobody can say anything.
    "axis": ("h264_p256", "h264_p256_epb", "h264_p256_low", "h264_p256_part4", "h264_p256_freq3", "h264_p256_sha512",
             "h264_p384", "h264_rsa2048", "h264_b3sl_p256", "h265_p256"),
}


class VectorScene:
    """A clip of the vectors; there is no other recording of that camera, and no key to make one."""

    def __init__(self, folder, form, name, work):
        self.name, self.form = form + " " + name, form
        self.clip = SignedClip(self.name, os.path.join(folder, form, name + ".mp4"), form)
        self.root = self.signer = self.at = ""
        if form == "onvif":  # its certificates begin after the recording (README of the vectors); Axis' has a bare key
            self.root, self.at = os.path.join(folder, form, "ca.pem"), "2027-01-01T00:00:00Z"
            self.signer = os.path.join(work, slug(self.name) + ".signer.pem")
            with open(self.signer, "wb") as f:
                f.write(self.clip.check.chain[0].public_bytes(serialization.Encoding.PEM))


def vector_scenes(folder, work):
    return [VectorScene(folder, form, name, work) for form, names in VECTORS.items() for name in names
            if os.path.exists(os.path.join(folder, form, name + ".mp4"))]
