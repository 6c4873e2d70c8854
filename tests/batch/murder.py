"""Kills workers at random, as a lost node, the kernel short of memory or an impatient person does."""
import os
import random
import signal
import threading


def arguments_of(pid):
    try:
        with open("/proc/%s/cmdline" % pid, "rb") as file:
            return [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]
    except OSError:
        return []  # it has ended


def is_worker(words, folder):
    """A worker of ours or its verifier: it names the folder of this test, which no other process does."""
    ours = any(folder in word for word in words)
    names = {os.path.basename(word) for word in words}
    return ours and bool(names & {"batch.py", "nats_batch", "--json-line"}) and not names & {"bash", "sbatch", "new", "list", "summary"}


def workers(folder):
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and int(pid) != os.getpid() and is_worker(arguments_of(pid), folder)]


def kill(pid, folder):
    """True if it was the worker that was meant: an id may belong to somebody else by now."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if not is_worker(arguments_of(pid), folder):
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)


class Murderer(threading.Thread):
    """Kills `most` workers, one every `pause` seconds on average, until stop()."""

    def __init__(self, folder, most, pause, seed=7):
        super().__init__(daemon=True)
        self.folder, self.most, self.pause = str(folder), most, pause
        self.rng, self.ended, self.kills = random.Random(seed), threading.Event(), 0

    def run(self):
        while self.kills < self.most and not self.ended.wait(self.rng.uniform(0.2, 1.8) * self.pause):
            found = workers(self.folder)
            if found and kill(self.rng.choice(found), self.folder):
                self.kills += 1

    def stop(self):
        self.ended.set()
        self.join()
        return self.kills
