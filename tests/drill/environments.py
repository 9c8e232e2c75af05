"""Environments that people's machines have: right results, or one clear line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.drill.place import SHORT, Ended, Place, content, kill, left_over

_RUN = ["experiments.run", *SHORT, "out=runs"]
_STUDY = ["experiments.reproduce", "markov/threshold/smoke", "out=runs"]
_NOBODY = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"]
Check = Callable[[Place, str, dict[str, bytes]], None]


def _same(place: Place, case: str, wanted: dict[str, bytes], folder: Path, ended: Ended) -> None:
    """Note a run that failed, or whose records differ from those of a plain environment."""
    if ended.code:
        place.fail(case, "it fails", ended)
    elif (found := content(folder)) != wanted:
        names = sorted(name for name in {**found, **wanted} if found.get(name) != wanted.get(name))
        place.fail(case, f"its records differ: {', '.join(names)}", ended)


def _under(words: list[str] = _RUN, **variables: str | None) -> Check:
    """The run under other variables, with results equal to the bit."""

    def check(place: Place, case: str, wanted: dict[str, bytes]) -> None:
        folder = place.folder("environment")
        ended = place.call(words, cwd=folder, env=place.env(**variables))
        _same(place, case, wanted, folder, ended)

    return check


def _refused(names: str, words: list[str] = _RUN, **variables: str | None) -> Check:
    """The run under other variables is refused, in one line that names the cause."""

    def check(place: Place, case: str, wanted: dict[str, bytes]) -> None:
        folder = place.folder("environment")
        _one_line(place, case, names, place.call(words, cwd=folder, env=place.env(**variables)))

    return check


def _one_line(place: Place, case: str, names: str, ended: Ended) -> None:
    if ended.code == 0 or len(ended.lines) != 1 or names not in ended.err:
        place.fail(case, f"not refused in one line that names {names}", ended)


def _redirected(redirection: str) -> Check:
    """The run in a shell that closes, fills or cuts off its outputs."""

    def check(place: Place, case: str, wanted: dict[str, bytes]) -> None:
        folder = place.folder("environment")
        line = f'set -o pipefail; "$@" {redirection}'
        ended = _shell(place, line, _RUN, folder)
        _same(place, case, wanted, folder, ended)

    return check


def _shell(place: Place, line: str, words: list[str], folder: Path, prefix: list[str] | None = None) -> Ended:
    since = time.monotonic()
    done = subprocess.run(
        [*(prefix or []), "bash", "-c", line, "bash", sys.executable, "-m", *words],
        cwd=folder,
        env=place.env(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr, time.monotonic() - since)


def _as_nobody(place: Place, case: str, wanted: dict[str, bytes]) -> None:
    """A user without a name and a home, as in containers."""
    folder = place.folder("environment")
    if os.getuid() != 0:
        return  # only root can become such a user
    folder.chmod(0o777)
    env = place.env(HOME=None, JAX_COMPILATION_CACHE_DIR=None)
    done = subprocess.run(
        [*_NOBODY, sys.executable, "-m", *_RUN], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    _same(place, case, wanted, folder, Ended(done.returncode, done.stdout, done.stderr, 0))


def _read_only(place: Place, case: str, wanted: dict[str, bytes]) -> None:
    """A folder without permission to write: a run is refused, a preview works."""
    if os.getuid() != 0:
        return
    folder = place.folder("environment")
    folder.chmod(0o555)
    for words, refused in ((_RUN, True), (["experiments.preview", *SHORT[:5], "count=2"], False)):
        done = subprocess.run(
            [*_NOBODY, sys.executable, "-m", *words],
            cwd=folder,
            env=place.env(),
            capture_output=True,
            text=True,
            check=False,
        )
        ended = Ended(done.returncode, done.stdout, done.stderr, 0)
        if refused:
            _one_line(place, case, "out: cannot write to runs: no permission", ended)
        elif ended.code or len(ended.out.splitlines()) != 2:
            place.fail(case, "a preview does not work", ended)


def _full_disk(place: Place, case: str, wanted: dict[str, bytes]) -> None:
    """No file may grow beyond 8 kB, as on a full disk: one line, and the same command goes on later."""
    folder = place.folder("environment")
    ended = _shell(place, 'ulimit -f 8; "$@"', _RUN, folder)
    if ended.code == 0 or not any("out: cannot write" in line for line in ended.lines) or "Traceback" in ended.err:
        place.fail(case, "not one line on what cannot be written", ended)
    _same(place, case, wanted, folder, place.call(_RUN, cwd=folder))


def _full_for_parquet(place: Place, case: str, wanted: dict[str, bytes]) -> None:
    """An export that meets a full disk: one line, no file."""
    folder = place.folder("environment")
    for kind in ("jsonl", "parquet"):
        words = ["experiments.export", *SHORT[:5], "count=20000", f"out=a.{kind}"]
        _one_line(place, case, "out: cannot write a.", _shell(place, 'ulimit -f 8; "$@"', words, folder))
    if list(folder.iterdir()):
        place.fail(case, "it leaves a file")


def _hidden(name: str) -> Check:
    """A file of the user's with a name of ours."""

    def check(place: Place, case: str, wanted: dict[str, bytes]) -> None:
        folder = place.folder("environment")
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
        _one_line(place, case, str(folder / name), place.call(_RUN, cwd=folder))

    return check


