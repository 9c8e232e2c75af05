#!/usr/bin/env bash
# stop.sh FOLDER: end the cluster that start.sh FOLDER started, and its jobs. The folder with its logs stays.
set -uo pipefail
[ $# = 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
folder=$(cd "$1" && pwd) || exit 2
export SLURM_CONF=$folder/slurm.conf

timeout 5 scancel --user="$(id -un)" 2>/dev/null
for _ in $(seq 50); do
    [ -n "$(timeout 5 squeue --noheader 2>/dev/null)" ] || break
    sleep 0.2
done
for daemon in slurmd slurmctld munged; do
    [ -s "$folder/$daemon.pid" ] || continue
    pid=$(cat "$folder/$daemon.pid")
    kill "$pid" 2>/dev/null
    for _ in $(seq 50); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -0 "$pid" 2>/dev/null && kill -KILL "$pid"
    rm -f "$folder/$daemon.pid"
done
exit 0
