"""The contract that every claim keeps, as plain checks of a claim whose criterion is declared.

They are for our tests and for those of other packages:

    @pytest.mark.parametrize("check", claim_contract.CHECKS)
    def test_the_claim_keeps_the_contract(check):
        check(CLAIM)

Each check judges tables that `experiments.judging.contract` makes up from the criterion itself, and raises
AssertionError with one line that names the claim and the fault. Tables are the same each time.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import polars as pl
from rich.console import Console

from experiments.judging import contract, nulls, results
from experiments.judging.axes import Pick, Setting
from experiments.judging.claim import Claim, Judgement
from experiments.judging.criterion import Criterion
from experiments.judging.grid import Grid
from experiments.judging.quantities import Bound
from experiments.judging.reading import FITTED, Converged, Fitted
from experiments.printing import format_changed, show

WIDTH = 80  # columns in which a claim is printed
TABLES = 60  # simulated of each world
PASSES = 3  # of TABLES that may pass; a criterion that passes 12 % by chance passes so few with a probability of 0.07
AGAIN = 10  # times as many tables, where more than PASSES pass: of 60 that happens to a right criterion, too, at times


def is_reproduced_where_every_bound_holds(claim: Claim) -> None:
    """Checks that a table on which all bounds hold is reproduced with all its seeds."""
    judgement = claim.judge(results.check(true_table(claim)))
    _require(claim, judgement.verdict == "reproduced", f"all bounds hold, but {_said(judgement)}")
    _require(claim, judgement.seeds == contract.SEEDS, f"it rests on {judgement.seeds} seeds of {contract.SEEDS}")
    _require(claim, not judgement.cause, f"all bounds hold, but a verdict is barred: {judgement.cause}")
    how = criterion_of(claim).parts()[0].quantity.how()
    _require(claim, judgement.how == how, f"its effect is {judgement.how or 'of one side'}, where its words say {how}")
    _require(claim, all(judgement.power), "a bound has no power")
    kept = all(outcome.verdict == "reproduced" for outcome in judgement.outcomes)
    _require(claim, kept, "a bound that holds is not said to")


def is_printed_in_80_columns(claim: Claim) -> None:
    """Checks that the claim is printed with verdict, seeds and provenance, no line longer than `WIDTH`."""
    table = results.check(true_table(claim))
    printed = io.StringIO()
    show(claim, claim.judge(table), table, Console(file=printed, width=WIDTH))
    longest = max(map(len, printed.getvalue().splitlines()))
    _require(claim, longest <= WIDTH, f"a line that is printed has {longest} columns, more than {WIDTH}")
    words = " ".join(printed.getvalue().split())
    for part in ("reproduced: ", f"{contract.SEEDS} seeds", "jax 0.10.2", "abc+"):
        _require(claim, part in words, f"what is printed lacks '{part}'")


def one_bound_false_by_far_is_enough(claim: Claim) -> None:
    """Checks that one bound alone that is false by far gives "not reproduced" and is named."""
    for place in _places(claim):
        judgement = claim.judge(contract.made(claim, contract.seeds_of(world(claim, place, far=True))))
        _require(claim, judgement.verdict == "not reproduced", f"bound {place} is false by far: {_said(judgement)}")
        named = judgement.sentence.endswith("is wanted).")
        _require(claim, named, f"bound {place} is false by far and not named: {judgement.sentence}")


def a_bound_false_by_the_least_reproduces_nothing(claim: Claim) -> None:
    """Checks that a table on which one bound is just missed is not reproduced."""
    for place in _places(claim):
        judgement = claim.judge(contract.made(claim, contract.seeds_of(world(claim, place))))
        open_ = judgement.verdict in ("inconclusive", "not reproduced")
        _require(claim, open_, f"bound {place} is false by the least: {_said(judgement)}")


def seeds_in_two_camps_reproduce_nothing(claim: Claim) -> None:
    """Checks that nothing is reproduced where one seed is on the far side of a bound."""
    good = contract.seeds_of(world(claim))
    for place in _places(claim):
        bad = contract.seeds_of(world(claim, place, far=True))
        camps = {cell: [*good[cell][:-1], bad[cell][-1]] for cell in good}
        judgement = claim.judge(contract.made(claim, camps))
        _require(claim, judgement.verdict != "reproduced", f"bound {place} is false for a seed: {_said(judgement)}")


def one_seed_bars_a_verdict(claim: Claim) -> None:
    """Checks that a single seed decides nothing."""
    _bars(claim, claim.judge(true_table(claim).filter(seed=1)), "one seed")


def a_missing_run_bars_a_verdict(claim: Claim) -> None:
    """Checks that a run that is missing decides nothing and is named.

    A criterion that finds the place where a score is reached may do without it, as bisection does not run all.
    """
    table, criterion = true_table(claim), criterion_of(claim)
    setting = claim.judge(table).outcomes[0].settings[0]
    of_setting = pl.all_horizontal(pl.col(a.column) == v for a, v in zip(criterion.axes, setting, strict=True))
    judgement = claim.judge(table.filter(~(of_setting & (pl.col("seed") == 2))))
    searched = criterion.parts()[0].quantity.made(contract.blank(criterion), 0.0) is not None
    if searched and (judgement.verdict, judgement.cause) == ("reproduced", ""):
        return
    _bars(claim, judgement, "run missing")
    _require(claim, "seed 2" in judgement.sentence, f"seed 2 is missing and not named: {judgement.sentence}")


def different_steps_are_not_compared(claim: Claim) -> None:
    """Checks that runs that ended at different steps decide nothing and that the steps are named."""
    table = true_table(claim)
    longer = pl.col("final") & (pl.col("run") == table["run"][0])
    judgement = claim.judge(table.with_columns(step=pl.when(longer).then(1500).otherwise("step")))
    _bars(claim, judgement, "steps differ")
    _require(claim, "1200, 1500" in judgement.sentence, f"steps differ and are not named: {judgement.sentence}")


def an_arm_never_run_is_named(claim: Claim) -> None:
    """Checks that nothing is decided where an arm of a bound was never run, and that it is named."""
    criterion, table = criterion_of(claim), true_table(claim)
    grid = contract.blank(criterion)
    for part in criterion.bounds:
        quantity = (part if isinstance(part, Bound) else part.bound).quantity
        for arm in quantity.arms():
            if quantity is arm and all(pick.how in ("most", "fewest") for pick in arm.picks):
                continue  # there always is an end
            gone = [s for s in grid.settings if all(_may_be_of(pick, grid, s) for pick in arm.picks)]
            if len(gone) < len(grid.settings):
                judgement = claim.judge(_without(table, criterion, gone))
                _bars(claim, judgement, "arm missing")
                _require(claim, not judgement.sentence.endswith(": ."), f"no arm is named: {judgement.sentence}")


def nothing_is_read_where_training_is_not_fitted(claim: Claim) -> None:
    """Checks that the verdict is "not fitted", with what was left out, where training is fitted nowhere."""
    criterion, cells = criterion_of(claim), contract.seeds_of(world(claim))
    grid = contract.blank(criterion)
    for rule in _fitted(criterion):
        free = set(grid.where(rule.exempt)) if rule.exempt else set()
        least = min(rule.least / FITTED, 1.0)
        low = [0.6 * least, 0.55 * least, 0.62 * least]
        if rule.most is not None:
            low = [1.5 * rule.most, 1.6 * rule.most, 1.7 * rule.most]
        weak = {(rule.score, rule.counterpart(grid, s)): low for s in grid.settings if s not in free}
        judgement = claim.judge(contract.made(claim, cells | weak))
        verdict = (judgement.verdict, judgement.cause)
        _require(claim, verdict == ("not fitted", "not fitted"), f"nothing is fitted: {_said(judgement)}")
        _require(claim, judgement.effect is None, "nothing is fitted, but an effect is given")
        named = rule.beyond() in judgement.sentence and bool(judgement.left_out)
        _require(claim, named, f"nothing is fitted, but not what was left out: {judgement.sentence}")


def nothing_is_read_without_what_says_it_is_fitted(claim: Claim) -> None:
    """Checks that nothing is decided where the counterpart that says whether training is fitted was never run."""
    criterion = criterion_of(claim)
    grid = contract.blank(criterion)
    for rule in _fitted(criterion):
        if rule.instead:
            gone = {rule.counterpart(grid, setting) for setting in grid.settings}
            _bars(claim, claim.judge(_without(true_table(claim), criterion, gone)), "arm missing")


def nothing_is_read_where_more_steps_add_to_a_score(claim: Claim) -> None:
    """Checks that nothing is decided where twice the steps add to a score that should not rise."""
    criterion, cells = criterion_of(claim), contract.seeds_of(world(claim))
    grid = contract.blank(criterion)
    for rule in criterion.read:
        if isinstance(rule, Converged):
            slow = {(rule.score, s): [0.6, 0.55, 0.62] for s in grid.where(rule.once)}
            fast = {(rule.score, s): [0.97, 0.96, 0.98] for s in grid.where(rule.twice)}
            judgement = claim.judge(contract.made(claim, cells | slow | fast))
            barred = judgement.cause in ("not settled", "not fitted") and judgement.effect is None
            _require(claim, barred, f"twice the steps add to a score, but {_said(judgement)}")
            _bars(claim, claim.judge(_without(true_table(claim), criterion, grid.where(rule.twice))), "arm missing")


def a_diverged_run_counts_as_zero(claim: Claim) -> None:
    """Checks that a run that diverged is noted, and as one that counts as zero if scores are shares."""
    table = true_table(claim)
    lost = pl.col("run") == table["run"][-1]
    names = results.scores(table)
    empty = [pl.when(lost & pl.col("final")).then(None).otherwise(name).alias(name) for name in names]
    status = pl.when(lost).then(pl.lit("diverged")).otherwise("status").alias("status")
    notes = claim.judge(results.check(table.with_columns(*empty, status))).notes
    shares = all(score.kind.share for score in criterion_of(claim).scores())
    words = "Diverged, and counted as scores of 0: " if shares else "Diverged, and counted as "
    noted = any(note.startswith(words) for note in notes)
    _require(claim, noted, "a run diverged, and no note says what it counts as")


def chance_seldom_passes(claim: Claim) -> None:
    """Checks that of `TABLES` simulated tables in which the claim is false by the least at most `PASSES` pass.

    A criterion of the right size may pass more by luck: the share is then read from `AGAIN` times as many.
    """
    criterion = criterion_of(claim)
    for words, means in contract.worlds(criterion):
        for times in (1, AGAIN):
            tables = times * TABLES
            passed = nulls.false_positives(criterion, means, tables, nulls.about_one_value(claim.scatter))
            if passed <= times * PASSES:
                break
        _require(claim, passed <= times * PASSES, f"{passed} of {tables} tables pass by chance with {words}")


def the_criterion_is_said_in_words(claim: Claim) -> None:
    """Checks that the criterion in words ends with the effect and the verdicts, each rule one sentence or more."""
    words = criterion_of(claim).words()
    heads = [rule.split(":")[0] for rule in words[-4:]]
    wanted = ["Effect", "Reproduced", "Not reproduced", "Inconclusive"]
    _require(claim, heads == wanted, f"its words end with {', '.join(heads)}, not {', '.join(wanted)}")
    for rule in words:
        plain = rule == " ".join(rule.split()) and rule[0].isupper() and rule[-1] == "."
        _require(claim, plain, f"is no sentence: {rule}")


def the_hash_follows_the_rule(claim: Claim) -> None:
    """Checks that other words leave the criterion's hash alone, and that another threshold changes it."""
    criterion = criterion_of(claim)
    reworded = replace(criterion, axes=tuple(replace(axis, noun="tea") for axis in criterion.axes))
    _require(claim, reworded.hash() == criterion.hash(), "its hash changes with the words of an axis")
    first = criterion.bounds[0]
    bound = first if isinstance(first, Bound) else first.bound
    finite = np.isfinite(bound.least)
    moved = replace(bound, least=bound.least + 0.01) if finite else replace(bound, most=bound.most + 1)
    other = moved if isinstance(first, Bound) else replace(first, bound=moved)
    changes = replace(criterion, bounds=(other, *criterion.bounds[1:])).hash() != criterion.hash()
    _require(claim, changes, "its hash stays the same where a threshold changes")


