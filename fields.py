"""Static fields and knobs: one declaration per parameter, from which everything else follows; and registries of names.

A task, a model or an optimiser is a frozen dataclass that is also a JAX pytree. Its *static* fields fix shapes and
program structure and live in the treedef. Its *knobs* are leaves, so they may be traced, stacked and swept without
compiling anew. Each is declared once, with its bounds and its unit:

    @pytree
    class Markov(Task):
        alphabet: int = static(16, low=2, high=1000, unit="symbols", doc="size of the alphabet")
        noop_rate: float = knob(0.0, low=0.0, high=1.0, doc="share of inputs that lack the pattern")

A knob whose default is None is optional: unset it is no leaf, so programs that do not use it are what they would be
without it. A `silent` field is left out of a run's identity while it has its default, so that it can be declared after
runs were recorded.

`check` turns plain values (from Hydra, from a test) into an instance, or into one-line errors that name the key.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar, dataclass_transform

import jax

T = TypeVar("T")
_METADATA = "terrarium"
INT32_MAX = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class Declared:
    """Holds one declaration of a field: its kind, inclusive bounds, choices, unit and meaning."""

    name: str
    traced: bool
    type: type
    default: Any
    low: float | None
    high: float | None
    choices: tuple[Any, ...] | None
    unit: str
    doc: str
    silent: bool

    def allowed(self) -> str:
        """Returns the allowed values in words: "an integer from 2 to 1000 (symbols)"."""
        if self.choices is not None:
            return "one of " + ", ".join(map(str, self.choices))
        noun = {int: "an integer", float: "a number", bool: "true or false", str: "a text", dict: "values by name"}[
            self.type
        ]
        low, high = self.low, self.high
        if self.traced and self.type is int and high is None:
            high = INT32_MAX
        if low is not None and high is not None:
            noun += f" from {low} to {high}"
        elif low is not None:
            noun += f", at least {low}"
        elif high is not None:
            noun += f", at most {high}"
        noun = f"{noun} ({self.unit})" if self.unit else noun
        return f"{noun}, or null" if self.default is None else noun


def static(default: Any, *, choices: Any = None, **declaration: Any) -> Any:
    """Declares a field that fixes shapes or program structure; two values of it are two compiled programs.

    It takes the keywords of `knob`, and `choices`.
    """
    return _declare(False, default, choices=choices, **declaration)


def knob(
    default: Any, *, low: Any = None, high: Any = None, unit: str = "", doc: str = "", silent: bool = False
) -> Any:
    """Declares a numeric field that is a pytree leaf: it may be traced; sweeping it costs no compilation."""
    return _declare(True, default, low=low, high=high, unit=unit, doc=doc, silent=silent)


def _declare(
    traced: bool,
    default: Any,
    *,
    low: Any = None,
    high: Any = None,
    choices: Any = None,
    unit: str = "",
    doc: str = "",
    silent: bool = False,
) -> Any:
    declaration = {"traced": traced, "low": low, "high": high, "choices": choices, "unit": unit, "doc": doc}
    return dataclasses.field(default=default, metadata={_METADATA: declaration | {"silent": silent}})


@dataclass_transform(frozen_default=True)
def pytree(cls: type[T]) -> type[T]:
    """Makes `cls` a frozen dataclass and a JAX pytree: statics go to the treedef, other fields are children."""
    cls = dataclasses.dataclass(frozen=True)(cls)
    names = [f.name for f in dataclasses.fields(cls)]  # type: ignore[arg-type]
    meta = [n for n in names if (d := declared(cls).get(n)) is not None and not d.traced]
    data = [n for n in names if n not in meta]
    keys = [jax.tree_util.GetAttrKey(n) for n in data]

    def flatten(instance: Any) -> tuple[list[Any], tuple[Any, ...]]:
        return [getattr(instance, n) for n in data], tuple(getattr(instance, n) for n in meta)

    def flatten_with_keys(instance: Any) -> tuple[list[tuple[Any, Any]], tuple[Any, ...]]:
        children, aux = flatten(instance)
        return list(zip(keys, children, strict=True)), aux

    def unflatten(aux: tuple[Any, ...], children: Any) -> Any:
        instance = object.__new__(cls)
        for name, value in (*zip(meta, aux, strict=True), *zip(data, children, strict=True)):
            object.__setattr__(instance, name, value)
        return instance

    # Not `register_dataclass`: to it (jax 0.10) two classes with equal statics have equal treedefs, so that `jit` may
    # run the program of one for the other.
    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)
    return cls


def replace(instance: T, **changes: Any) -> T:
    """Returns a copy of `instance` with some fields changed; changing only knobs keeps the treedef."""
    return dataclasses.replace(instance, **changes)  # type: ignore[type-var]


def declared(cls: type) -> dict[str, Declared]:
    """Returns the declarations of a `pytree` class by field name, in order, without fields that have none."""
    return dict(_declared(cls))


@functools.cache  # every job of a sweep asks for the same few classes
def _declared(cls: type) -> dict[str, Declared]:
    hints = typing.get_type_hints(cls)
    return {
        f.name: Declared(name=f.name, type=_without_none(hints[f.name]), default=f.default, **f.metadata[_METADATA])
        for f in dataclasses.fields(cls)
        if _METADATA in f.metadata
    }


def _without_none(hint: Any) -> Any:
    """Returns the type of an optional knob's values: `float` of `float | None`."""
    return (
        next(kind for kind in typing.get_args(hint) if kind is not type(None))
        if isinstance(hint, types.UnionType)
        else hint
    )


