"""`python -m tests.drill`: 100 kills, 60 malformed inputs and 30 environments or more, against whole commands.

python -m tests.drill                # all of it, in about 20 minutes on two quiet cores
python -m tests.drill --share 0.1    # a tenth of it, drawn anew each time
python -m tests.drill --seed 7       # the same draw again

It works in a copy of the tree. The exit code is 1 if anything was not as docs/promises.md says.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.drill import environments, inputs, kills
from tests.drill.place import SHORT, Place, content

KILLS, AT_ONCE = 100, 2


def main() -> int:
    """Runs the drill; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32), help="of the draw")
    parser.add_argument("--share", type=float, default=1.0, help="of each part, drawn by the seed")
    parser.add_argument("--only", choices=("kills", "inputs", "environments"), help="one part alone")
    words = parser.parse_args()
    print(f"drill: seed {words.seed}, share {words.share:g}", flush=True)
    since = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="drill-", ignore_cleanup_errors=True) as root:
        Path(root).chmod(0o755)  # for the user without a name
        place = Place(Path(root), random.Random(words.seed))
        place.make()
        for part in (drill_inputs, drill_environments, drill_kills):
            if words.only in (None, part.__name__.removeprefix("drill_")):
                part(place, words.share)
    print(f"drill: {len(place.failures)} failures in {time.monotonic() - since:.0f} s, seed {words.seed}")
    return 1 if place.failures else 0


def drill_inputs(place: Place, share: float) -> None:
    """Gives commands malformed inputs."""
    folder = place.folder("id")
    ended = place.call(["experiments.run", *SHORT, "out=runs"], cwd=folder)  # also fills the caches
    if ended.code:
        place.fail("a run", "it fails as it is", ended)
        return
    (run_id,) = (path.parent.name.rpartition("-")[2] for path in folder.rglob("result.json"))
    drawn = _drawn(place, list(inputs.INPUTS), share)
    _side_by_side([lambda bad=bad: inputs.refuse(place, bad, run_id) for bad in drawn])
    print(f"drill: {len(drawn)} malformed inputs", flush=True)


def drill_environments(place: Place, share: float) -> None:
    """Starts commands in hostile environments."""
    folder = place.folder("plain")
    place.call(["experiments.run", *SHORT, "out=runs"], cwd=folder)
    wanted = content(folder)
    drawn = _drawn(place, list(environments.ENVIRONMENTS.items()), share)
    _side_by_side([lambda name=name, check=check: check(place, name, wanted) for name, check in drawn])
    print(f"drill: {len(drawn)} environments", flush=True)


def drill_kills(place: Place, share: float) -> None:
    """Kills commands at random moments."""
    victims = _drawn(place, list(kills.VICTIMS), max(share, 0.4))
    total, number, lock = math.ceil(KILLS * share), [0], threading.Lock()
    weights = sum(victim.weight for victim in victims)

    def drill(victim: kills.Victim) -> None:
        whole, own = kills.uninterrupted(place, victim), 0
        wanted = math.ceil(total * victim.weight / weights)
        while whole and own < wanted:
            own += max(kills.chain(place, victim, whole, wanted - own), 0)
        with lock:
            number[0] += own
            print(f"drill: {own} kills of {victim.name}", flush=True)

    _side_by_side([lambda victim=victim: drill(victim) for victim in victims])
    print(f"drill: {number[0]} kills", flush=True)


def _drawn(place: Place, cases: list, share: float) -> list:
    """Returns a share of the cases, at least one, in a random order."""
    return place.chance.sample(cases, max(1, round(share * len(cases))))


def _side_by_side(calls: list[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(call) for call in calls]:
            done.result()


if __name__ == "__main__":
    sys.exit(main())
