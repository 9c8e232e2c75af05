"""Papers that contradict one another: both sides are shown, with numbers of one protocol between them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from experiments import claim_contract, studies
from experiments.judging import results
from experiments.judging.conflict import Conflict
from experiments.judging.criterion import Criterion
from experiments.summary import Entry, judged
from paper import conflicts, readme

CLAIMS = [claim for claim in studies.own() if claim.contradicts]
CLAIM = studies.claim_for("rasp/parity")
SCORE = CLAIM.criterion.scores()[0]
CONFLICT = Conflict(
    question="Is it so?",
    first="It is so <always>.",
    other="It is not so.",
    arxiv="0000.00001",
    where="Table 1",
    protocol="the same steps",
    numbers={"mean": SCORE.at()},
)


def entry(*, recorded: bool = True) -> Entry:
    """A claim with one conflict, judged on a made-up table or not run."""
    claim = replace(CLAIM, contradicts=(CONFLICT,))
    if not recorded:
        return Entry(claim, "cpu")
    table = results.check(claim_contract.true_table(claim))
    return judged({claim.name: (table, claim.judge(table))}, "cpu", [claim])[0]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_a_conflict_is_with_another_paper_and_its_numbers_are_those_of_the_claims_own_study(claim):
    assert isinstance(claim.criterion, Criterion)
    for conflict in claim.contradicts:
        assert conflict.arxiv != claim.arxiv
        measured = conflict.measured(claim, results.check(claim_contract.true_table(claim)))
        assert measured.keys() == conflict.numbers.keys()
        assert any(measured.values())  # some may be of a scale alone
        assert conflict.question.endswith("?")


def test_the_conflicts_of_this_repository_are_those_that_its_studies_can_measure():
    questions = {conflict.question for claim in CLAIMS for conflict in claim.contradicts}
    assert "Is parity with one label fitted within its training lengths?" in questions
    assert "Do plain carries in training suffice for addition to reach 1.5 times its length?" in questions


def test_the_readme_shows_both_sides_of_a_conflict_and_our_numbers_between_them():
    one = entry()
    lines = conflicts.markdown([one])
    mean = CONFLICT.measured(one.claim, one.table)["mean"] if one.table is not None else None
    assert lines[0] == "Papers that contradict one another:"
    for part in ("[2310.16028](https://arxiv.org/abs/2310.16028): It is so", "/0000.00001): It is not so.", str(mean)):
        assert part in lines[4]
    assert "rasp/parity, the same steps: mean " in lines[4]
    assert conflicts.markdown([replace(one, claim=replace(one.claim, contradicts=()))]) == []
    assert lines[4] in readme.renewed(f"{readme.START}{readme.END}", [one])


def test_the_report_shows_a_conflict_once_for_each_scale_that_was_run():
    one = entry()
    page = conflicts.html([one, replace(entry(recorded=False), scale="gpu")])
    assert page.count("It is not so.") == 1
    assert "It is so &lt;always&gt;." in page
    assert 'href="https://arxiv.org/abs/0000.00001"' in page
    assert "Table 1" in page
    assert conflicts.html([]) == ""


def test_a_conflict_of_which_a_scale_has_no_number_is_not_shown_there():
    one = entry()
    untested = replace(CONFLICT, numbers={"mean": replace(SCORE, condition="never", number=None).at()})
    assert conflicts.between([replace(one, claim=replace(one.claim, contradicts=(untested,)))]) == []


def test_a_conflict_whose_study_was_not_run_says_so():
    assert conflicts.markdown([entry(recorded=False)])[4].endswith(": not run |")
    assert conflicts.html([entry(recorded=False)]).count("not run") == 1
