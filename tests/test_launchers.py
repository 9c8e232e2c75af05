"""Hydra's own launchers, one job per process or one after another, give what `vmap` gives from the same study file.

Bit for bit: on a CPU the lanes of a device are trained one at a time, so lane k is the same computation as job k alone.
On an accelerator, where lanes are vectorised, it would be the same to float tolerance.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.commands import call

# The package that brings the launcher to Hydra.
LAUNCHERS = {
    "basic": "hydra",
    "joblib": "hydra_plugins.hydra_joblib_launcher",
    "submitit_local": "hydra_plugins.hydra_submitit_launcher",
}


def smoke(launcher: str, out: Path) -> dict[str, bytes]:
    """Parameters and metrics of every run of the smoke study, trained by `launcher`."""
    done = call("run", "-m", "study=markov/threshold/smoke", f"hydra/launcher={launcher}", f"out={out}")
    assert done.returncode == 0, done.stderr
    assert "4 of 4 runs finished" in done.stdout
    kept = ("state.safetensors", "metrics.jsonl")
    return {f"{f.parent.name}/{f.name}": f.read_bytes() for f in sorted(out.rglob("*")) if f.name in kept}


@pytest.fixture(scope="module")
def by_vmap(tmp_path_factory) -> dict[str, bytes]:
    return smoke("vmap", tmp_path_factory.mktemp("vmap"))


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_every_launcher_gives_the_same_records(launcher, by_vmap, tmp_path):
    if find_spec(LAUNCHERS[launcher]) is None:
        pytest.skip(f"the {launcher} launcher is not installed: pip install -e '.[launchers]'")
    assert len(by_vmap) == 8
    assert smoke(launcher, tmp_path) == by_vmap
