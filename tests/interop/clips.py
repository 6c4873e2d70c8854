"""Source clips for the tests, made by ffmpeg on the spot: a small moving test picture, or a scene where nothing moves."""
import subprocess

SIZE, RATE = "192x108", 25

X264 = "scenecut=0:open-gop=0:keyint=%d:min-keyint=%d:bframes=%d:slices=%d:threads=1:aud=%d"
QUICK = ["-preset", "ultrafast", "-crf", "35"]
# AV1: one shown frame a picture, none behind the next (the signer wants whole frames as they come).
AV1 = ["-c:v", "libaom-av1", "-cpu-used", "8", "-lag-in-frames", "0"]
X265 = "scenecut=0:keyint=%d:min-keyint=%d:bframes=%d:slices=%d:open-gop=%d:temporal-layers=%d:pools=1:frame-threads=1:log-level=none"


def make(path, codec="h264", frames=60, gop=10, b_frames=0, slices=1, offset=0, open_gop=False, layers=False, aud=False, still=False):
    """Encodes `frames` pictures; the suffix of `path` names the container (.mp4, .h264, .h265, .obu)."""
    source = ("smptebars" if still else "testsrc2") + "=size=%s:rate=%d:duration=%g" % (SIZE, RATE, (frames + offset) / RATE)
    if codec == "av1":
        coder = AV1 + ["-g", str(gop), "-crf", "50"]
    elif codec == "h264":
        coder = ["-c:v", "libx264", "-x264-params", X264 % (gop, gop, b_frames, slices, aud), *QUICK]
    else:
        coder = ["-c:v", "libx265", "-tag:v", "hvc1", "-x265-params",
                 X265 % (gop, gop, b_frames, slices, open_gop, layers), *QUICK]
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-vf", "trim=start_frame=%d,setpts=PTS-STARTPTS" % offset,
                    "-frames:v", str(frames), *coder, "-pix_fmt", "yuv420p", str(path)],
                   check=True, capture_output=True, stdin=subprocess.DEVNULL)
