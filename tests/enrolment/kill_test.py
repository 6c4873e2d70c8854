"""Power cuts: `camvault enrol` and fleetd are killed at many points, and nothing is lost or doubled.

usage: kill_test.py POINTS
"""
import signal
import subprocess
import sys
import time

from rig import Rig


def main(points):
    rig = Rig().start()
    try:
        place = rig.camera("CUT-000001")
        assert rig.enrol(place)[0] == 0
        begin = time.monotonic()
        assert rig.enrol(place, "--renew")[0] == 0
        whole = time.monotonic() - begin
        interrupted = 0
        for point in range(points):
            # Renewals from here on: cut at a point of one, spread over a little more than all of it.
            process = subprocess.Popen(rig.enrol_command(place, "--renew"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(whole * 1.1 * point / points)
            if point % 3 == 2:  # and the server with it
                rig.fleetd.stop(signal.SIGKILL)
            interrupted += process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.wait()
            if point % 3 == 2:
                rig.start()
            code, state = rig.enrol(place)
            assert code == 0, (point, state)
            # One key in the keystore, and it is the one that the state names: nothing was lost, nothing was forgotten.
            assert rig.keys(place) == [state["key"]] and state["old_key"] == "", (point, rig.keys(place), state)
            if len(rig.api("certificates?serial=" + state["serial"])["certificates"]) >= 6:
                place = fresh(rig, point)  # eight valid certificates of a camera are the limit
        numbers = [c["number"] for c in rig.api("certificates")["certificates"]]
        assert len(numbers) == len(set(numbers))
        print(f"{points} points of a renewal that takes {whole * 1000:.0f} ms, {interrupted} of them before its end; "
              f"{points // 3} times with fleetd: none lost, none doubled")
    finally:
        rig.close()


def fresh(rig, point):
    """Another camera: the last one has had its certificates."""
    place = rig.camera(f"CUT-{point + 100:06}")
    code, state = rig.enrol(place)
    assert code == 0, state
    return place


if __name__ == "__main__":
    main(int(sys.argv[1]))
