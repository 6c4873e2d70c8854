"""Power cuts on the way to an owner: camera, registrar and maker's service are killed at many points.

usage: zero_touch_kill_test.py POINTS
"""
import signal
import subprocess
import sys
import time

from zero_touch_rig import IDENTITY, ZeroTouchRig


def reset(place):
    for name in ("owner.json", "ldevid.json", "ldevid-chain.pem", "owner-ca.pem"):
        (place.root / IDENTITY / name).unlink(missing_ok=True)


def main(points):
    rig = ZeroTouchRig().start()
    try:
        place = rig.camera("CUT-000001")
        begin = time.monotonic()
        code, told = rig.zero_touch(place)
        whole = time.monotonic() - begin
        assert code == 0, told
        interrupted = dict.fromkeys(("camera", "fleetd", "masad"), 0)
        for point in range(points):
            reset(place)
            process = subprocess.Popen(rig.zero_touch_command(place), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(whole * 1.1 * point / points)
            victim = ("camera", "fleetd", "masad")[point % 3]
            interrupted[victim] += process.poll() is None
            if victim == "camera":
                process.send_signal(signal.SIGKILL)
            elif victim == "fleetd":
                rig.fleetd.stop(signal.SIGKILL)
                rig.start()
            else:
                rig.restart_masa()
            process.wait(timeout=60)
            code, told = rig.zero_touch(place)
            assert code == 0, (point, victim, told)
            assert rig.keys(place) == [told["key"]], (point, rig.keys(place), told)
            assert rig.voucher(place)["serial-number"] == "CUT-000001"
        issued = rig.api("certificates?serial=CUT-000001")["certificates"]
        assert len(issued) == 1, issued  # the same key each time: nothing is doubled
        print(f"{points} points of a road that takes {whole * 1000:.0f} ms; killed before its end: {interrupted}")
    finally:
        rig.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
