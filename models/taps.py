"""Named activations of a model, to look at or to put others in their place, without a change to its code.

    with capturing("blocks.*.mixer.weights") as seen:
        logits = model(tokens)
    seen["blocks.1.mixer.weights"]                          # float32[B, H, T, T]

    with patching({"blocks.0.mlp.output": jnp.zeros_like}):  # without the first MLP
        logits = model(tokens)

A model names what it computes by `tap`, which is the identity outside of these two. All of it happens while a function
is traced, so a program that is compiled without them has no trace of it. Inside `jax.jit` or `jax.vmap` the `with`
belongs into the function that is traced, and the activations are among what that function returns. They are those of
whole sequences: decoding, one position at a time, shows and patches none.

    embed                      [B, T, D]     what the blocks read: the embedding with its position
    blocks.0.mixer.logits      [B, H, T, T]  of attention, before the softmax; -inf ahead of the query
    blocks.0.mixer.weights     [B, H, T, T]  of attention and retnet
    blocks.0.mixer.heads       [B, H, T, W]  of attention, each head's output before their projection
    blocks.0.mixer.output      [B, T, D]     what the mixing layer adds to the residual stream
    blocks.0.mlp.hidden        [B, T, M]     the MLP's hidden layer, after its nonlinearity
    blocks.0.mlp.output        [B, T, D]     what the MLP adds
    blocks.0.residual          [B, T, D]     the residual stream after the block
    norm                       [B, T, D]     after the last LayerNorm
    read_out                   [B, T, C]     the model's output

Those are a transformer's. An encoder_decoder has `encoder.0. ...` and `decoder.0. ...`, of its cross-attention
`decoder.0.cross. ...`, and `memory`; a set model has `encoder.0` (of each instance), `weights` and `pooled`, or
`scores`; an mlp has `layers.0`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import jax
from einops import rearrange

Patch = Callable[[jax.Array], jax.Array]


@dataclass
class _Watch:
    """Holds one `with`: the names that it is about, the activations seen, and all names that the model has."""

    patterns: tuple[str, ...]
    patches: Mapping[str, Patch]
    seen: dict[str, jax.Array] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)

    def wants(self, name: str) -> bool:
        """Returns whether the activation is asked for, and keeps its name."""
        self.names[name] = None
        return any(fnmatchcase(name, pattern) for pattern in self.patterns)

    def see(self, name: str, value: jax.Array) -> jax.Array:
        """Returns the activation that the model goes on with."""
        if not self.wants(name):
            return value
        for pattern, patch in self.patches.items():
            if fnmatchcase(name, pattern):
                new = patch(value)
                if (new.shape, new.dtype) != (value.shape, value.dtype):
                    got = f"{new.dtype}{list(new.shape)}"
                    raise ValueError(f"{name}: expected {value.dtype}{list(value.shape)} in its place, got {got}")
                value = new
        self.seen[name] = value
        return value

    def check(self) -> None:
        """Raises ValueError for the first name that fits no activation of the model."""
        for pattern in self.patterns:
            if not any(fnmatchcase(name, pattern) for name in self.names):
                near = difflib.get_close_matches(pattern, self.names, n=1)
                meant = f" (did you mean {near[0]}?)" if near else ""
                raise ValueError(f"{pattern}: no such activation{meant}; there are: {', '.join(self.names) or 'none'}")


_WATCHES: ContextVar[tuple[_Watch, ...]] = ContextVar("watches", default=())
_SCOPES: ContextVar[tuple[str, ...]] = ContextVar("scopes", default=())


@contextmanager
def capturing(*names: str, strict: bool = True) -> Iterator[dict[str, jax.Array]]:
    """Yields a dictionary that fills with the activations of these names; a `*` stands for any letters.

    An activation is captured as the model uses it: with patches, after them. Raises ValueError at the end for a name
    that the model lacks, if it is `strict`.
    """
    with _watching(_Watch(names, {}), strict=strict) as watch:
        yield watch.seen


@contextmanager
def patching(patches: Mapping[str, Patch]) -> Iterator[None]:
    """Puts `patch(activation)` in the place of each named activation, which keeps its shape and dtype.

    A name may have a `*`. If several patches fit an activation, the outer one comes first. Raises ValueError for
    another shape, and at the end for a name that the model lacks.
    """
    with _watching(_Watch(tuple(patches), patches)):
        yield


@contextmanager
def _watching(watch: _Watch, *, strict: bool = True) -> Iterator[_Watch]:
    """Makes the watch one of those in force; those that patch come before those that capture."""
    token = _WATCHES.set(tuple(sorted((*_WATCHES.get(), watch), key=lambda each: not each.patches)))
    try:
        yield watch
    finally:
        _WATCHES.reset(token)
    if strict:
        watch.check()


@contextmanager
def scope(*names: str | int) -> Iterator[None]:
    """Puts names, which dots join, before those of the activations inside."""
    token = _SCOPES.set((*_SCOPES.get(), *map(str, names)))
    try:
        yield
    finally:
        _SCOPES.reset(token)


def tap(name: str, value: jax.Array, batch: int | None = None) -> jax.Array:
    """Returns the value, or what stands in its place where the activation of this name is patched.

    A value of flattened positions, float32[B * T, ...], is seen as float32[B, T, ...] if it is given its `batch`.
    """
    watches = _WATCHES.get()
    if not watches:
        return value
    whole = ".".join((*_SCOPES.get(), name))
    if not any([watch.wants(whole) for watch in watches]):  # all of them hear of the name
        return value
    shaped = value if batch is None else rearrange(value, "(b t) ... -> b t ...", b=batch)
    for watch in watches:
        shaped = watch.see(whole, shaped)
    return shaped if batch is None else rearrange(shaped, "b t ... -> (b t) ...")


def watched(*names: str) -> bool:
    """Returns whether one of these activations is asked for, so that a layer must compute it by itself."""
    inside = ".".join((*_SCOPES.get(), ""))
    return any([watch.wants(inside + name) for watch in _WATCHES.get() for name in names])


def active() -> bool:
    """Returns whether any activation is asked for: loops over blocks are then unrolled, for each has its name."""
    return bool(_WATCHES.get())


def names_of(run: Callable[..., object], *args: object) -> dict[str, jax.ShapeDtypeStruct]:
    """Returns names, shapes and dtypes of the activations in `run(*args)`, in order, without computing any."""
    shapes: dict[str, jax.ShapeDtypeStruct] = {}

    def see(*args: object) -> int:
        with capturing("*", strict=False) as seen:
            run(*args)
        shapes.update({name: jax.ShapeDtypeStruct(value.shape, value.dtype) for name, value in seen.items()})
        return 0

    jax.eval_shape(see, *args)
    return shapes
