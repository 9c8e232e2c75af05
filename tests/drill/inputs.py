"""Malformed inputs: each is refused in one line, soon, and nothing is written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.drill.place import SHORT, Place, files

SECONDS = 5.0  # on a quiet machine
_STUDY = "study=markov/threshold/smoke"


@dataclass(frozen=True)
class Bad:
    """A command with words that are wrong, and files that stand in its folder."""

    command: str
    words: Sequence[str]
    files: dict[str, str] = field(default_factory=dict)
    names: str = ""  # what the line must name, else the key of the last word


def _run(*words: str, names: str = "") -> Bad:
    return Bad("experiments.run", words, names=names)


def _damaged(name: str, text: str) -> Bad:
    """A run whose folder holds a damaged file; its folder is found by its id."""
    return Bad("experiments.run", [*SHORT, "out=runs"], {f"runs/single/x-{{id}}/{name}": text}, name)


INPUTS: tuple[Bad, ...] = (
    _run("task.num_rule=3"),
    _run("tasks.num_rules=3", names="tasks"),
    _run("task.noop_rate=often"),
    _run("task.noop_rate=nan"),
    _run("task.noop_rate=-0.1"),
    _run("task.num_rules=0"),
    _run("task.num_rules=1e400"),
    _run("task.num_rules=true"),
    _run("task.num_rules=null"),
    _run("task.num_rules={a:1}"),
    _run("task.alphabet=[1,2]"),
    _run("task.search_length=60"),
    _run("optim.b1=1.5"),
    _run("optim.lr=fast"),
    _run("train.steps=-1"),
    _run("train.steps=10000000000"),
    _run("train.batch_size=0"),
    _run("train.decoding=loud"),
    _run("model.width=17", "model.heads=4", names="model"),
    _run("model.depth=-3"),
    _run("seed=-1", names="seed"),
    _run("seed=x", names="seed"),
    _run("seed=99999999999", names="seed"),
    _run("task=markow"),
    _run("model=tinny"),
    _run("task=5", names="task"),
    _run("study=markov/treshold/cpu"),
    _run("study=markov/threshold/cpuu"),
    _run(_STUDY, names="-m"),
    _run("-m", "study=markov/threshold/smoke,markov/threshold/cpu", names="study"),
    _run("-m", "seed=range(5,5)"),
    _run("-m", "seed=range(1,"),
    _run("-m", "model=glob(none*)"),
    _run("-m", "optim.lr=interval(0,1)", names="INTERVAL"),
    _run("-m", "task.noop_rate=1.5", "seed=range(300)", names="task.noop_rate"),
    _run("-m", _STUDY, "hydra.launcher.max_lanes=-1"),
    _run("-m", _STUDY, "hydra/launcher=vmapp", names="vmapp"),
    _run("-m", _STUDY, "hydra/sweeper=bisect", "hydra.sweeper.axis=task.none", names="axis"),
    _run("task.num_rules=30,300"),
    _run("task.num_rules=[1"),
    _run("=3", names="=3"),
    _run("out=runs/é"),
    _run("out=null", names="out"),
    _run("out=/dev/null/runs", names="out"),
    _run("wandb.mode=loud"),
    _run("wandb.colour=red"),
    _run("retry=maybe", names="retry"),
    _run("hydra.job.chdir=true"),
    _run("hydra.mode=MULTIRUN"),
    _run("--config-name=other", names="--config-name"),
    _run("--config-dir=none", names="--config-dir"),
    _run("hydra.searchpath=[none]"),
    _run("--cfg=job", "-m", names="--cfg"),
    _run("--info=tea", names="--info"),
    _run("name=a/b"),
    _run("-m", "name=a,b"),
    _run("start_from={task:{rules:3}}"),
    _run("start_from=3"),
    Bad(
        "experiments.run", ["--config-dir=own", "model=mine"], {"own/model/mine.yaml": "name: x\n\tdepth: 1\n"}, "mine"
    ),
    Bad("experiments.run", ["--config-dir=own", "model=mine"], {"own/model/mine.yaml": "a: {b: 1\n"}, "mine"),
    _damaged("result.json", "{"),
    _damaged("result.json", "{}"),
    _damaged("error.json", "[]"),
    _damaged("metrics.jsonl", '{"step": 20\n'),
    _damaged("state.safetensors", "not tensors"),
    Bad("experiments.preview", ["count=many"]),
    Bad("experiments.preview", ["split=test"]),
    Bad("experiments.preview", ["task.num_rules=30,300"]),
    Bad("experiments.export", ["count=5"], names="out"),
    Bad("experiments.export", ["count=5", "out=examples.csv"]),
    Bad("experiments.export", ["count=5", "out=/dev/full"], names="out"),
    Bad("experiments.reproduce", ["markov/treshold/cpu"], names="markov/treshold"),
    Bad("experiments.reproduce", ["markov/threshold/cpu", "--check", "seed=1"]),
    Bad("experiments.reproduce", ["markov/threshold/smoke", "--record", "train.steps=3"]),
    Bad("experiments.reproduce", [], names="STUDY"),
    Bad("experiments.plot", ["nowhere", "x=task.num_rules"], names="nowhere"),
    Bad("paper.report", ["--out", "/dev/full"], names="/dev/full"),
    Bad("paper.report", ["--out", "."], names="folder"),
)


def refuse(place: Place, bad: Bad, run_id: str) -> None:
    """Give a command what is wrong, and note whatever is not as promised."""
    folder = place.folder("input")
    for name, text in bad.files.items():
        path = folder / name.format(id=run_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    case = f"{bad.command} {' '.join(bad.words)}{' with ' + ', '.join(bad.files) if bad.files else ''}"
    before = files(folder) | files(place.tree)
    ended = place.call([bad.command, *bad.words], cwd=folder)
    names = bad.names or bad.words[-1].partition("=")[0]
    if ended.code == 0:
        place.fail(case, "it is taken", ended)
    if len(ended.lines) != 1 or not ended.lines[0].startswith("error: "):
        place.fail(case, f"{len(ended.lines)} lines in place of one that begins with error:", ended)
    elif names not in ended.lines[0]:
        place.fail(case, f"the line does not name {names}", ended)
    if ended.out:
        place.fail(case, f"standard output has {ended.out[:100]!r}", ended)
    changed = set((files(folder) | files(place.tree)).items()) ^ set(before.items())
    if changed:
        place.fail(case, f"it writes {', '.join(sorted({Path(name).name for name, _ in changed}))}")
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    if ended.seconds > SECONDS * busy:
        place.fail(case, f"it takes {ended.seconds:.1f} s, on a machine that is {busy:.1f} times as busy as it can be")
