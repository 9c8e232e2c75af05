"""`python -m experiments.cost STUDY`: computes what a study takes, by formula; nothing is trained or compiled.

python -m experiments.cost tint/why                         # at gpu and paper scale
python -m experiments.cost tint/why/paper device=a100       # at one scale, on another device
python -m experiments.cost rasp/table utilisation=0.1       # with a share of the device's peak of one's own
python -m experiments.cost --all                            # all studies; docs/costs.md is written anew
python -m experiments.cost --check                          # whether docs/costs.md is what it would write

Hours are those of one device. Utilisation is that measured at two sizes on a GPU (benchmarks/README.md): it grows with
the operations of a token, as a power through the two.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from experiments import flops, settings
from experiments.engine import compose, config, devices
from experiments.engine.bisection import bisection_of
from experiments.engine.job import Job
from experiments.errors import ConfigError, command
from experiments.files import write_whole
from experiments.modules import ROOT, check_checkout
from experiments.settings_file import near

PAGE = ROOT / "docs" / "costs.md"
SHOWN = ("gpu", "paper")  # the scales for a GPU
# Dense products in bfloat16 a second.
PEAKS = {"h100": 989e12, "h200": 989e12, "a100": 312e12, "v100": 125e12}
# Measured on one H200: operations of the model for a token at 6 x 256 and at 12 x 512, and the share of the peak.
MEASURED = ((9.75e6, 0.089), (78.7e6, 0.177))
MOST = 0.4  # of the peak; larger models were not measured
LONG = 48 * 8  # hours of one device, so 48 of eight


@dataclass(frozen=True)
class Device:
    """Holds a device's operations a second at its peak, and the share of it that models reach; None is as measured."""

    name: str
    share: float | None = None

    def hours(self, operations: float, forward: float) -> float:
        """Returns the hours of so many operations of a model with `forward` of them for a token.

        A model without products that are counted, as one of three scalars, takes none.
        """
        if not operations:
            return 0.0
        return operations / (PEAKS[self.name] * (self.share or utilisation(forward))) / 3600


class Row(NamedTuple):
    """Holds what a study takes at a scale: jobs, the largest model and memory, and the sum of the others."""

    study: str
    runs: int
    parameters: int
    tokens: float
    flops: float
    memory: float
    hours: float


def utilisation(forward: float) -> float:
    """Returns the share of the peak that a model with so many operations for a token reaches."""
    (small, low), (large, high) = MEASURED
    return min(MOST, low * (forward / small) ** (math.log(high / low) / math.log(large / small)))


def row(study: str, device: Device) -> Row:
    """Returns what a study at a scale takes. Raises ConfigError if there is no such study."""
    cells, share = _cells(study)
    starts: dict[str, Job] = {}
    runs, parameters, tokens, operations, memory, hours = 0.0, 0, 0.0, 0.0, 0.0, 0.0
    for job, times in cells:
        own = [(job, times * share)]
        if job.start and job.start.id not in starts:
            starts[job.start.id] = job.start
            own.append((job.start, times * share))
        for one, number in own:
            cost = flops.cost(one.run)
            runs += number
            parameters, memory = max(parameters, cost.parameters), max(memory, cost.memory)
            tokens += number * cost.tokens
            operations += number * cost.flops
            hours += number * device.hours(cost.flops, flops.forward(one.run))
    return Row(study, round(runs), parameters, tokens, operations, memory, hours)


def _cells(study: str) -> tuple[list[tuple[Job, int]], float]:
    """Returns one job for each cell of the grid with its number of seeds, and the share of cells that are run."""
    overrides = [f"study={study}"]
    grid = config.sweep(overrides)
    seeds = Counter(tuple(o for o in job if not o.startswith("seed=")) for job in grid)
    first: dict[tuple[str, ...], Sequence[str]] = {}
    for job in grid:
        first.setdefault(tuple(o for o in job if not o.startswith("seed=")), job)
    jobs = list(zip(config.jobs(list(first.values())), (seeds[cell] for cell in first), strict=True))
    bisection = bisection_of(compose.parts(overrides).hydra)
    if bisection is None:
        return jobs, 1.0
    columns = Counter(tuple(o for o in job if not o.startswith(f"{bisection.axis}=")) for job in grid)
    return jobs, sum(math.ceil(math.log2(points + 1)) for points in columns.values()) / len(grid)


