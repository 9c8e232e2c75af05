#!/usr/bin/env bash
# start.sh FOLDER: a real Slurm cluster of one node with two CPUs, on the loopback address, for tests. All it writes is in
# FOLDER. Commands reach it with SLURM_CONF=FOLDER/slurm.conf. Does nothing where it already runs; stop.sh FOLDER ends it.
# Needs slurmctld, slurmd and munged (Debian: slurm-wlm, munge). No accounting, no cgroups: it runs in a container too.
set -euo pipefail
[ $# = 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
mkdir -p "$1/state" "$1/spool"
folder=$(cd "$1" && pwd)
chmod 755 "$folder" # munged wants a folder that only its owner writes to
PATH=$PATH:/usr/sbin:/sbin
export SLURM_CONF=$folder/slurm.conf

for program in munged slurmctld slurmd sinfo; do
    command -v $program >/dev/null || { echo "$program is not installed (Debian: slurm-wlm, munge)" >&2; exit 3; }
done

if [ ! -s "$folder/munge.key" ]; then
    (umask 077 && head -c 1024 /dev/urandom >"$folder/munge.key")
fi
cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
# A requeued job may start again once its credential has expired.
AuthInfo=socket=$folder/munge.socket,cred_expire=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
JobRequeue=1
KillWait=1
ReturnToService=2
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF

running() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }
running "$folder/munged.pid" || munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
    --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/munge.seed" 2>>"$folder/munged.log"
running "$folder/slurmctld.pid" || slurmctld
running "$folder/slurmd.pid" || slurmd

for _ in $(seq 150); do
    [ "$(timeout 5 sinfo --noheader --format=%T 2>/dev/null)" != idle ] || exit 0
    sleep 0.2
done
echo "the node is not idle after 30 s; the ends of the logs:" >&2
tail -n 5 "$folder"/*.log >&2
exit 1
