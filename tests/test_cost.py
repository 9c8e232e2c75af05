"""What studies take is computed by formula: it is near the compiler's count, and the page of costs is current."""

import sys

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from experiments import cost, flops, settings
from experiments.engine import config
from experiments.errors import ConfigError
from models.registry import Shapes
from models.transformer import TransformerConfig

H100 = cost.Device("h100")


def compiled(mixer, *, gradient):
    """The compiler's count of operations for a token, and the formula's."""
    model, shapes = TransformerConfig(width=128, depth=1, heads=4, mixer=mixer), Shapes(64, 32, vocabulary=32)
    graph, state = nnx.split(model.build(shapes, rngs=nnx.Rngs(params=jax.random.key(0))))

    def total(state, tokens):
        return nnx.merge(graph, state)(tokens).sum()

    program = jax.jit(jax.grad(total) if gradient else total)
    counted = (program.lower(state, jnp.zeros((8, 64), jnp.int32)).compile().cost_analysis() or {})["flops"]
    return counted / (8 * 64), flops.of_model(model, shapes)[1]


def test_operations_of_a_transformer_and_its_gradient_are_those_that_the_compiler_counts():
    for gradient, times in ((False, 1), (True, 3)):
        counted, formula = compiled("attention", gradient=gradient)
        assert counted == pytest.approx(times * formula, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("mixer", sorted({*flops.MIXING} - {"attention", "lstm", "gru"}))
def test_operations_of_other_mixers_are_near_those_that_the_compiler_counts(mixer):
    # Of loops, as those of LSTM and GRU, the compiler counts one turn.
    counted, formula = compiled(mixer, gradient=False)
    assert counted == pytest.approx(formula, rel=0.15)


def test_a_recurrent_layers_operations_are_two_for_each_entry_of_its_matrices():
    model, shapes = TransformerConfig(width=32, depth=1, mixer="lstm"), Shapes(16, 8, vocabulary=8)
    lstm, mlp, read_out = 9 * 32**2, 8 * 32**2, 32 * 8
    assert flops.of_model(model, shapes)[1] == 2 * (lstm + mlp + read_out)


def test_a_studys_cost_is_the_sum_of_its_runs():
    row = cost.row("markov/threshold/smoke", H100)
    jobs = config.jobs(config.sweep(["study=markov/threshold/smoke"]))
    costs = [flops.cost(job.run) for job in jobs]
    assert row.runs == len(jobs)
    assert row.tokens == sum(40 * 32 * job.run.task.spec.length for job in jobs)
    assert row.flops == pytest.approx(sum(one.flops for one in costs))
    assert row.parameters == max(one.parameters for one in costs)
    assert row.hours == pytest.approx(row.flops / (989e12 * cost.utilisation(flops.forward(jobs[0].run))) / 3600)


def test_runs_that_others_start_from_are_counted_once_each():
    row, jobs = cost.row("tint/finetune/smoke", H100), config.jobs(config.sweep(["study=tint/finetune/smoke"]))
    assert row.runs == len(jobs) + len({job.start.id for job in jobs if job.start})


@pytest.mark.slow
def test_of_a_bisected_grid_only_the_rounds_are_counted():
    assert cost.row("markov/budget/paper", H100).runs == 75


def test_the_header_of_a_study_that_takes_too_long_says_what_to_run_first():
    late = [line.split()[1] for line in cost.PAGE.read_text().splitlines() if "takes more than 48 hours" in line]
    assert late
    for study in late:
        assert "run the gpu scale first" in " ".join(settings.format_study(study).split())


def test_utilisation_is_that_measured_at_both_sizes_and_has_an_end():
    assert [cost.utilisation(forward) for forward, _ in cost.MEASURED] == pytest.approx([s for _, s in cost.MEASURED])
    assert cost.utilisation(1e12) == cost.MOST


def test_a_study_of_more_than_48_hours_on_8_devices_names_the_smaller_scale_to_run_first():
    row = cost.Row("tint/why/paper", 1, 1, 1.0, 1.0, 1.0, 400.0)
    assert cost.warning(row) == "tint/why/paper takes more than 48 hours on 8 devices (50): run tint/why/gpu first"
    assert cost.warning(row._replace(hours=384.0)) == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "STUDY: name one study, as tint/why or tint/why/paper, or ask for --all or --check"),
        (
            ["tint/why", "device=h10"],
            "device: unknown device h10 (did you mean h100?); allowed: h100, h200, a100, v100",
        ),
        (["tint/why", "utilisation=2"], "utilisation: expected a share above 0 and up to 1, got 2"),
        (["tint/why", "lanes=2"], "lanes: not an option; allowed: device=, utilisation="),
        (["tint/wy"], "study: there is no tint/wy (did you mean tint/why"),
    ],
)
def test_what_costs_cannot_be_computed_for_is_refused_in_one_line(words, message, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["cost", *words])
    with pytest.raises(ConfigError) as failure:
        cost.main()
    assert len(failure.value.lines) == 1
    assert failure.value.lines[0].startswith(message)


def test_a_row_of_the_page_of_costs_is_what_its_study_takes():
    (line,) = list(cost.table([cost.row("markov/threshold/paper", H100)]))[2:]
    assert line in cost.PAGE.read_text().splitlines()


@pytest.mark.slow
def test_the_page_of_costs_is_current():
    assert cost.PAGE.read_text() == cost.page()
