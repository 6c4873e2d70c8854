#!/usr/bin/env python3
"""The plugin as anybody uses it: gst-launch-1.0 pipelines with the elements of GStreamer around ours.

AX-4.1-1, AX-4.1-2, AX-4.1-4, IP-4.2-1: CAMVAULT names the command line, KEYSTORED the key service, GST_PLUGIN_PATH holds the
plugin. Everything that is signed here is checked by `camvault verify` as well as by the element.
"""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

CAMVAULT = os.environ["CAMVAULT"]
KEYSTORED = os.environ["KEYSTORED"]
PATTERN = "pattern=snow"  # no two pictures are alike
STILL = "pattern=smpte"
BYTES = "video/x-h264,stream-format=byte-stream"

ENCODERS = {
    "h264": "x264enc speed-preset=ultrafast key-int-max=%d bitrate=600 bframes=0 option-string=scenecut=0:slices=%d",
    "h265": "x265enc speed-preset=ultrafast key-int-max=%d bitrate=600 option-string=scenecut=0:slices=%d:pools=1:frame-threads=1:log-level=none",
}


def environment(folder):
    env = dict(os.environ, GST_REGISTRY=str(folder / "registry.bin"), GST_DEBUG_NO_COLOR="1")
    # A sanitized plugin in an unsanitized program. What gst-launch and the codecs leave behind is not ours.
    if env.get("CAMVAULT_PRELOAD"):
        env.update(LD_PRELOAD=env["CAMVAULT_PRELOAD"], ASAN_OPTIONS="detect_leaks=0:detect_odr_violation=0")
    return env


def source(pictures, pattern=PATTERN, live=False):
    return (f"videotestsrc {pattern} num-buffers={pictures} is-live={str(live).lower()} ! "
            "video/x-raw,width=160,height=96,framerate=25/1")


