#!/usr/bin/env python3
"""The Slurm example: an array of tasks over an archive, workers killed, each clip exactly once in the summary.

usage: slurm_test.py CAMVAULT CLIPS KILLS

munged, slurmctld and slurmd run here on loopback, with keys, state and ports of their own, as whoever runs the test.
"""
import getpass
import os
import socket
import subprocess
import sys
import time

import murder
from scene import EXAMPLES, Service, free_port, scene, skip_unless, wait_for

CONFIGURATION = """
ClusterName=camvault-test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser={user}
SlurmdUser={user}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
AuthInfo=socket={path}/munge.socket
StateSaveLocation={path}/state
SlurmdSpoolDir={path}/spool
SlurmctldPidFile={path}/slurmctld.pid
SlurmdPidFile={path}/slurmd.pid
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
KillWait=2
SchedulerParameters=batch_sched_delay=0,sched_interval=1
NodeName=here NodeHostname={host} NodeAddr=127.0.0.1 Port={node} CPUs={cores}
PartitionName=all Nodes=here Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:2
"""


class Cluster:
    def __init__(self, path):
        self.path, self.services = path, []
        self.env = dict(os.environ, SLURM_CONF=str(path / "slurm.conf"))

    def begin(self):
        path = self.path
        for name in ("state", "spool"):
            (path / name).mkdir(parents=True)
        key = path / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        (path / "slurm.conf").write_text(CONFIGURATION.format(host=socket.gethostname().split(".")[0], user=getpass.getuser(), path=path,
                                                             controller=free_port(), node=free_port(), cores=os.cpu_count()))
        # By force: it wants the way to its socket open to everybody, which is nobody's here but ours.
        self.start("munged", "--foreground", "--force", "--key-file=%s" % key, "--socket=%s/munge.socket" % path, "--pid-file=%s/munge.pid" % path,
                   "--log-file=%s/munge.log" % path, "--seed-file=%s/munge.seed" % path, "--num-threads=2")
        wait_for("munged", 20, (path / "munge.socket").exists)
        self.start("slurmctld", "-D", "-i")
        self.start("slurmd", "-D", "-N", "here")
        wait_for("the node", 60, lambda: "idle" in self.run("sinfo", "--noheader", "--format=%T").stdout)

    def start(self, name, *words):
        self.services.append(Service(self.path / (name + ".out"), [name, *words], self.env))

    def run(self, *words, **options):
        return subprocess.run([str(word) for word in words], env={**self.env, **options}, capture_output=True, text=True, check=False)

    def end(self):
        # Tasks first: the process that Slurm keeps for each of them outlives slurmd.
        self.run("scancel", "--user", getpass.getuser())
        end = time.monotonic() + 20
        while self.run("squeue", "--noheader").stdout.strip() and time.monotonic() < end:
            time.sleep(0.2)
        for service in reversed(self.services):
            service.end()


def main():
    camvault, count, kills = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    skip_unless(["munged", "slurmctld", "slurmd", "sbatch", "sinfo", "ffmpeg"])
    with scene(camvault, count) as at:
        cluster = Cluster(at.path / "cluster")
        try:
            cluster.begin()
            murderer = murder.Murderer(at.path, kills, 0.3 if count < 100 else 1.0)
            murderer.start()
            begin = time.monotonic()
            done = cluster.run(EXAMPLES / "slurm" / "submit.sh", at.job, PARTS=str(max(2, count // 25)), TRIES="40")
            seconds = time.monotonic() - begin
            killed = murderer.stop()
            tries = done.stdout.count("without a result")
            print(done.stdout + done.stderr)
            assert done.returncode == 1, "the worst clip of the archive is an altered one: %s" % done
            codes = at.check((at.job / "summary.json").read_text())
            assert killed > 0 and at.left() == 0, killed
            version = cluster.run("sinfo", "--version").stdout.strip()
            print("%s: %d clips, %d workers killed, %d submissions, %.0f s, by exit code %s" % (version, count, killed, tries, seconds, codes))
        except BaseException:
            for service in cluster.services:
                print("--- %s\n%s" % (service.command[0], service.text()[-3000:]))
            raise
        finally:
            cluster.end()


if __name__ == "__main__":
    main()
