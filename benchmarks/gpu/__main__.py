"""`python -m benchmarks.gpu out=FOLDER seconds=600 [PART ...]`: check, measure and train on a machine with a GPU.

    python -m benchmarks.gpu out=gpu                      every part but `fused` and `graphs`, within 600 s
    python -m benchmarks.gpu out=gpu seconds=240 checks speed

Each part is a process of its own with a share of the time; the last has all that is left. A part that fails or outlasts
its share becomes a line of the log, and the next part goes on. Rows are on disk as soon as they are known. The same
command again does the rest.

FOLDER then holds three small files for `make gpu-record`: results.json, runs.tar.gz (records of the runs that ended,
without states) and log.txt. `commit=HASH` names the code if the tree has no history.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.files import write_whole

GRAPHS = "--xla_gpu_enable_command_buffer=FUSION,CUBLAS,CUBLASLT,CUSTOM_CALL,CUDNN,CONDITIONAL,WHILE"
GRACE = 15.0  # seconds from a part's SIGTERM to the end of its processes
SHARED = 600.0
LEAST = 20.0  # no part is started with fewer seconds left
ARCHIVED = ("config.yaml", "metrics.jsonl", "result.json", "error.json")


@dataclass(frozen=True)
class Plan:
    """The plan of a part: its module, the most seconds it may take, and variables of its environment."""

    module: str
    seconds: float
    env: dict[str, str] = field(default_factory=dict)


# Shares of SHARED seconds, by what an H200 took: one program compiles in 25 s, three side by side in 37 to 108 s. They
# leave studies 200 s: the program of markov/threshold, and 50 s for each of its settings. Where two processes share the
# card, neither may take most of its memory at once.
PARTS = {
    "checks": Plan("checks", 80, {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}),
    "speed": Plan("speed", 100),
    "pytorch": Plan("pytorch", 90, {"JAX_PLATFORMS": "cpu"}),
    "sweep": Plan("sweep", 90, {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}),
    "tasks": Plan("tasks", 40),
    "studies": Plan("studies", 200),
}
NAMED = {  # run if they are named
    "fused": Plan("speed", 120, {"TERRARIUM_ATTENTION": "fused"}),
    "graphs": Plan("speed", 100, {"XLA_FLAGS": GRAPHS}),
}


def main() -> int:
    """Runs the parts that are missing; returns 1 if one failed."""
    if {"-h", "--help"} & {*sys.argv[1:]}:
        print(__doc__)
        return 0
    folder, seconds, names, commit = _read_words(sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + seconds
    status = _read(folder / "status.json")
    for name in names:
        left = deadline - time.monotonic()
        if status.get(name, {}).get("status") == "done":
            continue
        if left < LEAST:
            status.setdefault(name, {"status": f"not started: {left:.0f} s were left"})
        else:
            share = (PARTS | NAMED)[name].seconds * max(1.0, seconds / SHARED)
            most = left if name == names[-1] else min(share, left)
            status[name] = _run(name, folder, most - LEAST / 2, commit)
            print(f"part {name}: {status[name]['status']}, {status[name]['seconds']} s", flush=True)
        write_whole(folder / "status.json", json.dumps(status, indent=1).encode())
        _collect(folder, status)
    return 1 if any(status[name]["status"].startswith("failed") for name in names) else 0


def _read_words(words: list[str]) -> tuple[Path, float, list[str], str]:
    """Reads the command's words: folder, seconds, parts and commit. Exits with a line that names a bad word."""
    values = dict(word.split("=", 1) for word in words if "=" in word)
    names = [word for word in words if "=" not in word] or list(PARTS)
    bad = [
        f"{key}: unknown; allowed: out, seconds, commit" for key in values if key not in ("out", "seconds", "commit")
    ]
    allowed = PARTS | NAMED
    bad += [f"{name}: no such part; allowed: {', '.join(allowed)}" for name in names if name not in allowed]
    seconds = values.get("seconds", "600")
    if not seconds.replace(".", "", 1).isdigit():
        bad.append(f"seconds: expected a number, got {seconds!r}")
    if not values.get("out"):
        bad.append("out: name a folder, as out=gpu")
    if bad:
        sys.exit("\n".join(bad))
    return Path(values["out"]).absolute(), float(seconds), names, values.get("commit", "")


def _run(name: str, folder: Path, seconds: float, commit: str) -> dict[str, Any]:
    """Runs a part for at most so many seconds; returns its end as text, and how long it took."""
    plan, since = (PARTS | NAMED)[name], time.monotonic()
    env = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(folder / "cache"), "PYTHONUNBUFFERED": "1"}
    env |= plan.env
    if commit:
        env["TERRARIUM_COMMIT"] = commit
    if "XLA_FLAGS" in plan.env:
        env["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {plan.env['XLA_FLAGS']}".strip()
    command = [sys.executable, "-m", f"benchmarks.gpu.{plan.module}", name, str(folder), str(seconds)]
    with (folder / "log.txt").open("ab") as log:
        log.write(f"\n== {name}, {seconds:.0f} s at most\n".encode())
        log.flush()
        # A group of its own, so that its compilers and commands end with it.
        process = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT, process_group=0)
        stopped = _wait(process, seconds)
    taken = round(time.monotonic() - since, 1)
    if process.returncode == 0:
        return {"status": "done", "seconds": taken}
    if stopped or process.returncode == 130:
        return {"status": "stopped: its time was out", "seconds": taken}
    return {"status": f"failed: {_last_line(folder / 'log.txt')}", "seconds": taken}


def _wait(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Waits for the end of a process; returns whether it had to be asked to end."""
    stopped = False
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        stopped = True
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return stopped


def _collect(folder: Path, status: dict[str, Any]) -> None:
    """Writes the results so far: all rows with the parts' ends, and the records of the runs that ended."""
    parts = {name: end | {"rows": _rows(folder / f"{name}.jsonl")} for name, end in status.items()}
    whole = _read(folder / "provenance.json") | {"parts": parts}
    write_whole(folder / "results.json", (json.dumps(whole, indent=1) + "\n").encode())
    ended = sorted({path.parent for name in ARCHIVED[2:] for path in (folder / "runs").rglob(name)})
    with tarfile.open(folder / "runs.tar.gz", "w:gz") as archive:
        for run in ended:
            for path in (run / name for name in ARCHIVED if (run / name).exists()):
                archive.add(path, path.relative_to(folder).as_posix())


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {}


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:200]


if __name__ == "__main__":
    sys.exit(main())