def a_change_since_the_record_is_said(claim: Claim) -> None:
    """Checks that a record made by another criterion is said to be, and no other record."""
    table = results.check(true_table(claim))
    runs = table["run"].n_unique()
    _require(claim, not format_changed(claim, table), "a record without a hash is said to be of another criterion")
    same = table.with_columns(criterion=pl.lit(claim.criterion.hash()))
    _require(claim, not format_changed(claim, same), "its own record is said to be of another criterion")
    sentence = format_changed(claim, table.with_columns(criterion=pl.lit("0" * 16)))
    wanted = f"The criterion has changed since {runs} of {runs} runs were recorded."
    _require(claim, sentence == wanted, f"of another criterion's record it is said: {sentence}")


CHECKS: tuple[Callable[[Claim], None], ...] = (
    is_reproduced_where_every_bound_holds,
    is_printed_in_80_columns,
    one_bound_false_by_far_is_enough,
    a_bound_false_by_the_least_reproduces_nothing,
    seeds_in_two_camps_reproduce_nothing,
    one_seed_bars_a_verdict,
    a_missing_run_bars_a_verdict,
    different_steps_are_not_compared,
    an_arm_never_run_is_named,
    nothing_is_read_where_training_is_not_fitted,
    nothing_is_read_without_what_says_it_is_fitted,
    nothing_is_read_where_more_steps_add_to_a_score,
    a_diverged_run_counts_as_zero,
    chance_seldom_passes,
    the_criterion_is_said_in_words,
    the_hash_follows_the_rule,
    a_change_since_the_record_is_said,
)


