"""`export` writes the same examples as `preview` shows, whole or not at all, fast."""

import json
import os
import resource
import sys

import jax
import numpy as np
import polars as pl
import pytest
import safetensors
import safetensors.numpy
import yaml

from experiments import datacard, export, load, preview
from experiments.engine import config
from experiments.engine.train import train
from experiments.errors import ConfigError
from experiments.examples import rows as rows_of
from tests.commands import TINY, call
from tests.toys import HalfSpace

SMALL = ["task.alphabet=16", "task.input_length=8", "task.search_length=2", "task.replace_length=3"]


@pytest.fixture
def exported(tmp_path, monkeypatch):
    """Runs the command in this process and returns the path of the file."""

    def run(name, *words):
        path = tmp_path / name
        monkeypatch.setattr(export.devices, "use_all_cores", lambda: None)
        monkeypatch.setattr(sys, "argv", ["export", *SMALL, *words, f"out={path}"])
        assert export.main() == 0
        return path

    return run


def test_a_row_holds_text_tokens_and_facts_that_agree(exported):
    path = exported("new/examples.jsonl", "task.noop_rate=0.5", "count=300")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) == 300
    assert list(rows[0]) == ["prompt", "answer", "inputs", "targets", "weights", "facts"]
    for row in rows:
        rule, z = row["prompt"].split(" : ")
        x, y = rule.split(" -> ")
        assert row["answer"] == z.replace(x, y, 1) + "."
        assert row["facts"]["noop"] == (x not in z)
        letters = "abcdefghijklmnop=."
        assert "".join(letters[t] for t in row["inputs"][: 2 + 3 + 8 + 1]) == f"{x}{y}{z}="
        said = [letters[t] for t, w in zip(row["targets"], row["weights"], strict=True) if w]
        assert "".join(said) == row["answer"]
        assert set(row["weights"]) <= {0, 1}


def test_parquet_and_json_lines_hold_the_same(exported):
    parquet, lines = (exported(f"examples.{kind}", "count=5000") for kind in ("parquet", "jsonl"))
    table = pl.read_parquet(parquet)
    assert table.to_dicts() == [json.loads(line) for line in lines.read_text().splitlines()]
    assert table.schema["inputs"] == pl.Array(pl.Int32, 2 + 3 + 8 + 1 + 10 - 1)


def test_a_larger_export_begins_with_the_smaller_one_and_with_the_preview(exported, monkeypatch, capsys):
    small = exported("small.jsonl", "count=10", "split=unseen").read_text().splitlines()
    large = exported("large.jsonl", "count=4100", "split=unseen").read_text().splitlines()
    assert (len(small), len(large)) == (10, 4100)
    assert large[:10] == small
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["preview", *SMALL, "count=10", "split=unseen"])
    assert preview.main() == 0
    shown = capsys.readouterr().out.splitlines()
    for line, row in zip(shown, map(json.loads, small), strict=True):
        assert line.startswith(f"{row['prompt']}  =>  {row['answer']}    (")


def test_an_export_reports_its_rows_seconds_and_speed_in_one_line(exported, capsys):
    path = exported("examples.jsonl", "count=20")
    said = capsys.readouterr().out
    assert said.startswith(f"wrote 20 examples to {path} in ")
    assert said.endswith(" examples/s)\n")
    assert said.count("\n") == 1


def test_a_failure_leaves_the_old_file_and_nothing_else(exported, monkeypatch, tmp_path):
    path = exported("examples.jsonl", "count=20")
    before = path.read_bytes()
    calls = []

    def fails_later(task, batch):
        calls.append(batch)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return export_frame(task, batch)

    export_frame = export.frame
    monkeypatch.setattr(export, "frame", fails_later)
    with pytest.raises(BaseException):  # noqa: B017, PT011  whatever polars makes of it
        exported("examples.jsonl", "count=9000")
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["examples.jsonl", "examples.meta.json"]