def _broken_package(place: Place, case: str, wanted: dict[str, bytes]) -> None:
    """A package whose task cannot be imported: named in one line, and the run is the same."""
    folder, site = place.folder("environment"), place.folder("site")
    (site / "theirs.py").write_text("import no_such_module\n")
    facts = site / "theirs-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[terrarium.tasks]\nmine = theirs:Mine\n")
    ended = place.call(_RUN, cwd=folder, env=place.env(PYTHONPATH=f"{place.tree}{os.pathsep}{site}"))
    _same(place, case, wanted, folder, ended)
    if sum("the package theirs" in line for line in ended.lines) != 1:
        place.fail(case, "the package is not named once", ended)


def _two_at_once(place: Place, case: str, wanted: dict[str, bytes]) -> None:
    """Two commands over one folder, one of them interrupted: each run is whole, and judged."""
    folder = place.folder("environment")
    both = [place.start(_STUDY, cwd=folder) for _ in range(2)]
    while all(process.poll() is None for process in both):
        time.sleep(0.05)
    for process in both:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    for process in both:
        process.communicate()
    ended = place.call(_STUDY, cwd=folder)
    if ended.code or len(list(folder.rglob("result.json"))) != 4 or left_over(folder):
        place.fail(case, "what they leave is not whole", ended)


def _one_killed_of_two(place: Place, case: str, wanted: dict[str, bytes]) -> None:
    """Two commands over one folder, the first of them killed: the other takes its runs over."""
    folder = place.folder("environment")
    first, second = place.start(_RUN, cwd=folder), place.start(_RUN, cwd=folder)
    while not list(folder.rglob("config.yaml")) and first.poll() is None:
        time.sleep(0.02)
    kill(first)
    first.communicate()
    out, err = second.communicate(timeout=300)
    _same(place, case, wanted, folder, Ended(second.returncode, out, err, 0))


def _unpacked_elsewhere(place: Place, case: str, wanted: dict[str, bytes]) -> None:
    """A tree inside another repository: the commit of that is not recorded."""
    folder, other = place.folder("environment"), place.folder("other")
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@b"]
    (other / "file").touch()
    for words in (["init", "-q"], ["add", "file"], ["commit", "-qm", "Theirs"]):
        subprocess.run([*git, *words], cwd=other, check=True, capture_output=True)
    shutil.copytree(place.tree, other / "tree", ignore=shutil.ignore_patterns("results", "__pycache__"))
    ended = place.call(_RUN, cwd=folder, env=place.env(PYTHONPATH=str(other / "tree")))
    _same(place, case, wanted, folder, ended)
    commits = {json.loads(path.read_text())["commit"] for path in folder.rglob("result.json")}
    if commits != {"unknown"}:
        place.fail(case, f"it records the commit {commits}", ended)


