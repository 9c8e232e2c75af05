"""Claims: how a study finds its own, and what may import what."""

from __future__ import annotations

import ast
import itertools
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from experiments import null_rates, studies
from experiments.judging import chance, results
from experiments.judging.axes import Axis
from experiments.judging.claim import Judgement
from experiments.judging.criterion import Judged
from experiments.judging.frame import RecordError
from experiments.judging.grid import Grid
from experiments.settings import settings_files
from tests.tables import STEP, threshold_of

ROOT = Path(__file__).parents[1]


def test_a_study_finds_its_claim_at_every_scale():
    for study in ("markov/threshold/cpu", "markov/threshold/paper", "markov/threshold"):
        assert studies.claim_for(study).name == "markov/threshold"


def test_a_study_without_a_claim_names_those_there_are():
    wanted = r"^no claim belongs to the study 'tea/cups/cpu': .* markov/threshold,"
    with pytest.raises(studies.ClaimError, match=wanted):
        studies.claim_for("tea/cups/cpu")


def test_studies_stand_in_the_order_that_their_families_state():
    names = [claim.name for claim in studies.own()]
    assert list(dict.fromkeys(name.split("/")[0] for name in names)) == list(studies.FAMILIES)
    assert names[:2] == ["markov/threshold", "markov/budget"]
    assert sorted(names) == sorted(f"{family}/{name}" for family, files in settings_files().items() for name in files)


def loaded_by(code: str) -> tuple[list[str], set[str]]:
    """Returns the lines that a process of its own prints, and the names of the modules that it has loaded then."""
    code = f"{code}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    *lines, names = done.stdout.splitlines()
    return lines, set(names.split())


def test_claims_load_neither_jax_nor_the_engine():
    heavy = {"jax", "hydra", "experiments.engine", "models", "synthetic"}
    assert not heavy & loaded_by("import experiments.studies, experiments.printing")[1]


def test_a_command_that_trains_loads_no_library_of_statistics_or_drawing():
    assert not {"scipy.stats", "matplotlib", "wandb"} & loaded_by("import experiments.run")[1]


def test_all_records_are_judged_together_with_neither_jax_nor_hydra():
    code = "import sys; sys.argv[1:] = ['--all', '--check']; from experiments import reproduce; assert not "
    lines, names = loaded_by(code + "reproduce.main()")
    assert not {"jax", "hydra", "models", "matplotlib"} & names
    recorded = list((ROOT / "paper/results").rglob("cpu.csv"))
    families = tuple({f"{path.parents[1].name}/" for path in recorded})
    assert sum(line.startswith(families) for line in lines) >= len(recorded)
    assert f"{len(recorded)} claims tested at scale cpu" in "\n".join(lines)


ENGINE = ("experiments.engine", "synthetic", "models", "paper", "jax", "flax", "hydra")
# What a room may not import, of the suite's own and of others.
FORBIDDEN = {
    "synthetic": ("experiments", "models", "paper", "hydra"),
    "models": ("experiments", "synthetic", "paper", "hydra"),
    "experiments/judging": (
        "experiments.studies",
        "experiments.engine",
        "synthetic",
        "models",
        "paper",
        "jax",
        "hydra",
    ),
    "experiments/studies": ("experiments.engine", "synthetic", "models", "paper", "jax", "hydra", "flax"),
    "experiments/engine": ("paper",),
    "experiments": ("paper",),
}


@pytest.mark.parametrize("room", FORBIDDEN)
def test_folders_import_one_another_in_one_direction_only(room: str):
    for path in sorted((ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [f"{node.module}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                wrong = [no for no in FORBIDDEN[room] if name == no or name.startswith(f"{no}.")]
                assert not wrong, f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize(
    "table",
    [threshold_of(STEP), threshold_of({10: (0.1,)}), threshold_of(STEP, diverged=[(10, 0), (10, 1), (10, 2)])],
    ids=["step", "one run", "diverged"],
)
def test_a_figure_is_drawn_the_same_each_time(table: pl.DataFrame, tmp_path: Path):
    claim = studies.claim_for("markov/threshold")
    first, second = (claim.draw(table, claim.judge(table), tmp_path / name) for name in ("a.b", "c"))
    assert [path.name for path in first] == ["a.b.png", "a.b.svg"]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert first[0].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in first[1].read_bytes()


def test_a_criterion_may_be_a_plain_function():
    def judge(grid: Grid) -> Judgement:
        return Judgement("inconclusive", None, 0, f"At level {grid.level:g}.")

    def other(grid: Grid) -> Judgement:
        return Judgement("reproduced", None, 0, "")

    axes = (Axis("task.num_rules", "rules"),)
    criterion = Judged(axes, judge, (), ("It cannot be told.",), "nothing")
    assert criterion(threshold_of(STEP), 0.9).sentence == "At level 0.9."
    assert (criterion.words(), criterion.effect_words()) == (("It cannot be told.",), "nothing")
    assert criterion.hash() == Judged(axes, judge, (), ("Other words.",), "other").hash()
    assert criterion.hash() != Judged(axes, other, (), ("It cannot be told.",), "nothing").hash()
    with pytest.raises(RecordError, match=r"sweeps nothing, where task.num_rules is wanted"):
        criterion(threshold_of(STEP).drop("task.num_rules"))


def test_false_positives_of_one_study_are_written_and_those_of_others_kept(tmp_path, monkeypatch: pytest.MonkeyPatch):
    recorded, path = chance.path_for("markov/noop"), tmp_path / "null_rates.csv"
    path.write_bytes(recorded.read_bytes())
    before = chance.rates(recorded)
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    fresh = null_rates.record([studies.claim_for("markov/noop")], tables=3)
    after = chance.rates(path)
    assert len(fresh) == 3 * 2, "bounds, and ways in which seeds scatter where there is no record"
    assert set(fresh["seeds"]) == {
        " then ".join(map(str, itertools.accumulate(null_rates.seeds_of("markov/noop/cpu"))))
    }
    assert set(fresh["tables"]) == {3}
    others = pl.col("claim") != "markov/noop"
    order = ["claim", "scores", "scatter"]
    assert after.filter(others).sort(order).equals(before.filter(others).sort(order))
    assert after.filter(~others).sort(order).equals(fresh.sort(order))


def test_a_claim_without_a_recorded_rate_of_false_positives_names_the_command_that_records_it():
    wanted = "How often chance alone passes is not recorded; python -m experiments.null_rates markov/none records it."
    assert chance.false_positives("markov/none") == wanted