def criterion_of(claim: Claim) -> Criterion:
    """Returns the criterion of a claim. Raises AssertionError for one that is a plain function."""
    criterion = claim.criterion
    if not isinstance(criterion, Criterion):
        raise AssertionError(f"{claim.name}: its criterion is a function, of which no table can be made up")
    return criterion


def world(claim: Claim, false: int | None = None, *, far: bool = False) -> contract.World:
    """Returns mean scores where all bounds hold, or all but that in place `false`; see `contract.world`."""
    return _world(criterion_of(claim), false, far)


@functools.cache  # several checks ask for the same one, and it is a linear programme's to find
def _world(criterion: Criterion, false: int | None, far: bool) -> contract.World:
    return contract.world(criterion, false, far=far)


def true_table(claim: Claim) -> pl.DataFrame:
    """Returns a made-up table on which every bound of the criterion holds."""
    return contract.made(claim, contract.seeds_of(world(claim)))


def _require(claim: Claim, holds: bool, why: str) -> None:
    if not holds:
        raise AssertionError(f"{claim.name}: {why}")


def _bars(claim: Claim, judgement: Judgement, cause: str) -> None:
    """Requires that a verdict is barred, by `cause`."""
    barred = (judgement.verdict, judgement.cause) == ("inconclusive", cause)
    _require(claim, barred, f"{cause}, but {_said(judgement)}")


