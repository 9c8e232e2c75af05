"""Kills (-9) at random moments: what is run again to its end is equal, to the bit, to what was never killed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.drill.place import TINY, Place, content, kill, left_over

_MOST_IN_A_ROW = 5
_LONG = [*TINY, "train.steps=6000", "train.eval_every=1000"]


@dataclass(frozen=True)
class Victim:
    """A command that is killed: its words, with {out} for its folder, and what must be equal at its end."""

    name: str
    words: Sequence[str]
    result: Callable[[Path], dict[str, bytes]]
    weight: int
    in_tree: bool = False  # it writes into the tree, which is one for all: it has that to itself


def _file(name: str) -> Callable[[Path], dict[str, bytes]]:
    return lambda out: {name: (out / name).read_bytes()}


RECORD = "paper/results/markov/threshold/smoke"


def _record(tree: Path) -> dict[str, bytes]:
    """The record and the runs behind it; of the record's provenance only the date may differ, where a day ends."""
    found = {}
    for path in sorted((tree / RECORD).parent.glob("smoke*")):
        content_of = path.read_bytes()
        if path.suffix == ".csv":
            content_of = re.sub(rb"\d{4}-\d\d-\d\d", b"date", content_of)
        found[path.name] = content_of
    return found


VICTIMS = (
    Victim("a run", ["experiments.run", *_LONG, "out={out}"], content, 25),
    Victim("a sweep", ["experiments.run", "-m", *_LONG, "seed=0,1,2", "hydra/launcher=vmap", "out={out}"], content, 25),
    Victim("a sweep by bisection", ["experiments.run", "-m", "study=markov/budget/smoke", "out={out}"], content, 20),
    Victim("--record", ["experiments.reproduce", "markov/threshold/smoke", "--record", "out={out}"], content, 10, True),
    Victim("JSON lines", ["experiments.export", *TINY[:5], "count=200000", "out={out}/a.jsonl"], _file("a.jsonl"), 7),
    Victim("Parquet", ["experiments.export", *TINY[:5], "count=300000", "out={out}/a.parquet"], _file("a.parquet"), 6),
    Victim("the report", ["paper.report", "--out", "{out}/report.html"], _file("report.html"), 7),
)


@dataclass
class Whole:
    """What a victim leaves where nobody kills it, and how long it takes."""

    result: dict[str, bytes]
    seconds: float


def uninterrupted(place: Place, victim: Victim) -> Whole | None:
    """Run a victim to its end, twice: the second time with its programs in the cache, as all that follow."""
    whole = None
    for _ in range(2):
        out = place.folder("whole")
        ended = place.call(_words(victim, out), cwd=out)
        if ended.code:
            place.fail(victim.name, "it fails even where it is not killed", ended)
            return None
        whole = Whole(_result(place, victim, out), ended.seconds)
    return whole


def _words(victim: Victim, out: Path) -> list[str]:
    return [word.format(out=out) for word in victim.words]


def _result(place: Place, victim: Victim, out: Path) -> dict[str, bytes]:
    return victim.result(out) | (_record(place.tree) if victim.in_tree else {})


def chain(place: Place, victim: Victim, whole: Whole, most: int) -> int:
    """Kill a victim up to `most` times in one folder, run it to its end and compare. Returns the number of kills."""
    out, kills, moments = place.folder("killed"), 0, []
    if victim.in_tree:
        for path in (place.tree / RECORD).parent.glob("smoke*"):
            path.unlink()
    for _ in range(place.chance.randint(1, min(most, _MOST_IN_A_ROW))):
        process = place.start(_words(victim, out), cwd=out)
        moment = place.chance.uniform(0, 1.05 * whole.seconds)
        since = time.monotonic()
        while process.poll() is None and time.monotonic() - since < moment:
            time.sleep(0.01)
        kill(process)
        process.communicate()
        if process.returncode == -9:
            kills += 1
            moments.append(f"{moment:.2f}")
        else:
            break  # it had ended; the run to the end below has nothing more to do
    ended = place.call(_words(victim, out), cwd=out)
    case = f"{victim.name} killed after {', '.join(moments) or 'nothing'} s"
    if ended.code:
        place.fail(case, "run again, it fails", ended)
        return kills
    result = _result(place, victim, out)
    differ = [name for name in {**whole.result, **result} if whole.result.get(name) != result.get(name)]
    if differ:
        place.fail(case, f"differs from one that was not: {', '.join(sorted(differ))}")
    if victim.result is content and (left := left_over(out)):
        place.fail(case, f"leaves {', '.join(left)}")
    return kills