def warning(row: Row) -> str:
    """Returns a line if a study takes more than 48 hours on 8 devices, else an empty text."""
    if row.hours <= LONG:
        return ""
    name, _, scale = row.study.rpartition("/")
    smaller = {"paper": "gpu", "gpu": "cpu", "cpu": "smoke"}.get(scale, "smoke")
    return f"{row.study} takes more than 48 hours on 8 devices ({row.hours / 8:,.0f}): run {name}/{smaller} first"


def page() -> str:
    """Returns docs/costs.md."""
    device = Device("h100")
    rows = [row(study, device) for study in settings.studies() if _ours(study)]
    lines = [
        "# Costs",
        "",
        "*Written by `python -m experiments.cost --all` from the configurations: change those, not this page.*",
        "",
        "Hours are those of one H100. Its utilisation was measured at two sizes, and is taken to grow as a power",
        f"between and beyond them, to {MOST:.0%} at most ([benchmarks](../benchmarks/README.md)). Hours leave out",
        "compilation, the making of examples and the baselines. Memory is that of one lane: parameters, optimiser and",
        "what a pass keeps for its gradient, with attention that is not fused. For another device:",
        "`python -m experiments.cost STUDY device=a100`.",
        "",
        *table(rows),
    ]
    late = [line for line in map(warning, rows) if line]
    if late:
        lines += ["", "More than 48 hours on eight devices:", "", *(f"- {line}." for line in late)]
    return "\n".join(lines) + "\n"


def _ours(study: str) -> bool:
    return study.endswith(SHOWN) and settings.path_for(study).is_relative_to(settings.CONF)


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Yields the lines of a table of studies."""
    yield "| study | runs | parameters | tokens | FLOPs | GiB a lane | hours |"
    yield "|---|---|---|---|---|---|---|"
    for one in rows:
        yield (
            f"| {one.study} | {one.runs:,} | {one.parameters / 1e6:.3g} M | {one.tokens:.2g} | {one.flops:.2g} | "
            f"{one.memory / 2**30:.2g} | {_hours(one.hours)} |"
        )


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.2g}"


def _device(words: Sequence[str]) -> Device:
    name, share = "h100", None
    for word in words:
        key, _, value = word.partition("=")
        if key == "device":
            if value not in PEAKS:
                raise ConfigError(
                    f"device: unknown device {value or 'without a name'}{near(value, list(PEAKS))}; "
                    f"allowed: {', '.join(PEAKS)}"
                )
            name = value
        elif key == "utilisation":
            share = _share(value)
        else:
            raise ConfigError(f"{key}: not an option; allowed: device=, utilisation=")
    return Device(name, share)


def _share(value: str) -> float:
    try:
        share = float(value)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise ConfigError(f"utilisation: expected a share above 0 and up to 1, got {value or 'none'}")
    return share


def _asked(name: str) -> list[str]:
    """Returns the studies at their scales that a name stands for."""
    settings.path_for(name)
    if name.count("/") == 2:
        settings.read_study(name)
        return [name]
    return [study for study in settings.studies() if study.rpartition("/")[0] == name and study.endswith(SHOWN)]


def main() -> int:
    """Runs the command; see the module's docstring."""
    words = sys.argv[1:]
    if any(word in ("-h", "--help") for word in words):
        print(__doc__)
        return 0
    names = [word for word in words if "=" not in word and word not in ("--all", "--check")]
    flags = [word for word in words if word in ("--all", "--check")]
    device = _device([word for word in words if "=" in word])
    if len(names) + len(flags) != 1 or any(name.startswith("-") for name in names):
        raise ConfigError("STUDY: name one study, as tint/why or tint/why/paper, or ask for --all or --check")
    if flags:
        check_checkout("docs/costs.md")
    devices.use_all_cores()
    devices.check_platform()
    if flags == ["--check"]:
        same = PAGE.exists() and PAGE.read_text() == page()
        if not same:
            print("docs/costs.md is not current: python -m experiments.cost --all", file=sys.stderr)
        return int(not same)
    if flags:
        try:
            write_whole(PAGE, page().encode())
        except OSError as e:
            raise ConfigError(f"cannot write {PAGE}: {e.strerror or e}") from None
        print("wrote docs/costs.md")
        return 0
    rows = [row(study, device) for study in _asked(names[0])]
    print("\n".join(table(rows)))
    for line in map(warning, rows):
        if line:
            print(f"warning: {line}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    command(main)()
