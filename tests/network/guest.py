"""A virtual machine with a kernel of its own: what this machine's kernel does not have. Emulated (TCG), so that it runs anywhere.

The kernel is Debian's full one: what guest_kernel.sh unpacked into build/guest-kernel (CAMVAULT_GUEST_KERNEL names another folder), or the
one that is installed.
"""
import os
import pathlib
import re
import shutil
import subprocess

import lab


def find_kernel(module):
    """(kernel, folder of its modules), newest first; None if none has the module."""
    ours = pathlib.Path(__file__).resolve().parents[2] / "build/guest-kernel"
    roots = [pathlib.Path(os.environ.get("CAMVAULT_GUEST_KERNEL", ours)), pathlib.Path("/")]
    for root in roots:
        for kernel in sorted(root.glob("boot/vmlinuz-*"), reverse=True):
            modules = root / "lib/modules" / kernel.name.split("-", 1)[1]
            if any(modules.rglob(module + ".ko")):
                return kernel, modules
    return None


def why_not():
    absent = [p for p in ("qemu-system-x86_64", "busybox", "cpio", "ldd") if lab.find(p) is None]
    if absent:
        return "not installed: %s (packaging/packages-test-system.txt)" % ", ".join(absent)
    if os.uname().machine != "x86_64":
        return "the guest runs programs of x86_64"
    if find_kernel("mac80211_hwsim") is None:
        return "no kernel with mac80211_hwsim (tests/network/guest_kernel.sh build/guest-kernel fetches one)"
    return None


class Guest:
    """Its file system is a folder; /init is a script of busybox; what it prints comes back, and a second port's bytes."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.tree = self.folder / "tree"
        for name in ("bin", "sbin", "proc", "sys", "dev", "tmp", "run", "etc", "modules", "usr/bin", "usr/sbin"):
            (self.tree / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(lab.find("busybox"), self.tree / "bin/busybox")
        self.loaded = {}  # modules in their order, and their parameters

    def add(self, source, target=None):
        """A file at its own or another place; programs and libraries with all that they need."""
        source = pathlib.Path(source)
        place = self.tree / str(target or source).lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, place)
        code, needed = lab.run(["ldd", source])
        for library in re.findall(r"(/\S+) \(0x", needed) if code == 0 else ():
            there = self.tree / library.lstrip("/")
            if not there.exists():
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(library, there)

    def module(self, name, modules, parameters=""):
        """A module, those that it needs first."""
        if name in self.loaded:
            return
        files = [name + ".ko", name.replace("_", "-") + ".ko"]
        path = next((found for file in files for found in modules.rglob(file)), None)
        if path is None:
            if not any("/" + file + "\n" in (modules / "modules.builtin").read_text() for file in files):
                raise FileNotFoundError("the kernel has no " + name)
            return
        needed = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
        for other in needed.group(1).decode().split(",") if needed and needed.group(1) else ():
            self.module(other, modules)
        shutil.copy(path, self.tree / "modules" / (name + ".ko"))
        self.loaded[name] = parameters

    def run(self, kernel, script, seconds, memory="1024M"):
        """What the script printed, and the bytes it sent to /dev/ttyS1."""
        init = self.tree / "init"
        init.write_text("#!/bin/busybox sh\n/bin/busybox --install -s /bin\nexport PATH=/bin:/sbin:/usr/bin:/usr/sbin\n"
                        "mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /run\n"
                        + "".join("insmod /modules/%s.ko %s\n" % each for each in self.loaded.items())
                        + script + "\nsync\npoweroff -f\n")
        init.chmod(0o755)
        image = self.folder / "initramfs"
        names = "\0".join(str(p.relative_to(self.tree)) for p in sorted(self.tree.rglob("*"))).encode()
        with open(image, "wb") as out:
            subprocess.run([lab.find("cpio"), "-0", "-o", "-H", "newc", "--quiet", "-R", "0:0"] if os.geteuid() != 0 else
                           [lab.find("cpio"), "-0", "-o", "-H", "newc", "--quiet"], input=names, stdout=out, cwd=self.tree, check=True)
        second = self.folder / "second"
        try:
            done = subprocess.run([lab.find("qemu-system-x86_64"), "-accel", "tcg", "-cpu", "max", "-m", memory, "-nographic", "-no-reboot", "-nodefaults",
                                   "-serial", "stdio", "-serial", "file:%s" % second, "-kernel", kernel, "-initrd", image, "-append",
                                   "console=ttyS0 panic=-1 quiet random.trust_cpu=on"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=seconds, check=False)
            output = done.stdout
        except subprocess.TimeoutExpired as late:
            output = (late.stdout or b"") + b"\nGUEST: out of time\n"
        return output.decode(errors="replace"), second.read_bytes() if second.exists() else b""
