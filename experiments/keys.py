"""`python -m experiments.keys`: write docs/keys.md, a description of every key that is not a task's.

python -m experiments.keys # write the page python -m experiments.keys --check # write nothing; exit 1 if the page
differs from what would be written

The page is read from declarations in code and from the comments of the files in conf/ and hydra_plugins/. Variables of
the environment are described here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from experiments import settings
from experiments.engine import compose
from experiments.engine.job import registries
from experiments.engine.training import Training
from experiments.errors import command
from experiments.pages import ROOT, format_default, format_table, keep
from fields import Declared, declared

PAGE = ROOT / "docs" / "keys.md"
_OURS = ("models", "experiments")

# Every variable of the environment that the code reads, with its meaning.
ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "the GPUs that a process may use, as for any program; a task of Slurm takes one of them",
    "JAX_COMPILATION_CACHE_DIR": "the folder of compiled programs, by default ~/.cache/terrarium/jax",
    "JAX_COORDINATOR_ADDRESS": "where the processes of a run on several nodes meet; by default the first node",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "the shortest compilation that is kept, by default 0.5 seconds",
    "JAX_PLATFORMS": "the devices that JAX uses: cpu or cuda; by default the best that it finds",
    "SLURM_JOB_ID": "set by Slurm; it chooses the port where processes meet",
    "SLURM_NTASKS": "set by Slurm; the number of processes of a run",
    "SLURM_PROCID": "set by Slurm; which of the processes this is",
    "TERRARIUM_ATTENTION": "the implementation of attention: auto, plain, chunked or fused",
    "TERRARIUM_CHECKPOINT_SECONDS": "seconds between states on disk, at most; by default 30, and the first after one",
    "TERRARIUM_COMMIT": "the commit that records name, where the code is no git repository",
    "TERRARIUM_CONFIG_DIR": "a folder of configuration of one's own, which --config-dir sets for its processes",
    "XDG_CACHE_HOME": "the folder of caches, by default ~/.cache",
    "XLA_FLAGS": "options of XLA; a record names them, and those that change results are ignored",
}

_INTRODUCTION = """\
# Keys

*Written by `python -m experiments.keys` from declarations and configuration files: change those, not this page.*

Every key is an override: `python -m experiments.run model.width=128`. With `-m`, several values are a sweep:
`optim.lr=1e-3,3e-3`. Values of a **knob** are trained side by side in one program. Each value of a **static** key is
compiled anew. The fields of tasks are in [tasks.md](tasks.md). Names that can be chosen are chosen as
`group=name`: `model=small`, `hydra/launcher=vmap`. A file of yours can be [one of them](own_configuration.md).
"""


def page() -> str:
    """Returns the whole page."""
    parts = [
        _INTRODUCTION,
        "## A run",
        _format_commented("", settings.CONF / "config.yaml", after="_self_", until="hydra:"),
        "A study is chosen as `study=FAMILY/NAME/SCALE`; `python -m experiments.run study=` lists them.",
        *_registered("model", "The architecture. A field that a named choice leaves out has its default."),
        *_registered("optim", "The optimiser's rule, its schedule and clipping."),
        "## train",
        "The length and breadth of training, and what is measured on the way.",
        _format_declared("train", Training),
        *_launchers(),
        *_sweepers(),
        "## Environment",
        format_table(("variable", "meaning"), ((f"`{name}`", text) for name, text in sorted(ENVIRONMENT.items()))),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _registered(section: str, text: str) -> Iterator[str]:
    """Yields the parts on a section whose class is chosen by name, without those of other packages."""
    classes = {n: cls for n, cls in registries()[section].items() if cls.__module__.partition(".")[0] in _OURS}
    docs = {name: " ".join((cls.__doc__ or "").split("\n\n")[0].split()) for name, cls in classes.items()}
    yield f"## {section}"
    yield text
    yield _choices(section, **docs)
    for name, cls in classes.items():
        yield f"### {section}={name}"
        yield _format_declared(section, cls)


def _launchers() -> Iterator[str]:
    plugin = ROOT / "hydra_plugins" / "terrarium_launcher.py"
    yield "## hydra/launcher"
    yield "How the jobs of a sweep are run. Hydra's own are `basic`, one job after another, and those of its plugins."
    yield _choices("hydra/launcher", vmap="Jobs of equal shapes are trained side by side as lanes of one program.")
    yield _format_commented("hydra.launcher.", plugin, after='name="vmap"')
    yield "Of `vmap_slurm`, under `hydra.launcher.slurm`:"
    yield _format_commented(
        "hydra.launcher.slurm.", settings.CONF / "hydra" / "launcher" / "vmap_slurm.yaml", after="slurm:"
    )


def _sweepers() -> Iterator[str]:
    plugin = ROOT / "hydra_plugins" / "terrarium_sweeper.py"
    yield "## hydra/sweeper"
    yield "Which jobs of a grid are run. `basic`, which is the default, runs all."
    yield _choices("hydra/sweeper", bisect="Only jobs near the place along `axis` where the score crosses `target`.")
    yield _format_commented("hydra.sweeper.", plugin, after='name="bisect"')


def _choices(group: str, **others: str) -> str:
    """Formats the named choices of a group: its files in conf/, each with its first comment, and `others`."""
    rows = {path.stem: _comment(path) for path in (settings.CONF / group).glob("*.yaml")} | others
    return format_table(("choice", "meaning"), ((f"`{group}={name}`", text) for name, text in sorted(rows.items())))


def _comment(path: Path) -> str:
    """Returns the first sentence of the comment with which a file begins."""
    lines = re.match(r"(?:# ?.*\n)*", path.read_text())
    words = " ".join(line.removeprefix("#").strip() for line in (lines[0] if lines else "").splitlines())
    return re.split(r"(?<=[.])\s", words)[0]


def _format_declared(section: str, cls: type) -> str:
    head = ("key", "default", "allowed", "meaning", "a sweep of it")
    return format_table(head, (_row(section, field) for field in declared(cls).values()))


def _row(section: str, field: Declared) -> tuple[str, ...]:
    programs = "trains in one program" if field.traced else "compiles each value"
    default = format_default(field.default)
    return f"`{section}.{field.name}`", default, field.allowed(), field.doc, programs


_FIELD = re.compile(r"^(?P<indent> *)\"?(?P<key>\w+)\"?: *(?P<default>.*?),? *# (?P<doc>.*)$")
_ABOVE = re.compile(r"^(?P<key>\w+): *(?:# (?P<doc>.*))?$")


def _format_commented(prefix: str, path: Path, *, after: str, until: str = "\0") -> str:
    """Formats the keys of a part of a file, each with the comment beside it. A key above others gives them its name."""
    lines = path.read_text().partition(after)[2].partition(f"\n{until}")[0].splitlines()
    rows, above = [], ""
    for line in lines:
        if section := _ABOVE.match(line):
            above = f"{section['key']}."
            if section["doc"]:
                rows.append((f"`{section['key']}`", "", section["doc"]))
        elif field := _FIELD.match(line):
            inside = above if field["indent"] and not prefix else ""
            rows.append((f"`{prefix}{inside}{field['key']}`", _default(field["default"]), field["doc"]))
    return format_table(("key", "default", "meaning"), rows)


def _default(text: str) -> str:
    """Formats a default that stands in a file, Python's or YAML's."""
    return {"None": "null", '""': '""'}.get(text, text.strip('"'))


def main() -> int:
    """Runs the command; see the module's docstring."""
    compose.register()
    return keep(PAGE, page, "experiments.keys")


if __name__ == "__main__":
    command(main)()