def _said(judgement: Judgement) -> str:
    return f"the verdict is {judgement.verdict}: {judgement.sentence}"


def _places(claim: Claim) -> range:
    criterion = criterion_of(claim)
    return range(len(criterion.bounds) + len(criterion.then))


def _fitted(criterion: Criterion) -> Iterable[Fitted]:
    return (rule for rule in criterion.read if isinstance(rule, Fitted))


def _without(table: pl.DataFrame, criterion: Criterion, settings: Iterable[Setting]) -> pl.DataFrame:
    """Returns the table without the runs of some settings."""
    keys = [axis.column for axis in criterion.axes]
    lost = pl.DataFrame([dict(zip(keys, setting, strict=True)) for setting in settings], infer_schema_length=None)
    return table.join(lost, on=keys, how="anti", maintain_order="left")


def _may_be_of(pick: Pick, grid: Grid, setting: Setting) -> bool:
    """Returns whether a setting may be among those of a pick: at an end, all but those at the other end may."""
    if pick.how == "lowest" or (pick.how in ("most", "fewest") and pick.axis.typed):
        return setting in grid.where((pick.axis.some,))
    if pick.how in ("most", "fewest"):
        return setting not in grid.where((pick.axis.fewest if pick.how == "most" else pick.axis.most,))
    return setting in grid.where((pick,))
