"""`python -m benchmarks.gpu.record [FROM]`: makes records and tables of the output of benchmarks.gpu in FROM.

    make gpu-record FROM=gpu

Unpacks the runs under runs/. For every study with two whole settings or more it writes paper/results/<study>/gpu.csv
with its figure, as `reproduce --record` does. It keeps the measurements in benchmarks/gpu.json, and makes the part of
benchmarks/README.md between the markers anew. Without FROM it makes only that part. With `--check` it writes nothing,
and the exit code is 1 if the part differs from the one that benchmarks/gpu.json makes.
"""

from __future__ import annotations

import argparse
import json
import sys
import tarfile
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.errors import ConfigError, command
from experiments.files import write_whole

HERE = Path(__file__).parents[1]
README, RECORD = HERE / "README.md", HERE / "gpu.json"
START, END = "<!-- gpu -->", "<!-- /gpu -->"
NOTHING = "No GPU has run this yet: there is no `gpu.json`."
WIDTH = 128
SAME = 0.05  # a speed this much below the best counts as equal to it
PARTS = {  # title, and what a table holds in which units
    "checks": (
        "Checks",
        "One lane of four against the same run alone, by the mean training loss of 50 steps (nats a token); a training "
        "that is stopped and resumed against a whole one, by the largest difference of two parameters; and a study.",
    ),
    "speed": (
        "Training, and lanes",
        "Transformers in bfloat16, depth x width. Tokens/s are of all lanes together; MFU is a share of 989 TFLOP/s; "
        "MB is memory of the device, by the compiler's count; programs were compiled three or four side by side.",
    ),
    "fused": (
        "Training with cuDNN's fused attention",
        "The same, with `TERRARIUM_ATTENTION=fused`.",
    ),
    "pytorch": (
        "The same models in PyTorch",
        "Fused attention, bfloat16 by autocast, fused AdamW; units as above.",
    ),
    "graphs": ("Training with loops captured as CUDA graphs", "As `Training, and lanes`, with XLA's command buffers."),
    "sweep": (
        "A sweep by launcher",
        "16 jobs of markov/threshold/cpu (2 x 64), in seconds. The basic launcher was given two jobs; the other 14 are "
        "taken to last as long as the second, which found its program compiled.",
    ),
    "tasks": (
        "Generators and decoding",
        "Examples/s of batches made on the device, each as its study at gpu scale draws it; decoding in seconds.",
    ),
    "studies": ("Studies at gpu scale", "Packs of runs that ended; seconds include compilation, MB are of the device."),
}


