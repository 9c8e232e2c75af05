"""The contract that every architecture keeps, as plain checks of an instance of its configuration.

They are for our tests and for those of other packages:

    @pytest.mark.parametrize("check", contract.CHECKS)
    def test_the_model_keeps_the_contract(check):
        check(MyConfig(width=16))

Each check raises AssertionError with one line that names the architecture and the fault. It builds the model for every
one of `SHAPES` that fits: tokens and vectors, with and without a source, answers that are classes and places. A check
that passes once always passes; small models pass sooner.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from fields import declared
from models.decode import first_cache
from models.registry import Architecture, Shapes
from models.variables import Frozen

BATCH, LENGTH, SOURCE, LETTERS, WIDTH = 3, 7, 4, 5, 3
SHAPES = {
    "tokens": Shapes(LENGTH, LETTERS, vocabulary=LETTERS),
    "vectors with a source": Shapes(LENGTH, 2, width_in=WIDTH, source=SOURCE),
    "vectors with places": Shapes(LENGTH, LENGTH, width_in=WIDTH, places=True),
    "tokens with places in a source": Shapes(LENGTH, SOURCE, vocabulary=LETTERS, places=True, source=SOURCE),
}
TOLERANCE = 3e-5

# These programs run once, so optimising them takes longer than it saves.
_jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
# Checks share what they compile for one architecture.
_kept = functools.lru_cache(maxsize=len(SHAPES))


def misfits_are_said(architecture: Architecture) -> None:
    """Checks that the model is built for all shapes for which `misfits` says nothing, and that these are not none.

    A misfit is (key, one line). The key is a field, or `name` if no value of a field would fit.
    """
    leaves = jax.tree.leaves(architecture)
    _require(architecture, not leaves, f"fields that are no static ones: {len(leaves)}")
    keys = ("name", *declared(type(architecture)))
    for name, shapes in SHAPES.items():
        for fault in architecture.misfits(shapes):
            pair = isinstance(fault, tuple) and len(fault) == 2 and all(isinstance(part, str) for part in fault)
            _require(architecture, pair, f"a misfit should be (key, line) and is {fault!r}, for {name}")
            key, line = fault
            _require(architecture, key in keys, f"a misfit names {key}, which is no field, for {name}")
            _require(architecture, bool(line) and "\n" not in line, f"a misfit should be one line, for {name}")
    for name, shapes in _fitting(architecture):
        try:
            jax.eval_shape(functools.partial(_built_and_called, architecture, shapes), jax.random.key(0))
        except Exception as e:  # whatever another's code may raise
            why = f"{type(e).__name__}: {(str(e).splitlines() or [''])[0]}"
            raise _fault(architecture, f"misfits says nothing against {name}, and there {why}") from e


def shapes_and_dtypes(architecture: Architecture) -> None:
    """Checks that outputs are float32[B, T, outputs] and finite, with a key and without, under `jit` and `vmap`."""
    for name, shapes in _fitting(architecture):
        params, apply, x = _params(architecture, shapes, 0), _apply(architecture, shapes), inputs(shapes)
        some_rows = functools.partial(apply, key=jax.random.key(1), rows=(1, BATCH + 2))
        ways = {
            "": _whole(architecture, shapes)(params, x),
            ", with a key and some rows of a batch": _jit(some_rows)(params, x),
            ", under vmap": _jit(jax.vmap(apply, (None, 0)))(params, x[:, None])[:, 0],
        }
        for way, outputs in ways.items():
            right = (outputs.shape, outputs.dtype) == ((BATCH, LENGTH, shapes.outputs), jnp.float32)
            want, got = f"float32{[BATCH, LENGTH, shapes.outputs]}", f"{outputs.dtype}{list(outputs.shape)}"
            _require(architecture, right, f"outputs should be {want} and are {got}, for {name}{way}")
            _require(
                architecture,
                bool(np.isfinite(np.asarray(outputs, np.float32)).all()),
                f"outputs are not finite, for {name}{way}",
            )
        error = _error(ways[""], ways[", under vmap"])
        _require(
            architecture, error < TOLERANCE, f"an example's outputs depend on its batch, by {error:.1g}, for {name}"
        )


def later_inputs_are_unseen(architecture: Architecture) -> None:
    """Checks that inputs change no earlier outputs where the class says `causal`, and that it says so where they don't.

    Rounding is left out of account: a Fourier transform spreads it over all positions.
    """
    seen = False
    for name, shapes in _fitting(architecture):
        params, apply, x = _params(architecture, shapes, 0), _apply(architecture, shapes), inputs(shapes)
        every = _jit(jax.vmap(apply, (None, 0)))
        outputs, *others = np.asarray(every(params, np.stack([x, *(_changed(x, t) for t in range(1, LENGTH))])))
        for t, other in enumerate(others, 1):
            error = _error(outputs[:, :t], other[:, :t])
            seen |= error > TOLERANCE
            if type(architecture).causal:
                _require(architecture, error < TOLERANCE, f"outputs before position {t} see its input, for {name}")
    if not type(architecture).causal:
        _require(architecture, seen, "no output sees a later input: it is causal, and should say so")


def steps_equal_the_whole(architecture: Architecture) -> None:
    """Checks that `step` gives what the whole model gives, position after position, where the class says `decodes`."""
    if not type(architecture).decodes:
        return
    for name, shapes in _fitting(architecture):
        graph, params, x = _graph(architecture, shapes), _params(architecture, shapes, 0), inputs(shapes)
        lacks = [part for part in ("init_cache", "step") if not hasattr(nnx.merge(graph, params), part)]
        _require(architecture, not lacks, f"decodes, but has no {' and no '.join(lacks)}")

        @_jit
        def by_step(params: Any, x: jax.Array, graph: Any = graph) -> jax.Array:
            model = nnx.merge(graph, params)

            def advance(cache: Any, at: tuple[jax.Array, jax.Array]) -> tuple[Any, jax.Array]:
                outputs, cache = model.step(at[1], at[0], cache)
                return cache, outputs

            at = jnp.arange(LENGTH), jnp.swapaxes(x, 0, 1)
            return jnp.swapaxes(jax.lax.scan(advance, first_cache(model, x), at)[1], 0, 1)

        error = _error(by_step(params, x), _whole(architecture, shapes)(params, x))
        _require(architecture, error < TOLERANCE, f"steps differ from the whole by {error:.1g}, for {name}")


def lanes_are_alone(architecture: Architecture) -> None:
    """Checks that of two models under `vmap` each has the outputs and the gradient that it has alone."""
    for name, shapes in _fitting(architecture):
        pull = _pull(architecture, shapes)
        lanes = [(_params(architecture, shapes, seed), inputs(shapes, seed)) for seed in (0, 1)]
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *lanes)
        together, alone = _jit(jax.vmap(pull))(*stacked), [_jit(pull)(*lane) for lane in lanes]
        for lane, own in enumerate(alone):
            pairs = zip(jax.tree.leaves(together), jax.tree.leaves(own), strict=True)
            error = max(_error(np.asarray(a)[lane], b) for a, b in pairs)
            _require(
                architecture, error < TOLERANCE, f"lane {lane} of 2 differs from a run alone by {error:.1g}, for {name}"
            )


def parameters_learn_unless_frozen(architecture: Architecture) -> None:
    """Checks that a step of Adam moves every parameter that is not `Frozen`, and leaves those to the bit."""
    for name, shapes in _fitting(architecture):
        params = _params(architecture, shapes, 0)
        new = _jit(functools.partial(_stepped, _pull(architecture, shapes)))(params, inputs(shapes))
        kinds = jax.tree.leaves(params, is_leaf=lambda leaf: isinstance(leaf, nnx.Variable))
        for kind, (path, before), after in zip(
            kinds, jax.tree.leaves_with_path(params), jax.tree.leaves(new), strict=True
        ):
            where = f"{jax.tree_util.keystr(path)}, for {name}"
            _require(architecture, bool(np.isfinite(np.asarray(after)).all()), f"no finite gradient of {where}")
            same = np.array_equal(before, after)
            if isinstance(kind, Frozen):
                _require(architecture, same, f"a step changes the frozen {where}")
            else:
                _require(architecture, not same, f"no gradient reaches {where}")


def parameters_are_drawn_under_vmap(architecture: Architecture) -> None:
    """Checks that models drawn from a stack of keys are those drawn one by one, for the first shapes that fit."""
    for name, shapes in [next(_fitting(architecture))]:
        draw = functools.partial(_draw, architecture, shapes)
        keys = jax.random.split(jax.random.key(2), 2)
        try:
            stacked = _jit(jax.vmap(draw))(keys)
        except Exception as e:
            why = f"{type(e).__name__}: {(str(e).splitlines() or [''])[0]}"
            raise _fault(architecture, f"parameters cannot be drawn under vmap, for {name}: {why}") from e
        alone = [_jit(draw)(key) for key in keys]
        for lane, own in enumerate(alone):
            for (path, a), b in zip(jax.tree.leaves_with_path(stacked), jax.tree.leaves(own), strict=True):
                same = a.shape[1:] == b.shape and _error(np.asarray(a)[lane], b) < TOLERANCE
                where = f"{jax.tree_util.keystr(path)}, for {name}"
                _require(architecture, same, f"drawn under vmap and alone differ: {where}")


CHECKS: tuple[Callable[[Architecture], None], ...] = (
    misfits_are_said,
    shapes_and_dtypes,
    later_inputs_are_unseen,
    steps_equal_the_whole,
    lanes_are_alone,
    parameters_learn_unless_frozen,
    parameters_are_drawn_under_vmap,
)


def inputs(shapes: Shapes, seed: int = 0) -> np.ndarray:
    """Returns a batch of random inputs of these shapes."""
    rng, size = np.random.default_rng(seed), (BATCH, shapes.length)
    if shapes.vocabulary is not None:
        return rng.integers(shapes.vocabulary, size=size, dtype=np.int32)
    return rng.standard_normal((*size, shapes.width_in or 0)).astype(np.float32)


def _changed(x: np.ndarray, t: int) -> np.ndarray:
    """Returns inputs that differ from `x` at position `t`."""
    x = x.copy()
    x[:, t] = (x[:, t] + 1) % LETTERS if np.issubdtype(x.dtype, np.integer) else x[:, t] + 1
    return x


def _fitting(architecture: Architecture) -> Iterator[tuple[str, Shapes]]:
    """Yields the shapes that fit, by name. Raises AssertionError if there are none."""
    fitting = [(name, shapes) for name, shapes in SHAPES.items() if not list(architecture.misfits(shapes))]
    _require(architecture, bool(fitting), f"fits none of the shapes: {', '.join(SHAPES)}")
    yield from fitting


def _built_and_called(architecture: Architecture, shapes: Shapes, key: jax.Array) -> jax.Array:
    model: Any = architecture.build(shapes, rngs=nnx.Rngs(params=key))
    return model(jnp.asarray(inputs(shapes)))


def _draw(architecture: Architecture, shapes: Shapes, key: jax.Array) -> Any:
    return nnx.split(architecture.build(shapes, rngs=nnx.Rngs(params=key)))[1]


@_kept
def _graph(architecture: Architecture, shapes: Shapes) -> Any:
    return nnx.split(nnx.eval_shape(lambda: architecture.build(shapes, rngs=nnx.Rngs(params=jax.random.key(0)))))[0]


@_kept
def _drawn(architecture: Architecture, shapes: Shapes) -> Callable[[jax.Array], Any]:
    return _jit(functools.partial(_draw, architecture, shapes))


def _params(architecture: Architecture, shapes: Shapes, seed: int) -> Any:
    """Returns parameters of which none is left at zero or one, so that each counts."""
    rng = np.random.default_rng(seed)
    # With keys of this kind a model is compiled in a fraction of the time.
    params = _drawn(architecture, shapes)(jax.random.key(seed, impl="unsafe_rbg"))
    return jax.tree.map(lambda x: np.asarray(x) + 0.1 * rng.standard_normal(x.shape).astype(x.dtype), params)


def _apply(architecture: Architecture, shapes: Shapes) -> Callable[..., jax.Array]:
    """Returns the model as a pure function of parameters and inputs."""
    graph = _graph(architecture, shapes)
    return lambda params, x, **how: nnx.merge(graph, params)(x, **how)


@_kept
def _whole(architecture: Architecture, shapes: Shapes) -> Callable[..., jax.Array]:
    """Returns the same, compiled."""
    return _jit(_apply(architecture, shapes))


@_kept
def _pull(architecture: Architecture, shapes: Shapes) -> Callable[[Any, jax.Array], tuple[jax.Array, Any]]:
    """Returns the function that gives outputs, and the gradient of their squared distance from fixed ones."""
    target = np.random.default_rng(3).standard_normal((BATCH, LENGTH, shapes.outputs)).astype(np.float32)
    apply = _apply(architecture, shapes)

    def loss(params: Any, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        outputs = apply(params, x)
        return jnp.square(outputs - target).mean(), outputs

    def pull(params: Any, x: jax.Array) -> tuple[jax.Array, Any]:
        gradient, outputs = jax.grad(loss, has_aux=True)(params, x)
        return outputs, gradient

    return pull


def _error(a: Any, b: Any) -> float:
    """Returns the largest difference between two numbers in the same place, relative to `b` where that is above 1."""
    a, b = np.asarray(a), np.asarray(b)  # operations of JAX outside a program would each be compiled
    return float(np.max(np.abs(a - b) / np.maximum(np.abs(b), 1.0), initial=0.0))


def _stepped(pull: Callable[..., tuple[jax.Array, Any]], params: Any, x: jax.Array) -> Any:
    """Returns the parameters after a step of Adam."""
    adam = optax.adam(1e-2)
    return optax.apply_updates(params, adam.update(pull(params, x)[1], adam.init(params), params)[0])


def _fault(architecture: Architecture, broken: str) -> AssertionError:
    return AssertionError(f"{type(architecture).__name__}: {broken}")


def _require(architecture: Architecture, fine: bool | np.bool_, broken: str) -> None:
    if not fine:
        raise _fault(architecture, broken)