def encoder(codec, gop=10, slices=1):
    return ENCODERS[codec] % (gop, slices)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="camvault-gst-")
        cls.path = pathlib.Path(cls.folder.name)
        cls.env = environment(cls.path)
        cls.ca = cls.path / "ca.pem"
        for name, subject in (("ca", "/CN=Test root"), ("cam", "/CN=Test camera/serialNumber=G-1")):
            cls.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.key")
            if name == "ca":
                cls.openssl("req", "-x509", "-new", "-key", "ca.key", "-subj", subject, "-days", "3650", "-out", "ca.pem")
            else:
                cls.openssl("req", "-new", "-key", "cam.key", "-subj", subject, "-out", "cam.csr")
        (cls.path / "ext").write_text("basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n")
        cls.openssl("x509", "-req", "-in", "cam.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "3000",
                    "-extfile", "ext", "-out", "cam.pem")
        cls.signer = f"camvaultsign key-file={cls.path}/cam.key chain={cls.path}/cam.pem wait-for-key=true"

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def openssl(cls, *arguments):
        subprocess.run(["openssl", *arguments], cwd=cls.path, check=True, capture_output=True)

    def start(self, pipeline, *options):
        return subprocess.Popen(["gst-launch-1.0", "-m", "-e", *options, *pipeline.split()], env=self.env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def launch(self, pipeline, fails=False, timeout=120):
        process = self.start(pipeline)
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            self.fail(f"{pipeline}\ndid not end:\n{output[-3000:]}")
        self.assertNotIn("ERROR: AddressSanitizer", output)
        self.assertNotIn("runtime error", output)
        self.assertEqual(process.returncode != 0, fails, f"{pipeline}\n{output[-3000:]}")
        return output

    def messages(self, output, name):
        """The fields of our element messages, as gst-launch prints them."""
        found = []
        for line in re.findall(r"\(element\): %s, (.*);" % name, output):
            fields = {}
            for field, value in re.findall(r'([a-z-]+)=\((?:string|uint|boolean)\)("(?:\\.|[^"\\])*"|[^,]*)', line):
                fields[field] = value.strip('"').replace("\\", "")
            found.append(fields)
        return found

    def verified(self, pipeline, name="verify", options="", timeout=120):
        """Runs `... ! camvaultverify ! fakesink` and returns the JSON report and the output."""
        report = self.path / f"{name}.json"
        if report.exists():
            report.unlink()
        output = self.launch(f"{pipeline} ! camvaultverify name=v trust={self.ca} report-location={report} {options} ! fakesink", timeout=timeout)
        return json.loads(report.read_text()), output

    def cli(self, clip):
        done = subprocess.run([CAMVAULT, "verify", str(clip), "--trust", str(self.ca), "--json"], capture_output=True, timeout=120)
        self.assertIn(done.returncode, (0, 1, 2), done.stderr)
        return done.returncode, json.loads(done.stdout)

    def make(self, name, codec, pictures=60, gop=10, slices=1, pattern=PATTERN, options=""):
        """A signed elementary stream."""
        clip = self.path / name
        if not clip.exists():
            self.launch(f"{source(pictures, pattern)} ! {encoder(codec, gop, slices)} ! {codec}parse ! "
                        f"video/x-{codec},stream-format=byte-stream ! {self.signer} {options} ! filesink location={clip}")
        return clip


class Documentation(Case):
    def test_inspect_documents_everything(self):
        for element in ("camvaultsign", "camvaultverify"):
            text = subprocess.run(["gst-inspect-1.0", element], env=self.env, capture_output=True, text=True, timeout=60)
            self.assertEqual(text.returncode, 0, text.stderr)
            self.assertIn("SINK template: 'sink'", text.stdout)
            self.assertIn("SRC template: 'src'", text.stdout)
            self.assertIn("Codec/Filter/Video", text.stdout)
            self.assertIn("ONVIF Media Signing", text.stdout)
            properties = re.findall(r"^  ([a-z-]+) *: (.*)$", text.stdout[text.stdout.index("Element Properties"):], re.M)
            self.assertGreater(len(properties), 10)
            for name, blurb in properties:
                self.assertGreater(len(blurb), 10, f"{element} {name}")
        self.assertIn('"gop"', text.stdout)
        self.assertIn('"report-ready"', text.stdout)

    def test_every_property_stands_in_the_manual(self):
        manual = (pathlib.Path(__file__).parents[3] / "docs" / "gstreamer.md").read_text()
        for element in ("camvaultsign", "camvaultverify"):
            text = subprocess.run(["gst-inspect-1.0", element], env=self.env, capture_output=True, text=True, timeout=60).stdout
            for name, _ in re.findall(r"^  ([a-z-]+) *: (.*)$", text[text.index("Element Properties"):], re.M):
                if name not in ("name", "parent"):
                    self.assertIn(f"`{name}`", manual, element)

    def test_the_plugin_shows_nothing_but_its_entry(self):
        plugin = pathlib.Path(os.environ["GST_PLUGIN_PATH"]) / "libgstcamvault.so"
        names = subprocess.run(["nm", "-D", "--defined-only", str(plugin)], capture_output=True, text=True, check=True).stdout.split()
        shown = [n for n in names if n.startswith(("gst_", "camvault", "_Z"))]
        self.assertEqual(sorted(shown), ["gst_plugin_camvault_get_desc", "gst_plugin_camvault_register"])


class Formats(Case):
    def check(self, clip, pictures):
        code, report = self.cli(clip)
        self.assertEqual((code, report["verdict"], report["provenance"]), (0, "authentic", "trusted"), report["verdict_reason"])
        self.assertEqual(report["frames"]["authentic"], pictures)

    def test_every_framing_and_container(self):  # IP-4.2-1
        cases = [
            ("h264", "byte-stream", "", "a.h264", "h264parse"),
            ("h264", "avc", "mp4mux !", "a.mp4", "qtdemux ! h264parse"),
            ("h264", "avc", "matroskamux !", "a.mkv", "matroskademux ! h264parse"),
            ("h264", "byte-stream", "mpegtsmux !", "a.ts", "tsdemux ! h264parse"),
            ("h265", "byte-stream", "", "a.h265", "h265parse"),
            ("h265", "hvc1", "mp4mux !", "b.mp4", "qtdemux ! h265parse"),
            ("h265", "byte-stream", "mpegtsmux !", "b.ts", "tsdemux ! h265parse"),
        ]
        for codec, framing, mux, name, demux in cases:
            with self.subTest(codec=codec, framing=framing, name=name):
                clip = self.path / name
                self.launch(f"{source(30)} ! {encoder(codec)} ! {codec}parse ! video/x-{codec},stream-format={framing} ! "
                            f"{self.signer} ! {mux} filesink location={clip}")
                self.check(clip, 30)
                report, output = self.verified(f"filesrc location={clip} ! {demux}")
                self.assertEqual((report["verdict"], report["provenance"]), ("authentic", "trusted"))
                self.assertEqual(report["frames"]["count"], 30)
                gops = self.messages(output, "camvault-gop")
                self.assertEqual([g["verdict"] for g in gops], ["authentic"] * 3)
                self.assertEqual(sum(int(g["pictures"]) for g in gops), 30)
                self.assertEqual([g["linked"] for g in gops], ["false", "true", "true"])
                final = self.messages(output, "camvault-report")
                self.assertEqual(len(final), 1)
                self.assertEqual((final[0]["reason"], final[0]["verdict"], final[0]["serial"]), ("end-of-stream", "authentic", "G-1"))

    def test_variants_of_signing(self):
        for options in ("hash=sha512", "low-bitrate=true", "signing-interval=2", "certificates=start", "certificates=signatures-only",
                        "emulation-prevention=false", "repeat-signatures=true", "max-partial-units=4", "hold-last-picture=false",
                        "vendor-manufacturer=Maker vendor-firmware=1.2 vendor-serial=S7"):
            with self.subTest(options=options):
                clip = self.make(f"{abs(hash(options))}.h264", "h264", 30, options=options)
                report, _ = self.verified(f"filesrc location={clip} ! h264parse")
                self.assertEqual(report["verdict"], "authentic", report["verdict_reason"])
                self.assertEqual(report["frames"]["authentic"], 30)
                if "vendor" in options:
                    self.assertEqual(report["signer"]["vendor"], {"manufacturer": "Maker", "firmware": "1.2", "serial": "S7"})

    def test_many_slices_and_b_pictures(self):
        clip = self.path / "many.mp4"
        self.launch(f"{source(40)} ! x264enc speed-preset=ultrafast key-int-max=10 bframes=2 option-string=slices=4 ! h264parse ! "
                    f"{self.signer} ! mp4mux ! filesink location={clip}")
        self.check(clip, 40)

    def test_capture_times(self):
        clip = self.make("times.h264", "h264", 30, options="start-time=2027-01-02T03:04:05Z")
        _, report = self.cli(clip)
        self.assertEqual(report["first_time"], "2027-01-02T03:04:05Z")
        self.assertEqual(report["gops"][1]["time"], "2027-01-02T03:04:05.4Z")

    def test_a_live_camera_is_signed_at_the_time_of_its_clock(self):
        clip = self.path / "live.h264"
        before = time.time()
        self.launch(f"{source(30, live=True)} ! {encoder('h264')} tune=zerolatency ! h264parse ! {BYTES} ! "
                    f"{self.signer.replace(' wait-for-key=true', '')} ! filesink location={clip}")
        _, report = self.cli(clip)
        self.assertEqual(report["verdict"], "authentic")
        first = time.mktime(time.strptime(report["first_time"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
        self.assertGreaterEqual(first, int(before))
        self.assertLess(first, time.time())

    def test_altered_pictures_are_named(self):
        clip = self.make("intact.h264", "h264", 40)
        data = bytearray(clip.read_bytes())
        _, report = self.cli(clip)
        units = [m.end() for m in re.finditer(b"\x00\x00\x01", data)]
        slices = [at for at in units if data[at] & 31 in (1, 5)]
        data[slices[17] + 40] ^= 0x01
        forged = self.path / "forged.h264"
        forged.write_bytes(data)
        report, output = self.verified(f"filesrc location={forged} ! h264parse")
        self.assertEqual(report["verdict"], "not_authentic")
        self.assertEqual([(f["index"], f["kind"]) for f in report["frames"]["not_authentic"]], [(17, "altered")])
        self.assertEqual([g["verdict"] for g in self.messages(output, "camvault-gop")], ["authentic", "altered", "authentic", "authentic"])
        code, by_cli = self.cli(forged)
        self.assertEqual((code, by_cli["verdict"]), (1, "not_authentic"))

    def test_unsigned_video_is_not_signed(self):
        report, _ = self.verified(f"{source(20)} ! {encoder('h264')} ! h264parse")
        self.assertEqual(report["verdict"], "not_signed")

    def test_an_unknown_root_is_no_origin(self):
        clip = self.make("intact.h264", "h264", 40)
        report, _ = self.verified(f"filesrc location={clip} ! h264parse", options="expect-serial=OTHER")
        self.assertEqual((report["verdict"], report["provenance"]), ("not_authentic", "untrusted"))


class Loss(Case):
    """Units that a network lost are missing or leave others uncovered; nobody is accused."""

    def assert_lossy(self, report, lost_something=True):
        frames = report["frames"]
        self.assertEqual((frames["altered"], frames["extra"], frames["out_of_place"]), (0, 0, 0), json.dumps(report["notes"]))
        self.assertEqual(report["provenance"], "trusted")
        if lost_something:
            self.assertEqual(report["verdict"], "authentic_with_missing_frames", report["verdict_reason"])
            self.assertLess(frames["authentic"], frames["count"] + frames["missing"])
        self.assertGreater(frames["authentic"], 0)

    def test_rtp_packets(self):
        for codec, slices in (("h264", 1), ("h264", 4), ("h265", 1)):
            for pattern in (PATTERN, STILL):
                clip = self.make(f"{codec}-{slices}-{pattern[8:]}.{codec}", codec, 250, slices=slices, pattern=pattern)
                for loss in (0, 0.005, 0.02):
                    with self.subTest(codec=codec, slices=slices, loss=loss, pattern=pattern):
                        report, _ = self.verified(
                            f"filesrc location={clip} ! {codec}parse ! rtp{codec}pay mtu=600 ! identity drop-probability={loss} ! "
                            f"rtp{codec}depay ! {codec}parse")
                        if loss == 0:
                            self.assertEqual(report["verdict"], "authentic", report["verdict_reason"])
                            self.assertEqual(report["frames"]["authentic"], 250)
                        else:
                            self.assert_lossy(report, loss > 0.01)

    def test_low_bitrate_loses_whole_groups_but_accuses_nobody(self):
        clip = self.make("low.h264", "h264", 250, options="low-bitrate=true")
        report, _ = self.verified(f"filesrc location={clip} ! h264parse ! rtph264pay mtu=600 ! identity drop-probability=0.005 ! "
                                  "rtph264depay ! h264parse")
        self.assert_lossy(report)
        self.assertGreater(report["frames"]["not_covered"], 0)

    def test_transport_stream_packets(self):
        clip = self.make("ts.h264", "h264", 250)
        report, _ = self.verified(f"filesrc location={clip} ! h264parse ! mpegtsmux alignment=1 ! identity drop-probability=0.002 ! "
                                  "tsparse ! tsdemux ! h264parse")
        frames = report["frames"]
        self.assertGreater(frames["authentic"], 100)
        # docs/gstreamer.md, limits: the demuxer hands over pieces of pictures whose packets were lost in the middle.
        self.assertEqual((frames["extra"], frames["out_of_place"]), (0, 0))

    def test_an_altered_picture_is_found_among_lost_ones(self):
        clip = self.make("h264-1-snow.h264", "h264", 250)
        data = bytearray(clip.read_bytes())
        slices = [m.end() for m in re.finditer(b"\x00\x00\x01", data) if data[m.end()] & 31 in (1, 5)]
        for number in range(5, 250, 10):
            data[slices[number] + 40] ^= 0x01
        forged = self.path / "forged.h264"
        forged.write_bytes(data)
        report, _ = self.verified(f"filesrc location={forged} ! h264parse ! rtph264pay mtu=600 ! identity drop-probability=0.005 ! "
                                  "rtph264depay ! h264parse")
        self.assertEqual(report["verdict"], "not_authentic")
        self.assertGreater(report["frames"]["altered"], 10)
        wrong = report["frames"]["not_authentic"]
        missing = {f["index"] for f in wrong if f["kind"] == "missing"}
        for frame in wrong:
            if frame["kind"] == "altered":
                # Of a lost picture and an altered one side by side nobody can tell which is which.
                forged = frame["index"] // 10 * 10 + 5
                self.assertTrue(frame["index"] == forged or forged in missing, frame)


class Network(Case):
    """Two programs and a socket between them, on the loopback."""

    def free_port(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            return s.getsockname()[1]

    def receive(self, loss, codec="h264", pictures=100):
        port = self.free_port()
        report = self.path / f"udp-{loss}.json"
        receiver = self.start(
            f"udpsrc address=127.0.0.1 port={port} caps=application/x-rtp,media=video,clock-rate=90000,encoding-name={codec.upper()},payload=96 ! "
            f"rtpjitterbuffer latency=100 do-lost=true ! rtp{codec}depay ! {codec}parse ! camvaultverify trust={self.ca} report-location={report} ! fakesink")
        time.sleep(2)
        self.launch(f"{source(pictures, live=True)} ! {encoder(codec)} ! {codec}parse ! {self.signer.replace(' wait-for-key=true', '')} ! "
                    f"rtp{codec}pay mtu=600 config-interval=-1 ! identity drop-probability={loss} ! udpsink host=127.0.0.1 port={port} sync=false")
        time.sleep(1)
        receiver.send_signal(signal.SIGINT)  # -e: ends the stream
        output, _ = receiver.communicate(timeout=30)
        return json.loads(report.read_text()), output

    def test_rtp_over_udp(self):
        report, output = self.receive(0)
        self.assertEqual(report["verdict"], "authentic", report["verdict_reason"])
        self.assertGreaterEqual(len(self.messages(output, "camvault-gop")), 9)
        self.assertGreaterEqual(report["frames"]["authentic"], 90)

    def test_rtp_over_udp_with_loss(self):
        report, _ = self.receive(0.01)
        frames = report["frames"]
        self.assertEqual((frames["altered"], frames["extra"], frames["out_of_place"]), (0, 0, 0))
        self.assertEqual(report["verdict"], "authentic_with_missing_frames", report["verdict_reason"])
        self.assertGreater(frames["authentic"], 20)


class Dropping(Case):
    def through(self, clip, options=""):
        out = self.path / "out.h264"
        self.launch(f"filesrc location={clip} ! h264parse ! {BYTES} ! camvaultverify drop-unauthentic=true trust={self.ca} {options} ! filesink location={out}")
        return out.read_bytes() if out.exists() else b""

    def pictures(self, data):
        return [m.end() for m in re.finditer(b"\x00\x00\x01", data) if data[m.end()] & 31 in (1, 5)]

    def test_authentic_video_passes_as_it_is(self):
        clip = self.make("intact.h264", "h264", 50)
        # The parser puts a delimiter in front of the signature at the very end.
        self.assertEqual(self.through(clip).replace(b"\x00\x00\x00\x01\x09\xf0\x00\x00\x00\x01\x06\x05", b"\x00\x00\x00\x01\x06\x05"), clip.read_bytes())

    def test_what_is_altered_and_what_hangs_on_it_is_dropped(self):
        clip = self.make("intact.h264", "h264", 50)
        data = bytearray(clip.read_bytes())
        data[self.pictures(data)[24] + 40] ^= 1
        forged = self.path / "forged.h264"
        forged.write_bytes(data)
        # Pictures 24 to 29: the altered one and the rest of its group.
        self.assertEqual(len(self.pictures(self.through(forged))), 44)

    def test_nothing_of_unsigned_video_passes(self):
        clip = self.path / "plain.h264"
        self.launch(f"{source(30)} ! {encoder('h264')} ! h264parse ! {BYTES} ! filesink location={clip}")
        self.assertEqual(self.pictures(self.through(clip)), [])

    def test_nothing_of_an_unknown_camera_passes(self):
        clip = self.make("intact.h264", "h264", 50)
        self.assertEqual(self.pictures(self.through(clip, f"expect-serial=OTHER")), [])

    def test_pictures_that_wait_too_long_are_dropped(self):
        clip = self.make("intact.h264", "h264", 50)
        # A group lasts 400 ms: its first pictures cannot wait for its signature.
        self.assertLess(len(self.pictures(self.through(clip, "max-delay=100000000"))), 15)


class Keys(Case):
    def test_what_is_wrong_is_said(self):
        tail = "! fakesink"
        head = f"{source(5)} ! {encoder('h264')} ! h264parse !"
        for options, words in (
                (f"root={self.path}", "certificate chain"),
                (f"root={self.path} chain={self.path}/cam.pem", "keystored"),
                (f"key-file={self.path}/nothing.key chain={self.path}/cam.pem", "nothing.key"),
                (f"key-file={self.path}/ca.key chain={self.path}/cam.pem", "does not belong to the signing key"),
                (f"key-file={self.path}/cam.key chain={self.path}/cam.pem start-time=noon", "start-time")):
            with self.subTest(options=options):
                self.assertIn(words, self.launch(f"{head} camvaultsign {options} {tail}", fails=True))
        self.assertIn("no-such.pem", self.launch(f"{head} camvaultverify trust={self.path}/no-such.pem {tail}", fails=True))
        self.assertIn("at:", self.launch(f"{head} camvaultverify at=noon {tail}", fails=True))

    def test_signed_video_is_not_signed_twice(self):
        clip = self.make("once.h264", "h264", 30)
        self.assertIn("signed already", self.launch(f"filesrc location={clip} ! h264parse ! {self.signer} ! fakesink", fails=True))
        again = self.path / "again.h264"
        self.launch(f"filesrc location={clip} ! h264parse ! {BYTES} ! {self.signer} replace-signatures=true ! filesink location={again}")
        code, report = self.cli(again)
        self.assertEqual((code, report["verdict"], report["frames"]["authentic"]), (0, "authentic", 30))


class Keystore(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.daemons = []
        for root in (cls.path / "camera", cls.path / "factory"):
            for folder in ("etc/camvault", "run/camvault", "var/lib/camvault"):
                (root / folder).mkdir(parents=True)
            config = root / "etc/camvault/keystored.toml"
            config.write_text(f'[[application]]\nname = "{root.name}"\nuid = {os.geteuid()}\n')
            config.chmod(0o600)
            read_end, write_end = os.pipe()
            cls.daemons.append(subprocess.Popen([KEYSTORED, "--root", str(root), "--ready-fd", str(write_end)], pass_fds=[write_end], stderr=subprocess.DEVNULL))
            os.close(write_end)
            assert os.read(read_end, 64)
            os.close(read_end)
        for command in (["init", "--root", "factory", "--organization", "Test"],
                        ["provision", "--root", "factory", "--camera-root", "camera", "--serial", "K-1", "--identities", "none"]):
            subprocess.run([CAMVAULT, "factory", *[str(cls.path / a) if a in ("factory", "camera") else a for a in command]], check=True, capture_output=True)
        cls.root_ca = cls.path / "factory/var/lib/camvault/factory/root-ca.pem"

    @classmethod
    def tearDownClass(cls):
        for daemon in cls.daemons:
            daemon.terminate()
            daemon.wait(timeout=20)
        super().tearDownClass()

    def test_a_key_of_the_keystore(self):  # AX-2.1-1
        clip = self.path / "keystore.mp4"
        self.launch(f"{source(60, live=True)} ! {encoder('h264')} tune=zerolatency ! h264parse ! camvaultsign root={self.path}/camera ! mp4mux ! filesink location={clip}")
        done = subprocess.run([CAMVAULT, "verify", str(clip), "--trust", str(self.root_ca), "--json"], capture_output=True)
        report = json.loads(done.stdout)
        self.assertEqual((done.returncode, report["verdict"], report["provenance"], report["signer"]["serial"]), (0, "authentic", "trusted", "K-1"))
        self.assertEqual(report["frames"]["authentic"], 60)


class SlowKey(Keystore):
    """AX-2.1-1: a keystore that stops for a while costs signatures for a while, never a picture."""

    def film(self, clip, stop_after, stop_for, options=""):
        """100 live pictures; the camera's keystored stands still meanwhile. Returns seconds until all were recorded."""
        process = self.start(f"{source(100, live=True)} ! {encoder('h264')} tune=zerolatency ! h264parse ! {BYTES} ! "
                             f"camvaultsign root={self.path}/camera {options} ! filesink location={clip}")
        time.sleep(stop_after)
        begin = time.monotonic()
        self.daemons[0].send_signal(signal.SIGSTOP)
        try:
            if stop_for:
                time.sleep(stop_for)
                self.daemons[0].send_signal(signal.SIGCONT)
            output, _ = process.communicate(timeout=60)
        finally:
            self.daemons[0].send_signal(signal.SIGCONT)
        self.assertEqual(process.returncode, 0, output[-2000:])
        return time.monotonic() - begin, output

    def verify(self, clip):
        done = subprocess.run([CAMVAULT, "verify", str(clip), "--trust", str(self.root_ca), "--json"], capture_output=True, timeout=60)
        return json.loads(done.stdout)

    def test_a_pause_is_caught_up(self):
        _, output = self.film(self.path / "pause.h264", 1.5, 1)
        report = self.verify(self.path / "pause.h264")
        self.assertEqual((report["verdict"], report["frames"]["authentic"]), ("authentic", 100), report["verdict_reason"])

    def test_a_keystore_that_never_comes_back_does_not_hold_the_end_up(self):
        took, output = self.film(self.path / "gone.h264", 1.5, 0, "patience=500")
        self.assertLess(took, 15)
        self.assertIn("signatures failed", output)
        report = self.verify(self.path / "gone.h264")
        self.assertEqual(report["frames"]["count"], 100)
        self.assertEqual(report["frames"]["altered"] + report["frames"]["extra"], 0)


class Seeking(Case):
    def test_two_recordings_in_a_row(self):
        both = self.path / "joined.h264"
        both.write_bytes(self.make("first.h264", "h264", 30).read_bytes() + self.make("second.h264", "h264", 30, gop=15).read_bytes())
        report, _ = self.verified(f"filesrc location={both} ! h264parse")
        self.assertEqual(report["verdict"], "not_authentic")
        self.assertIn("joined", [n["kind"] for n in report["notes"]])

    def test_the_codec_changes_inside(self):
        first = self.make("concat.h264", "h264", 20)
        second = self.make("concat.h265", "h265", 20)
        report = self.path / "codec.json"
        output = self.launch(f"concat name=c ! camvaultverify trust={self.ca} report-location={report} ! fakesink "
                             f"filesrc location={first} ! h264parse ! c. filesrc location={second} ! h265parse ! c.")
        final = self.messages(output, "camvault-report")
        self.assertEqual([(f["reason"], f["verdict"], f["authentic"]) for f in final],
                         [("format-changed", "authentic", "20"), ("end-of-stream", "authentic", "20")])

    def test_the_codec_changes_while_signing(self):
        out = self.path / "changed.%d"
        output = self.launch(f"concat name=c ! {self.signer} ! camvaultverify trust={self.ca} ! fakesink "
                             f"{source(20)} ! {encoder('h264')} ! h264parse ! c. {source(20)} ! {encoder('h265')} ! h265parse ! c.")
        final = self.messages(output, "camvault-report")
        self.assertEqual([(f["reason"], f["verdict"], f["authentic"]) for f in final],
                         [("format-changed", "authentic", "20"), ("end-of-stream", "authentic", "20")], out)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=2)
