"""A trained model as one file for others: its parameters alone, with what they are as metadata.

    python -m experiments.export model=runs/single/markov-0f3a1b2c4d [out=model.safetensors]

The file is of safetensors. Parameters have their plain names, such as blocks.0.mlp.inner.kernel. Metadata are the
project's version and commit, the run's id, step and status, its configuration, the vocabulary, and the last scores of a
run that finished. `load.run` reads it as it reads a run's folder.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import safetensors.numpy

from experiments import load
from experiments.datacard import project
from experiments.engine.job import NOT_IDENTITY
from experiments.engine.records import read_end
from experiments.errors import ConfigError
from experiments.files import check_writable, write_whole


def names_a_run(words: Sequence[str]) -> bool:
    """Returns whether a command's word `model=` names a run's folder, not an architecture."""
    values = [word.removeprefix("model=") for word in words if word.startswith("model=")]
    return any("/" in value or (Path(value) / "config.yaml").is_file() for value in values)


def export(words: Sequence[str]) -> int:
    """Writes the weights of the run that the words name. Raises ConfigError for other words, and as `load.run` does."""
    values = {key: value for key, _, value in (word.partition("=") for word in words)}
    if others := [key for key in values if key not in ("model", "out")]:
        raise ConfigError(f"{others[0]}: not with model=FOLDER, which exports the weights of a run; allowed: out")
    folder = Path(values["model"])
    path = Path(values.get("out", f"{folder.resolve().name}.safetensors"))
    if path.suffix != ".safetensors":
        raise ConfigError(f"out: expected a file that ends in .safetensors, got {path}")
    if not folder.is_dir():
        raise ConfigError(f"model: {folder} is no folder of a run")
    try:
        check_writable(path)
        model = load.run(folder)
        arrays = model.weights
        write_whole(path, safetensors.numpy.save(arrays, metadata(model)))
    except OSError as e:
        raise ConfigError(f"out: cannot write {path}: {e.strerror or e}") from None
    number = sum(array.size for array in arrays.values())
    print(f"wrote {number} parameters of step {model.step} to {path}; the run is {model.status}")
    return 0


def metadata(model: load.Trained) -> dict[str, str]:
    """Returns what the file says of a model; values that are no text are JSON."""
    end = read_end(model.folder) or {}
    config = {key: value for key, value in model.config.items() if key not in NOT_IDENTITY}
    more = {"config": config, "vocabulary": [str(name) for name in model.settings.task.names]}
    more |= {"scores": end["scores"]} if "scores" in end else {}
    run = {"run": end["id"]} if end else {}
    return {
        **project(),
        **run,
        "step": str(model.step),
        "status": model.status,
        **{key: json.dumps(value) for key, value in more.items()},
    }