def main() -> int:
    """Runs the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.record", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, metavar="FROM", help="what `out` named on the machine")
    parser.add_argument("--check", action="store_true", help="write nothing, and exit with 1 where it is not current")
    arguments = parser.parse_args()
    if arguments.folder:
        if arguments.check:
            raise ConfigError("--check: not with a folder to record from")
        if not (arguments.folder / "results.json").exists():
            raise ConfigError(f"FROM: there is no {arguments.folder / 'results.json'}")
        write_whole(RECORD, (arguments.folder / "results.json").read_bytes())
        for line in record_studies(arguments.folder / "runs.tar.gz", Path("runs")):
            print(line)
    text = README.read_text()
    current = renewed(text, json.loads(RECORD.read_text()) if RECORD.exists() else None)
    if arguments.check and text != current:
        print("benchmarks/README.md is not current: run `python -m benchmarks.gpu.record`", file=sys.stderr)
        return 1
    if text != current:
        write_whole(README, current.encode())
    return 0


def record_studies(archive: Path, runs: Path) -> list[str]:
    """Unpacks the runs of an archive into `runs` and records their studies; returns a line for each study."""
    from experiments import studies as claims
    from experiments.engine import compose, config
    from experiments.engine.results import table
    from experiments.judging import looks, results

    with tarfile.open(archive) as packed:
        names = [name.removeprefix("runs/") for name in packed.getnames()]
        for member in packed.getmembers():
            member.name = member.name.removeprefix("runs/")
            packed.extract(member, runs, filter="data")
    compose.register()
    lines = []
    for study in sorted({"/".join(name.split("/")[:3]) for name in names}):
        jobs = config.jobs(config.sweep([f"study={study}", f"out={runs}"]))
        kept, left_out = whole_settings(jobs)
        if len({str(job.swept) for job in kept}) < 2:
            lines.append(f"{study}: not recorded, for fewer than two settings have all their seeds")
            continue
        claim, path = claims.claim_for(study), results.path_for(study)
        results.write(table(kept), path)
        scores = results.read(path)
        judgement = claim.judge(scores, looks.level_for(study))
        claim.draw(scores, judgement, path.with_suffix(""))
        without = f"; without {', '.join(left_out)}" if left_out else ""
        lines.append(f"{study}: {judgement.verdict}, {len(kept)} of {len(jobs)} runs{without}")
    return lines


def whole_settings(jobs: Sequence[Any]) -> tuple[list[Any], list[str]]:
    """Returns the jobs of the settings whose seeds have all ended, and the other settings as text."""
    from experiments.engine.records import read_end

    settings: dict[str, list[Any]] = {}
    for job in jobs:
        settings.setdefault(" ".join(map(str, job.swept.values())), []).append(job)
    whole = {name for name, some in settings.items() if all(read_end(job.folder) for job in some)}
    kept = [job for name, some in settings.items() if name in whole for job in some]
    return kept, [name for name in settings if name not in whole]


def renewed(text: str, record: dict[str, Any] | None) -> str:
    """Returns `text` with a new part between the markers. Raises ConfigError if it lacks one of them."""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ConfigError(f"benchmarks/README.md: lacks the markers {START} and {END}")
    return f"{before}{START}\n{section(record) if record else NOTHING}\n{END}{after}"


def section(record: dict[str, Any]) -> str:
    """Formats the tables of a record, a part each, with how each part ended."""
    lines = [f"On {record['device']}, {record['date']} ({record['versions']}; commit {record['commit']}).", ""]
    for name, part in record["parts"].items():
        title, units = PARTS[name]
        lines += [f"### {title}", "", *textwrap.wrap(units, WIDTH), ""]
        if part["status"] != "done":
            lines += [f"**{part['status'].replace('|', '/').capitalize()}.**", ""]
        for rows in _alike(part["rows"]):
            lines += [*_format_table(rows), ""]
    speed = record["parts"].get("speed", {}).get("rows", [])
    return "\n".join([*lines, *format_lanes(speed), *_format_ratios(record)]).rstrip()


def format_lanes(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Formats the best `lanes_per_device` by the speeds at each number of lanes, a line for each size."""
    sizes: dict[str, dict[int, float]] = {}
    for row in rows:
        if "tokens/s" in row and row["at a time"] == row["lanes"]:
            sizes.setdefault(row["size"], {})[row["lanes"]] = row["tokens/s"]
    lines = []
    for size, speeds in sizes.items():
        if len(speeds) == 1:
            continue
        best, most = max(speeds.values()), max(speeds)
        enough = min(lanes for lanes, speed in speeds.items() if speed >= (1 - SAME) * best)
        if speeds[most] >= (1 - SAME) * best:
            word = f"all {most} lanes at a time (`lanes_per_device` 0) are within 5 % of the best speed"
            word += f", which {enough} reach{'es' * (enough == 1)} too" if enough < most else ""
        else:
            word = f"{enough} lanes at a time are best, and all {most} reach {speeds[most] / best:.0%} of that"
        lines.append(f"- {size}: {word}.")
    return ["Lanes at a time:", "", *lines, ""] if lines else []


def _format_ratios(record: dict[str, Any]) -> list[str]:
    """Formats the ratios of one run's speed to PyTorch's, a line for each size."""
    rows = {name: record["parts"].get(name, {}).get("rows", []) for name in ("speed", "pytorch")}
    ours = {row["size"]: row["tokens/s"] for row in rows["speed"] if row.get("lanes") == 1}
    lines = [
        f"- {row['what']}: one run of ours has {ours[row['size']] / row['tokens/s']:.2f} times its tokens/s."
        for row in rows["pytorch"]
        if "tokens/s" in row and row["size"] in ours
    ]
    return ["Against PyTorch:", "", *lines, ""] if lines else []


def _alike(rows: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Returns rows of the same columns together, in order of first appearance."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row), []).append(row)
    return list(groups.values())


def _format_table(rows: Sequence[dict[str, Any]]) -> list[str]:
    columns = [name for name in rows[0] if not (name == "size" or (name == "way" and "size" in rows[0]))]
    shown = ["" if name == "what" else name for name in columns]
    return [
        f"| {' | '.join(shown)} |",
        f"|{'---|' * len(columns)}",
        *(f"| {' | '.join(_format_cell(row[name]) for name in columns)} |" for row in rows),
    ]


def _format_cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value).replace("|", "/")


if __name__ == "__main__":
    command(main)()
