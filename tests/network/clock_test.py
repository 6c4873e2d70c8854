"""A camera whose clock stands at 1970 joins all the same, and believes nobody that it would not believe otherwise."""
import datetime
import sys
import time
import unittest

import admission
import lab
import pki
from admission import told
from admission_test import Frames
from lab import PROVISIONING

LIBRARIES = ("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1")


def at_1970(file):
    """An environment in which the time is what the file says (libfaketime): of camvault and of wpa_supplicant."""
    library = next((path for path in LIBRARIES if lab.os.path.exists(path)), None)
    if library is None:
        raise unittest.SkipTest("not installed: libfaketime (packaging/packages-test.txt)")
    file.write_text("@1970-01-01 00:05:00\n")
    return {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


class Clock1970(Frames):
    @classmethod
    def set_up_site(cls):
        site = cls.site
        hour = datetime.timedelta(hours=1)
        rogue = pki.Authority(pki.name("Onboarding CA"))
        # What the server's certificate is like; the camera's own was made yesterday.
        servers = {"good": (cls.network_ca, {}),
                   "ended-since": (cls.network_ca, {"begin": pki.NOW - 20 * pki.DAY, "end": pki.NOW - hour}),
                   "ended-before": (cls.network_ca, {"begin": pki.NOW - 20 * pki.DAY, "end": pki.NOW - 3 * pki.DAY}),
                   "rogue": (rogue, {})}
        cls.cameras, cls.files = {}, {}
        for number, (name, (authority, times)) in enumerate(servers.items()):
            camera = cls.cameras[name] = lab.Camera(site, name)
            cls.identity(camera, "CAM-1")
            cls.factory_default(camera)
            cls.server("server-" + name, ["CAM-1"], port=1812 + number, server=authority.server(site.folder, name, admission.RADIUS_NAME, **times))
            camera.plug(1812 + number)
            cls.files[name] = camera.root / "time"
            camera.start(at_1970(cls.files[name]))

    def test_joins_and_judges_when_the_clock_is_right(self):
        camera = self.cameras["good"]
        with told(camera):
            reached = camera.reached("provisioning")
            self.assertTrue(reached, "never in the provisioning network")
            self.assertTrue(reached[1]["times_ignored"])
            self.assertTrue(reached[1]["time"].startswith("1970-01-01"))
            self.assert_in(camera, PROVISIONING)
            print("at 1970: admitted after %.1f s" % (reached[0] - camera.began))
            self.files["good"].write_text("+0\n")
            self.assertTrue(lab.until(lambda: any("the clock is right now" in s["reason"] and not s["times_ignored"] for _, s in camera.states), 5))
            self.assertEqual(camera.states[-1][1]["phase"], "provisioning")
            self.assertEqual(len(camera.port.opened), 1, "a good server's connection was dropped")

    def test_a_server_that_had_ended_meanwhile_is_left(self):
        camera = self.cameras["ended-since"]
        with told(camera):
            self.assertTrue(camera.reached("provisioning"))
            self.files["ended-since"].write_text("+0\n")
            reached = camera.reached("server-refused", 10)
            self.assertTrue(reached)
            self.assertIn("ended at", reached[1]["reason"])
            self.assertTrue(lab.until(lambda: not camera.port.is_open, 5))

    def test_a_server_that_had_ended_before_is_refused(self):
        camera = self.cameras["ended-before"]
        with told(camera):
            reached = camera.reached("server-refused")
            self.assertTrue(reached)
            self.assertIn("ended at", reached[1]["reason"])
            self.assertFalse(camera.reached("provisioning", 0))

    def test_a_rogue_server_is_refused(self):
        camera = self.cameras["rogue"]
        with told(camera):
            self.assertTrue(camera.reached("server-refused"))
            self.assert_never_open(camera)


if __name__ == "__main__":
    unittest.main(verbosity=2)