def test_vectors_are_exported_as_nested_lists(tmp_path):
    task = HalfSpace()
    keys = jax.random.split(jax.random.key(0), 6)
    batch = jax.tree.map(np.asarray, jax.vmap(task.sample, (0, None))(keys, "train"))
    path = tmp_path / "vectors.jsonl"
    export.frame(task, batch).write_ndjson(path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert (np.array([row["inputs"] for row in rows], np.float32) == batch.inputs).all()
    assert [row["facts"]["plane_0"] for row in rows] == batch.facts["plane_0"].tolist()


def test_rows_without_facts_are_rows_too():
    task = HalfSpace()
    keys = jax.random.split(jax.random.key(0), 3)
    batch = jax.tree.map(np.asarray, jax.vmap(task.sample, (0, None))(keys, "train"))._replace(facts={})
    assert [example.facts for example in rows_of(batch)] == [{}, {}, {}]
    assert "facts" not in export.frame(task, batch).columns


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "out: expected a folder, or a file that ends in .jsonl or .parquet, got none"),
        (["out=examples.csv"], "out: expected a folder, or a file that ends in .jsonl or .parquet, got examples.csv"),
        (["out=examples.jsonl", "split=train,seen"], "out: expected a folder for 2 splits, a file each, got examples"),
        (["out=examples", "split=train,test"], "split: expected some, each once, of train, seen, unseen, got train,"),
        (["out=examples", "split=seen,seen"], "split: expected some, each once, of train, seen, unseen, got seen,seen"),
        (["out={}/x.parquet/made"], "out: cannot write {}/x.parquet/made/README.md: {}/x.parquet is not a folder"),
        (["out=/dev/null/examples.jsonl"], "out: cannot write /dev/null/examples.jsonl: /dev/null is not a folder"),
        (["out={}"], "out: cannot write {}: it is a folder"),
        (["out=examples.jsonl", "count=0", "split=x"], "count: expected an integer from 1"),
    ],
)
def test_bad_input_is_refused_before_anything_is_compiled(words, error, monkeypatch, tmp_path):
    folder = tmp_path / "folder.jsonl"
    folder.mkdir()
    (folder / "x.parquet").touch()
    monkeypatch.setattr(export.devices, "use_all_cores", lambda: None)
    monkeypatch.setattr(export, "compiled", None)
    monkeypatch.setattr(sys, "argv", ["export", *(word.format(folder) for word in words)])
    with pytest.raises(ConfigError) as failure:
        export.main()
    assert failure.value.lines[0].startswith(error.replace("{}", str(folder)))
    assert [p.name for p in tmp_path.iterdir()] == ["folder.jsonl"]


@pytest.mark.slow
def test_fifty_thousand_a_second_fit_on_two_cores(tmp_path):
    """At the papers' lengths; by time on the processor, so that a busy machine does not fail it."""
    used = []
    for count in (export.BATCH, export.BATCH, 50_000):  # the first fills the cache of compiled programs
        before = os.times()
        assert call("export", f"count={count}", f"out={tmp_path / 'examples.jsonl'}").returncode == 0
        after = os.times()
        used.append(after.children_user + after.children_system - before.children_user - before.children_system)
    assert (50_000 - export.BATCH) / (used[2] - used[1]) > 50_000 / 2


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_full_disk_is_one_line_and_leaves_the_old_file(kind, exported, tmp_path):
    path = exported(f"examples.{kind}", "count=10")
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(ConfigError, match=rf"^out: cannot write {path}: File too large") as error:
            exported(f"examples.{kind}", "count=4096")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in error.value.lines[0]
    assert path.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_files_carry_vocabulary_configuration_and_version(exported):
    """Parquet inside, JSON lines in a file beside them: the same, so that a stranger can read the tokens."""
    parquet, lines = (
        exported(f"examples.{kind}", "count=3", "seed=7", "split=unseen") for kind in ("parquet", "jsonl")
    )
    inside = {key: value for key, value in pl.read_parquet_metadata(parquet).items() if key.startswith("terrarium.")}
    beside = json.loads(lines.with_name("examples.meta.json").read_text())
    words = ("project", "version", "commit", "split")
    assert {key: value if key in words else json.loads(value) for key, value in beside_keys(inside).items()} == beside
    assert beside["project"] == "terrarium"
    assert beside["split"] == "unseen"
    assert beside["config"]["seed"] == beside["config"]["task"]["seed"] == 7
    assert beside["config"]["task"]["alphabet"] == 16
    for row in map(json.loads, lines.read_text().splitlines()):
        text = "".join(beside["vocabulary"][t] for t, w in zip(row["targets"], row["weights"], strict=True) if w)
        assert text == row["answer"]


def beside_keys(metadata):
    return {key.removeprefix("terrarium."): value for key, value in metadata.items()}


