"""One declaration per field gives the pytree, the bounds and the errors."""

import math
from typing import Any

import jax
import pytest
from beartype.roar import BeartypeCallHintParamViolation
from hypothesis import given
from hypothesis import strategies as st

from fields import INT32_MAX, Wrong, check, convert, declared, defaults, knob, pytree, silent, static
from models.positions import alibi_slopes


@pytree
class Toy:
    size: int = static(4, low=1, high=8, unit="letters", doc="letters there are")
    kind: str = static("plain", choices=("plain", "odd"))
    quick: bool = static(False)
    rate: float = knob(0.5, low=0.0, high=1.0, unit="share")
    seed: int = knob(0, low=0)
    free: float = knob(0.0)

    def problems(self):
        if self.seed > self.size:
            yield "seed", f"at most toy.size = {self.size}, got {self.seed}"


def test_knobs_are_the_leaves_and_statics_are_in_the_treedef():
    toy = Toy(rate=0.25, seed=3)
    assert jax.tree.leaves(toy) == [0.25, 3, 0.0]
    assert jax.tree.structure(toy) == jax.tree.structure(Toy(rate=0.75, seed=1))
    assert jax.tree.structure(toy) != jax.tree.structure(Toy(size=5))


@pytree
class Later:
    rate: float | None = knob(None, low=0.0, high=1.0, silent=True)
    loops: int = static(1, low=1, silent=True)
    size: int = static(4)


def test_an_optional_knob_is_a_leaf_only_where_it_is_set():
    assert jax.tree.leaves(Later()) == []
    assert jax.tree.leaves(Later(rate=0.0)) == [0.0]


def test_an_optional_knob_takes_null_and_no_other_field_does():
    assert check({"rate": None}, Later, "later") == (Later(), [])
    _, errors = check({"rate": 2.0, "size": None}, Later, "later")
    assert errors == [
        "later.rate: expected a number from 0.0 to 1.0, or null, got 2.0",
        "later.size: expected an integer, got None",
    ]


def test_a_silent_field_is_named_where_it_has_its_default():
    assert silent(Later, {"rate": None, "loops": 1, "size": 4}) == {"rate", "loops"}
    assert silent(Later, {"rate": 0.0, "loops": 2, "size": 4}) == set()


def test_classes_of_the_same_fields_have_different_treedefs():
    @pytree
    class Other(Toy):
        pass

    assert jax.tree.structure(Toy()) != jax.tree.structure(Other())
    rebuilt = jax.tree.map(lambda x: x + 1, Other())
    assert rebuilt == Other(rate=1.5, seed=1, free=1.0)
    assert [str(path[0]) for path, _ in jax.tree_util.tree_leaves_with_path(rebuilt)] == [".rate", ".seed", ".free"]


def test_a_knob_may_be_swept_by_vmap_and_a_static_read_inside():
    swept = jax.tree.map(lambda *leaves: jax.numpy.stack(leaves), Toy(seed=1), Toy(seed=2))
    assert jax.jit(jax.vmap(lambda toy: toy.seed * toy.size))(swept).tolist() == [4, 8]


def test_declarations_are_listed_in_order_with_their_bounds():
    assert list(declared(Toy)) == ["size", "kind", "quick", "rate", "seed", "free"]
    size = declared(Toy)["size"]
    assert (size.traced, size.type, size.low, size.high, size.unit) == (False, int, 1, 8, "letters")
    assert size.doc == "letters there are"
    assert defaults(Toy) == {"size": 4, "kind": "plain", "quick": False, "rate": 0.5, "seed": 0, "free": 0.0}


def test_check_builds_an_instance_from_some_values_and_defaults():
    toy, errors = check({"rate": 1, "size": 8.0}, Toy, "toy")
    assert errors == []
    assert toy == Toy(rate=1.0, size=8)
    assert toy is not None
    assert isinstance(toy.rate, float)
    assert isinstance(toy.size, int)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        (
            {"rat": 1},
            "toy.rat: unknown key (did you mean rate?); allowed: size, kind, quick, rate, seed, free",
        ),
        ({"zzz": 1}, "toy.zzz: unknown key; allowed: size, kind, quick, rate, seed, free"),
        ({"rate": 1.5}, "toy.rate: expected a number from 0.0 to 1.0 (share), got 1.5"),
        ({"rate": math.nan}, "toy.rate: expected a number from 0.0 to 1.0 (share), got nan"),
        ({"rate": True}, "toy.rate: expected a number from 0.0 to 1.0 (share), got True"),
        ({"rate": None}, "toy.rate: expected a number from 0.0 to 1.0 (share), got None"),
        ({"free": math.inf}, "toy.free: expected a number, got inf"),
        ({"size": 0}, "toy.size: expected an integer from 1 to 8 (letters), got 0"),
        ({"size": 2.5}, "toy.size: expected an integer from 1 to 8 (letters), got 2.5"),
        ({"size": "4"}, "toy.size: expected an integer from 1 to 8 (letters), got '4'"),
        ({"size": [4]}, "toy.size: expected an integer from 1 to 8 (letters), got [4]"),
        ({"quick": 1}, "toy.quick: expected true or false, got 1"),
        ({"kind": "even"}, "toy.kind: expected one of plain, odd, got 'even'"),
        ({"kind": 3}, "toy.kind: expected one of plain, odd, got 3"),
        ({"seed": 2**31}, f"toy.seed: expected an integer from 0 to {INT32_MAX}, got {2**31}"),
        ({"seed": 5}, "toy.seed: at most toy.size = 4, got 5"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_key_and_what_is_allowed(values, error):
    assert check(values, Toy, "toy") == (None, [error])


def test_all_wrong_keys_are_named_at_once():
    _, errors = check({"rate": 2, "size": 0, "sed": 1}, Toy, "toy")
    assert [error.split(":")[0] for error in errors] == ["toy.sed", "toy.size", "toy.rate"]


@given(
    st.sampled_from(list(declared(Toy).values())),
    st.none() | st.booleans() | st.text() | st.just(10**400) | st.floats() | st.integers(),
)
def test_any_value_is_converted_or_refused_never_an_exception(d, value: Any):
    found = convert(value, d)
    if not isinstance(found, Wrong):
        assert type(found) is d.type
        assert d.low is None or found >= d.low
        assert d.high is None or found <= d.high


def test_annotations_are_checked_on_call_while_tests_run():
    with pytest.raises(BeartypeCallHintParamViolation, match="heads"):
        alibi_slopes("4")  # type: ignore[arg-type]