def defaults(cls: type) -> dict[str, Any]:
    """Returns field name to default value, the values from which a configuration of `cls` starts."""
    return {name: d.default for name, d in declared(cls).items()}


def check(values: Mapping[str, Any], cls: type[T], prefix: str) -> tuple[T | None, list[str]]:
    """Builds `cls` from plain values: returns (instance, []) or (None, errors), each error one line naming its key.

    Unknown keys, wrong types and values out of bounds are detected here. For rules that relate several fields, the
    instance's own `problems()`, if it has one, yields (key, message) pairs.
    """
    if read := getattr(cls, "read_values", None):  # of a class that holds instances of others
        return read(values, prefix)
    known = declared(cls)
    errors = [f"{prefix}.{key}: {unknown(key, known)}" for key in values if key not in known]
    converted: dict[str, Any] = {}
    for name, d in known.items():
        value = convert(values.get(name, d.default), d)
        if isinstance(value, Wrong):
            errors.append(f"{prefix}.{name}: {value.why}")
        converted[name] = value
    if errors:
        return None, errors
    instance = cls(**converted)
    problems: Iterator[tuple[str, str]] = getattr(instance, "problems", lambda: iter(()))()
    errors = [f"{prefix}.{key}: {message}" for key, message in problems]
    return (None, errors) if errors else (instance, [])


def plain_values(instance: Any) -> dict[str, Any]:
    """Returns the values of an instance's fields, of which `check` makes the same instance."""
    own = getattr(instance, "plain_values", None)
    return own() if own else {name: getattr(instance, name) for name in declared(type(instance))}


def silent(cls: type, values: Mapping[str, Any]) -> set[str]:
    """Returns the names of the silent fields of `cls` that have their defaults in `values`."""
    return {name for name, d in declared(cls).items() if d.silent and values.get(name, d.default) == d.default}


def unknown(key: str, known: Mapping[str, Any]) -> str:
    """Returns the message for a key that does not exist: the nearest name if one is near, and all that do exist."""
    near = difflib.get_close_matches(key, known, n=1)
    meant = f" (did you mean {near[0]}?)" if near else ""
    return f"unknown key{meant}; allowed: {', '.join(known) or 'none'}"


@dataclasses.dataclass(frozen=True)
class Wrong:
    """A value that a declaration does not admit, and why."""

    why: str


def convert(value: Any, d: Declared) -> Any:
    """Returns `value` as the type that `d` declares, or `Wrong`; 1e6 passes as an integer, 1 as a float.

    None passes for an optional knob.
    """
    wrong = Wrong(f"expected {d.allowed()}, got {value!r}")
    if value is None:
        return None if d.default is None else wrong
    if isinstance(value, bool) != (d.type is bool):
        return wrong
    if d.type is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    if d.type is float and isinstance(value, int) and abs(value) <= sys.float_info.max:
        value = float(value)
    if isinstance(d.type, types.GenericAlias) or not isinstance(value, d.type):
        return wrong
    if d.choices is not None and value not in d.choices:
        return wrong
    if d.type in (int, float):
        largest = INT32_MAX if d.type is int and d.traced else sys.float_info.max
        if not abs(value) <= largest:  # so that NaN is wrong too
            return wrong
        if (d.low is not None and value < d.low) or (d.high is not None and value > d.high):
            return wrong
    return value


class Registry(Generic[T]):
    """Finds the classes of one kind by name: those of this project and those of installed packages.

    Packages add theirs through the entry-point group `terrarium.<kind>s`.
    """

    def __init__(self, kind: str, base: type[T]):
        """Makes an empty registry. kind: the noun of its members; base: the class that each must be a subclass of."""
        self.kind, self.base, self.group = kind, base, f"terrarium.{kind}s"
        self._known: dict[str, type[T]] = {}
        self._broken: set[tuple[str, str]] = set()  # entries of packages that were tried in vain

    def register(self, name: str) -> Callable[[type[Any]], Any]:
        """Returns a class decorator that adds a class under `name`. It raises ValueError if the name is taken."""

        def add(cls: type[Any]) -> type[Any]:
            if name in self._known and self._known[name] is not cls:
                classes = f"{self._known[name].__qualname__} and {cls.__qualname__}"
                raise ValueError(f"{self.kind} {name} is registered twice: {classes}")
            self._known[name] = cls
            return cls

        return add

    def all(self) -> dict[str, type[T]]:
        """Returns all classes by name.

        A package whose entry cannot be loaded is named once, in one line on standard error; the others work. Raises
        ValueError if two classes have one name.
        """
        for entry in _entries(entry_points, self.group):
            if (entry.name, entry.value) in self._broken:
                continue
            try:
                cls = entry.load()
                if not (isinstance(cls, type) and issubclass(cls, self.base)):
                    raise TypeError(f"{entry.value} is no class of a {self.kind}")
            except (Exception, SystemExit) as e:  # it is another's code, of which anything may come
                self._broken.add((entry.name, entry.value))
                whose = f"the package {entry.dist.name}" if entry.dist else "a package"
                why = (str(e).splitlines() or [""])[0]
                line = f"ignored: {whose}, whose entry {entry.name} = {entry.value} of {self.group} cannot be loaded"
                print(f"{line}: {type(e).__name__}{': ' * bool(why)}{why}", file=sys.stderr)
            else:
                self.register(entry.name)(cls)
        return dict(sorted(self._known.items()))


@functools.cache  # looking through all installed packages takes longer than reading a job
def _entries(find: Callable[..., Any], group: str) -> tuple[Any, ...]:
    return tuple(find(group=group))
