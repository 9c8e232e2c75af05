"""What holds of every criterion, on tables made up from the criterion itself; looped over all studies."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from experiments import claim_contract, studies
from experiments.claim_contract import criterion_of, true_table
from experiments.judging import chance, contract
from experiments.judging.claim import Claim
from experiments.judging.criterion import Criterion
from experiments.judging.frame import RecordError

CLAIMS = [claim for claim in studies.own() if isinstance(claim.criterion, Criterion)]
every_claim = pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)


@every_claim
@pytest.mark.parametrize("check", claim_contract.CHECKS, ids=lambda check: check.__name__)
def test_a_claim_keeps_the_contract(claim: Claim, check: Callable[[Claim], None]):
    check(claim)


def test_a_missing_run_is_missed_by_all_criteria_but_one_that_bisection_feeds():
    searched = [claim.name for claim in CLAIMS if is_searched(criterion_of(claim))]
    assert searched == ["markov/budget"]


def is_searched(criterion: Criterion) -> bool:
    """Whether a criterion finds the place where a score is reached."""
    return criterion.parts()[0].quantity.made(contract.blank(criterion), 0.0) is not None


@every_claim
def test_a_table_of_another_study_is_refused(claim: Claim):
    other = "markov/noop" if claim.name != "markov/noop" else "markov/robustness"
    with pytest.raises(RecordError):
        claim.judge(true_table(studies.claim_for(other)))


@every_claim
def test_the_rate_at_which_a_criterion_passes_a_false_claim_is_recorded(claim: Claim):
    recorded = chance.rates_of(claim.name)
    assert set(recorded["scores"]) == {words for words, _ in contract.worlds(criterion_of(claim))}
    assert (recorded["tables"] >= 1000).all()
    assert (recorded["reproduced"] == (recorded["rate"] * recorded["tables"]).round()).all()
    narrow, camps = (recorded.filter(pl.col("scatter").str.starts_with(way)) for way in ("one value", "two camps"))
    assert len(narrow) == len(camps) == recorded["scores"].n_unique()
    assert (narrow["rate"] <= 0.05).all()
    said = chance.false_positives(claim.name)
    assert f"{100 * narrow['rate'].to_numpy().max():.1f} % where seeds scatter about one value (SD " in said
    assert f"{100 * camps['rate'].to_numpy().max():.1f} % where they fall into two camps (" in said
