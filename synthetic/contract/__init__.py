"""The contract that every task keeps, as plain checks of a task instance.

They are for our tests and for those of other packages:

    @pytest.mark.parametrize("check", contract.CHECKS)
    def test_the_task_keeps_the_contract(check):
        check(MyTask())

Each check raises AssertionError with one line that names the task and the fault. Examples are sampled from fixed keys,
so a check that passes once always passes.
"""

from __future__ import annotations

from collections.abc import Callable

from synthetic.contract.content import items_are_drawn, keys_decide, oracle_agrees, rates_hold
from synthetic.contract.form import conditions_are_scored, render_is_whole, scores_fit, shapes_match_spec
from synthetic.contract.knobs import held_out_is_disjoint, knobs_are_traced
from synthetic.task import Task

CHECKS: tuple[Callable[[Task], None], ...] = (
    shapes_match_spec,
    conditions_are_scored,
    oracle_agrees,
    knobs_are_traced,
    keys_decide,
    held_out_is_disjoint,
    rates_hold,
    render_is_whole,
    scores_fit,
    items_are_drawn,
)
