"""A headless Chromium of Debian's, driven through its own pipe: no port, no driver, nothing but the standard library.

The browser runs in a network namespace of its own without any interface where the kernel lets us make one.
"""
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time


class Missing(Exception):
    """There is no Chromium here."""


def _without_network():
    """The words in front of a command that take the network away; empty where that is not permitted."""
    words = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    if not shutil.which("unshare"):
        return []
    done = subprocess.run(words + ["true"], capture_output=True)
    return words if done.returncode == 0 else []


class Chromium:
    def __init__(self, width=1280, height=1000):
        program = shutil.which("chromium")
        if not program:
            raise Missing("chromium is not installed")
        self.profile = tempfile.mkdtemp(prefix="camvault-chromium-")
        prefix = _without_network()
        self.network = "no network interface" if prefix else "network not taken away: no permission"
        to_browser, ours_out = os.pipe()
        ours_in, from_browser = os.pipe()
        command = prefix + [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
                            "--user-data-dir=" + self.profile, "--no-first-run", "--disable-background-networking",
                            "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--mute-audio",
                            "--hide-scrollbars", "--window-size=%d,%d" % (width, height), "about:blank"]

        def wire():  # Chromium reads commands from 3 and answers on 4
            os.dup2(to_browser, 103)
            os.dup2(from_browser, 104)
            os.dup2(103, 3)
            os.dup2(104, 4)

        self.process = subprocess.Popen(command, preexec_fn=wire, close_fds=False, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.out, self.inp = ours_out, ours_in
        self.rest, self.number, self.events = b"", 0, []
        try:
            self.version = self.call("Browser.getVersion")["product"]
            target = self.call("Target.createTarget", url="about:blank", newWindow=True, width=width, height=height)["targetId"]
            self.session = None
            self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
                self.call(domain + ".enable")
        except Exception:
            self.close()
            raise

    session = None

    def close(self):
        try:
            if self.process.poll() is None:
                try:
                    self.call("Browser.close", session=False)
                    self.process.wait(20)
                except (OSError, EOFError, subprocess.TimeoutExpired):
                    self.process.kill()
                    self.process.wait()
        finally:
            for fd in (self.out, self.inp):
                os.close(fd)
            for _ in range(20):  # its last writes may still be under way
                shutil.rmtree(self.profile, ignore_errors=True)
                if not os.path.exists(self.profile):
                    break
                time.sleep(0.1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _read(self):
        while b"\0" not in self.rest:
            piece = os.read(self.inp, 1 << 20)
            if not piece:
                raise EOFError("Chromium ended")
            self.rest += piece
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=True, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session and self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data):]
        while True:
            answer = self._read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError("%s: %s" % (method, answer["error"].get("message")))
                return answer["result"]
            self.events.append(answer)

    def run(self, expression):
        """The value of a JavaScript expression; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description") or details.get("text"))
        return answer["result"].get("value")

    def open(self, path):
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        self.wait("document.readyState === 'complete'", 30)

    def wait(self, condition, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = self.run(condition)
            if value:
                return value
            time.sleep(0.02)
        raise TimeoutError("waited %d s for %s" % (seconds, condition))

    def choose_files(self, selector, paths):
        """What a person does with the file dialog."""
        found = self.call("Runtime.evaluate", expression="document.querySelector(%s)" % json.dumps(selector))
        self.call("DOM.setFileInputFiles", files=[os.path.abspath(p) for p in paths], objectId=found["result"]["objectId"])

    def key(self, key, code=None, number=0):
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=code or key, windowsVirtualKeyCode=number)

    def click(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self, path, whole=True):
        params = {"format": "png"}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            params.update(captureBeyondViewport=True, clip={"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1})
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.call("Page.captureScreenshot", **params)["data"]))

    def pdf(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"]))
