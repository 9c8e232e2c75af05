"""The environment that a command starts in changes no result: what would is ignored, and named in one line."""

from __future__ import annotations

import jax
import pytest
from jax.experimental.compilation_cache import compilation_cache

from experiments.engine import config, devices, provenance
from experiments.engine.train import train
from experiments.errors import ConfigError
from tests.commands import TINY, call

# For each pinned option a value that would change what is computed, or stop it.
WRONG = dict.fromkeys(devices.PINNED, "true") | {
    "jax_threefry_partitionable": "false",
    "jax_default_prng_impl": "rbg",
    "jax_random_seed_offset": "1",
    "jax_legacy_prng_key": "error",
    "jax_numpy_dtype_promotion": "strict",
    "jax_numpy_rank_promotion": "raise",
    "jax_default_matmul_precision": "bfloat16",
    "jax_allow_f16_reductions": "false",
    "jax_use_direct_linearize": "false",
    "jax_optimization_level": "O0",
    "jax_exec_time_optimization_effort": "-1.0",
    "jax_memory_fitting_effort": "-1.0",
    **dict.fromkeys([name for name in devices.PINNED if "transfer_guard" in name], "disallow"),
    **dict.fromkeys([name for name in devices.PINNED if "error_checking" in name], "raise"),
}


@pytest.fixture
def restored():
    yield
    devices.pin()


def test_options_that_change_results_are_pinned_and_named_in_one_line(restored, monkeypatch, capsys):
    monkeypatch.setenv("JAX_RANDOM_SEED_OFFSET", "1")
    jax.config.update("jax_random_seed_offset", 1)
    jax.config.update("jax_threefry_partitionable", False)
    monkeypatch.setenv("JAX_THREEFRY_PARTITIONABLE", "0")
    before = jax.random.uniform(jax.random.key(0), (3,)).tolist()
    devices.pin()
    said = capsys.readouterr().err
    named = "JAX_THREEFRY_PARTITIONABLE=0, JAX_RANDOM_SEED_OFFSET=1"
    assert said == f"ignored, for results depend on it: {named}\n"
    assert jax.random.uniform(jax.random.key(0), (3,)).tolist() != before
    devices.pin()
    assert capsys.readouterr().err == ""


def test_the_pinned_options_are_those_that_jax_has_and_defaults_to():
    """Those of this version; a later one may drop some, and what it adds is to be looked at."""
    assert devices.PINNED.keys() <= jax.config.values.keys()
    for name, value in devices.PINNED.items():
        assert jax.config.values[name] == value, name


def test_options_of_xla_are_recorded_with_a_result(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true --xla_force_host_platform_device_count=2")
    provenance.provenance.cache_clear()
    try:
        assert provenance.provenance()["versions"].endswith("; XLA_FLAGS --xla_cpu_enable_fast_math=true")
    finally:
        provenance.provenance.cache_clear()


def test_without_a_home_there_is_no_cache_of_programs_and_no_error(tmp_path, monkeypatch):
    for name in ("HOME", "XDG_CACHE_HOME", "JAX_COMPILATION_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pathlib.Path.home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert devices._cache() is None
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert devices._cache() is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert devices._cache() == tmp_path / "terrarium/jax"
    before = jax.config.values["jax_compilation_cache_dir"]
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    devices.use_all_cores()
    assert jax.config.values["jax_compilation_cache_dir"] == before


def test_a_platform_that_is_not_here_is_one_line_that_names_the_variable(monkeypatch):
    devices.check_platform()
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    for error in (AssertionError(), RuntimeError("Unable to initialize backend 'cuda'\nmore")):
        monkeypatch.setattr(devices.jax, "devices", lambda e=error: (_ for _ in ()).throw(e))
        with pytest.raises(ConfigError, match=r"^JAX_PLATFORMS: JAX finds no device of the platform cuda here") as said:
            devices.check_platform()
        assert len(said.value.lines) == 1
        assert "\n" not in said.value.lines[0]


def test_a_damaged_program_in_the_cache_is_replaced_without_a_word(tmp_path, recwarn):
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: jax.config.values[name] for name in names}
    devices._forget_damaged_programs()
    try:
        jax.config.update("jax_compilation_cache_dir", str(tmp_path))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        compilation_cache.reset_cache()
        for damage in (None, b"", b"damaged"):
            for entry in tmp_path.glob("*-cache"):
                assert damage is not None
                entry.write_bytes(damage)
            jax.clear_caches()
            assert jax.jit(lambda x: x * 3 + 1)(2) == 7
            entries = list(tmp_path.glob("*-cache"))
            assert entries
            assert all(len(entry.read_bytes()) > 100 for entry in entries)
    finally:
        for name, value in before.items():
            jax.config.update(name, value)
        compilation_cache.reset_cache()
    assert not [one for one in recwarn if "cache" in str(one.message)]


@pytest.mark.slow
def test_a_run_is_the_same_to_the_bit_under_the_worst_environment(tmp_path):
    (job,) = config.jobs([[*TINY, f"out={tmp_path / 'plain'}"]])
    train([job])
    done = call("run", *TINY, f"out={tmp_path / 'worst'}", **{name.upper(): value for name, value in WRONG.items()})
    assert done.returncode == 0, done.stderr
    ignored = [line for line in done.stderr.splitlines() if line.startswith("ignored, ")]
    assert len(ignored) == 1
    assert all(f"{name.upper()}={value}" in ignored[0] for name, value in WRONG.items()), ignored
    for name in ("metrics.jsonl", "state.safetensors"):
        (worst,) = (tmp_path / "worst").rglob(name)
        assert worst.read_bytes() == (job.folder / name).read_bytes()