def _damaged_cache(place: Place, case: str, wanted: dict[str, bytes]) -> None:
    """Compiled programs that are cut off: compiled anew, and replaced."""
    folder, programs = place.folder("environment"), place.folder("programs")
    env = place.env(JAX_COMPILATION_CACHE_DIR=str(programs))
    place.call(_RUN, cwd=place.folder("environment"), env=env)
    for path in programs.glob("*-cache"):
        path.write_bytes(path.read_bytes()[:100])
    ended = place.call(_RUN, cwd=folder, env=env)
    _same(place, case, wanted, folder, ended)
    if any(path.stat().st_size == 100 for path in programs.glob("*-cache")) or "cache" in ended.err:
        place.fail(case, "a damaged program stays, or is talked about", ended)


def _silent_tracking(place: Place, case: str, wanted: dict[str, bytes]) -> None:
    """Tracking that cannot work: said, and the run is the same."""
    folder = place.folder("environment")
    env = place.env(WANDB_BASE_URL="http://127.0.0.1:9", WANDB_API_KEY="0" * 40)
    ended = place.call([*_RUN, "wandb.mode=online"], cwd=folder, env=env)
    _same(place, case, wanted, folder, ended)
    if "wandb: " not in ended.err:
        place.fail(case, "it does not say that the run is not tracked", ended)


ENVIRONMENTS: dict[str, Check] = {
    "JAX_THREEFRY_PARTITIONABLE=0": _under(JAX_THREEFRY_PARTITIONABLE="0"),
    "JAX_DEFAULT_PRNG_IMPL=rbg": _under(JAX_DEFAULT_PRNG_IMPL="rbg"),
    "JAX_RANDOM_SEED_OFFSET=1": _under(JAX_RANDOM_SEED_OFFSET="1"),
    "JAX_ENABLE_X64 and JAX_DEFAULT_MATMUL_PRECISION": _under(
        JAX_ENABLE_X64="1", JAX_DEFAULT_MATMUL_PRECISION="bfloat16"
    ),
    "JAX_DISABLE_JIT and JAX_DEBUG_NANS": _under(JAX_DISABLE_JIT="1", JAX_DEBUG_NANS="1"),
    "JAX_NUMPY_RANK_PROMOTION and JAX_TRANSFER_GUARD": _under(
        JAX_NUMPY_RANK_PROMOTION="raise", JAX_TRANSFER_GUARD="disallow"
    ),
    "JAX_PLATFORMS=cuda": _refused("JAX_PLATFORMS", JAX_PLATFORMS="cuda"),
    "PYTHONOPTIMIZE=2": _under(PYTHONOPTIMIZE="2"),
    "PYTHONHASHSEED=1": _under(PYTHONHASHSEED="1"),
    "PYTHONIOENCODING=ascii": _under(PYTHONIOENCODING="ascii"),
    "LC_ALL=C": _under(LANG=None, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"),
    "LC_ALL of a locale that is not here": _under(LC_ALL="tr_TR.ISO-8859-9"),
    "COLUMNS=0": _under(COLUMNS="0", LINES="0"),
    "TERM=dumb": _under(TERM="dumb", FORCE_COLOR="1"),
    "another time zone": _under(TZ="Pacific/Kiritimati"),
    "no HOME": _under(HOME=None),
    "an unwritable HOME": _under(HOME="/proc", JAX_COMPILATION_CACHE_DIR=None),
    "git's variables": _under(GIT_DIR="/nowhere", GIT_WORK_TREE="/"),
    "a user without a name and a home": _as_nobody,
    "a read-only folder": _read_only,
    "a full disk while it trains": _full_disk,
    "a full disk while it exports": _full_for_parquet,
    "2>/dev/full": _redirected("2>/dev/full"),
    "2>&-": _redirected("2>&-"),
    ">&- 2>&- <&-": _redirected(">&- 2>&- <&-"),
    "2>&1 | head -1": _redirected("2>&1 | head -1"),
    "fields.py in the folder": _hidden("fields.py"),
    "models/ in the folder": _hidden("models/__init__.py"),
    "a package that cannot be imported": _broken_package,
    "two at once, one interrupted": _two_at_once,
    "two at once, one killed": _one_killed_of_two,
    "inside another repository": _unpacked_elsewhere,
    "a damaged cache of programs": _damaged_cache,
    "a tracking server that is not there": _silent_tracking,
}
