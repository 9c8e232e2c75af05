"""Every command helps where it is asked to and does nothing else; what Hydra's options cannot do is one line."""

from __future__ import annotations

import re
import runpy
import sys

import pytest

from experiments import errors, run
from tests.commands import ROOT

_TORCH = ("benchmarks.train_speed", "benchmarks.pytorch_loop", "benchmarks.gpu.pytorch")  # need what tests do not
MODULES = [
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__main__")
    for folder in ("experiments", "paper", "benchmarks", "tests/drill")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if re.search('^if __name__ == "__main__":$', path.read_text(), re.MULTILINE)
]


def test_the_commands_are_found():
    assert {"experiments", "experiments.run", "paper", "paper.report", "benchmarks.lanes", "tests.drill"} <= {*MODULES}


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("module", [name for name in MODULES if name not in _TORCH])
def test_help_of_every_command_prints_how_to_call_it_and_does_nothing_else(module, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", [module, "--help"])
    monkeypatch.setattr("experiments.engine.devices.use_all_cores", lambda: None)
    monkeypatch.setattr("experiments.files.write_whole", lambda *_: pytest.fail("a file is written"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        runpy.run_module(module, run_name="__main__")
    assert not end.value.code
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.startswith(("usage: ", "`python -m "))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["-m", "model=tiny,small", "--cfg", "job"],
            "--cfg: not beside --multirun; it shows one run, ",
        ),
        (["--run", "-m"], "--run: not beside --multirun"),
        (["--cfg", "job", "--info", "searchpath"], "--info: not beside --cfg"),
        (["--resolve"], "--resolve: only with --cfg"),
        (["--cfg", "tea"], "argument --cfg/-c: invalid choice: 'tea'"),
        (["--tea"], "unrecognized arguments: --tea"),
        (["--cfg", "job", "model=neope"], "model: there is no neope (did you mean nope?)"),
        (["--cfg", "job", "task.numrules=3"], "task.numrules: unknown key (did you mean num_rules?)"),
        (["--info", "searchpath", "model=tiny,small"], "model: tiny,small is a sweep"),
    ],
)
def test_options_of_hydra_that_cannot_be_obeyed_are_one_line(words, line, monkeypatch, capsys):
    monkeypatch.setattr(run.devices, "use_all_cores", lambda: None)
    monkeypatch.setattr(run, "_job", lambda: pytest.fail("Hydra was started"))
    monkeypatch.setattr(sys, "argv", ["run", *words])
    with pytest.raises(SystemExit) as end:
        errors.command(run.main)()
    assert end.value.code == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"error: {line}")