def read_card(folder):
    """The header of a data set's card, and its page."""
    _, header, page = (folder / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(header), page


def test_a_folder_gets_a_file_for_each_split_and_a_card_that_lists_them(exported):
    folder = exported("made/markov", "split=train,unseen", "count=20")
    header, page = read_card(folder)
    files = header["configs"][0]["data_files"]
    assert files == [{"split": name, "path": f"data/{name}.parquet"} for name in ("train", "unseen")]
    for file in files:
        assert pl.read_parquet(folder / file["path"]).height == 20
    assert header["size_categories"] == ["n<1K"]
    assert "| `unseen` | 20 | yes |" in page
    assert "alphabet: 16" in page
    assert str(folder) not in page
    assert f"{pl.read_parquet(folder / 'data/train.parquet')['prompt'][0]}  =>" in page
    alone = exported("unseen.parquet", "split=unseen", "count=20")
    assert pl.read_parquet(folder / "data/unseen.parquet").equals(pl.read_parquet(alone))


@pytest.mark.parametrize(("number", "name"), [(999, "n<1K"), (1000, "1K<n<10K"), (10**6, "1M<n<10M"), (10**9, "n>1B")])
def test_a_card_names_the_size_as_the_hub_does(number, name):
    assert datacard._size_category(number) == name


def test_parts_of_a_mixture_have_splits_that_a_data_set_may_have():
    assert datacard.split_name("apply/unseen") == "apply.unseen"


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    (job,) = config.jobs([[*TINY, f"out={tmp_path_factory.mktemp('runs')}"]])
    train([job])
    return job.folder


@pytest.fixture
def export_model(monkeypatch, tmp_path):
    """Exports a run's weights in this process, from a folder of its own."""

    def run(*words):
        monkeypatch.setattr(export.devices, "use_all_cores", lambda: None)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["export", *map(str, words)])
        return export.main()

    return run


@pytest.mark.slow
def test_exported_weights_are_the_models_without_the_optimisers(run_folder, export_model, tmp_path, capsys):
    assert export_model(f"model={run_folder}") == 0
    path = tmp_path / f"{run_folder.name}.safetensors"
    model, arrays = load.run(run_folder), safetensors.numpy.load_file(path)
    assert {name: array.tolist() for name, array in arrays.items()} == {
        name: array.tolist() for name, array in model.weights.items()
    }
    assert path.stat().st_size < 0.5 * (run_folder / "state.safetensors").stat().st_size
    with safetensors.safe_open(path, "numpy") as file:
        about = file.metadata()
    assert about["status"] == "finished"
    assert json.loads(about["vocabulary"]) == list(model.task.names)
    assert json.loads(about["scores"]) == json.loads((run_folder / "result.json").read_text())["scores"]
    assert str(run_folder.parent) not in str(about)
    assert f"to {path.name}; the run is finished" in capsys.readouterr().out


def test_an_exported_model_is_used_as_a_runs_folder_is(run_folder, export_model, tmp_path):
    path = tmp_path / "new" / "model.safetensors"
    export_model(f"model={run_folder}", f"out={path}")
    model, exported_model = load.run(run_folder), load.run(path)
    x = model.examples(4).inputs
    np.testing.assert_array_equal(exported_model(x), model(x))
    assert (exported_model.step, exported_model.status) == (40, "finished")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["model=no/such"], "model: no/such is no folder of a run"),
        (["model={}", "count=3"], "count: not with model=FOLDER, which exports the weights of a run; allowed: out"),
        (["model={}", "out=x.npz"], "out: expected a file that ends in .safetensors, got x.npz"),
        (["model={}", "out=/dev/null/x.safetensors"], "out: cannot write /dev/null/x.safetensors: "),
        (["model={}/.."], "{}/..: no folder of a run, which has a config.yaml"),
    ],
)
def test_a_model_that_cannot_be_exported_is_refused_in_one_line(words, error, run_folder, export_model, tmp_path):
    with pytest.raises(ConfigError) as failure:
        export_model(*(word.format(run_folder) for word in words))
    (line,) = failure.value.lines
    assert line.startswith(error.format(run_folder))
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_exported_model_is_named_in_one_line(run_folder):
    with pytest.raises(ConfigError, match=r"state\.safetensors: no exported model, which .* makes$"):
        load.run(run_folder / "state.safetensors")
