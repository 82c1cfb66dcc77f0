"""The shipped cases, how answers to them are compared, and `halo eval`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from halo_cli import evaluation
from halo_cli.evaluation import ACTED, MOMENT, OTHER, QUANTITY, Case, Outcome, Report, Slot
from halo_engine.model.errors import ParserFailed
from halo_engine.model.intent import UNSUPPORTED, Intent
from halo_engine.parsing.parser import ParseContext
from tests.halo_cli.conftest import Halo

REPLIES = Path(__file__).parents[2] / "fixtures" / "utterances" / "replies.yaml"
CASES = evaluation.cases(())
MILK = {"items": [{"name": "milk", "quantity": 2}]}


def case(verb: str = "ORDER", params: dict[str, Any] | None = None, **given: Any) -> Case:
    """Words that mean two bottles of milk, with `given` on top."""
    said_at = datetime(2026, 3, 4, 18, 0, tzinfo=UTC)
    meaning = {"verb": verb, "params": MILK if params is None else params}
    return Case.model_validate({"set": "order", "text": "…", "now": said_at, "zone": "UTC", **meaning, **given})


def outcome(of: Case, verb: str, params: dict[str, Any] | None = None, *, sure: float = 1.0, **given: Any) -> Outcome:
    """What is made of a case by a parser that says `verb` and `params`."""
    heard = Case.model_validate({**of.model_dump(), "verb": verb, "params": params or {}, "understood": True}).meant
    return Outcome(of, heard.model_copy(update={"confidence": sure, **given}), 1_000_000)


def item(name: str, *attributes: str, **given: Any) -> dict[str, Any]:
    return {"items": [{"name": name, "quantity": 2, "attributes": list(attributes), **given}]}


class TestCases:
    def test_are_many(self) -> None:
        """The smallest number at which a figure in percent says something, and all verbs in it."""
        assert len(CASES) >= 650
        assert {case.verb for case in CASES} == {"ORDER", "REORDER", "CANCEL", "BOOK", UNSUPPORTED}

    @pytest.mark.parametrize("name", evaluation.sets())
    def test_mean_something_in_the_verbs_own_form(self, name: str) -> None:
        """A meaning that the verb refuses, or whose missing fields are others, was written down wrong."""
        for each in evaluation.cases([name]):
            assert each.meant.verb == each.verb, each.text
            # The older cases name what is missing only where it matters.
            assert not each.missing or each.meant.missing_fields == each.missing, each.text

    def test_are_each_there_once(self) -> None:
        """Counted twice, a case would weigh double."""
        keys = [(case.text, case.now, str(case.current), case.requested, case.subscriptions, case.bundles) for case in CASES]
        assert len(keys) == len(set(keys))

    def test_are_all_right_when_what_they_mean_is_understood(self) -> None:
        """Comparing a meaning with itself finds nothing."""
        perfect = [Outcome(case, case.meant.model_copy(update={"remainder": case.remainder}), 1) for case in CASES]
        assert [each.case.text for each in perfect if not each.right or each.harm] == []


class TestReplies:
    def test_are_of_four_kinds_and_said_once(self) -> None:
        replies = yaml.safe_load(REPLIES.read_text(encoding="utf-8"))["cases"]
        texts = [reply["text"] for reply in replies]
        assert {reply["reply"] for reply in replies} == {"confirm", "modify", "cancel", "unsure"}
        assert len(texts) == len(set(texts))

    def test_are_no_set_of_requests(self) -> None:
        assert "replies" not in evaluation.sets()


class TestComparing:
    @pytest.mark.parametrize(
        ("meant", "said"),
        [
            (item("Sparkling Water", "12 pack"), item("12-pack sparkling water")),
            (item("20 oz gatorade"), item("gatorade", "20 oz")),
            (item("milk"), item("the Milk")),
            (item("kids’ socks"), item("kids' socks")),
            (item("rice"), item("ri\u200bce 🍚")),
        ],
    )
    def test_is_lenient_with_what_a_thing_is_called(self, meant: dict[str, Any], said: dict[str, Any]) -> None:
        """Brand and size may stand in the name or in the attributes."""
        assert outcome(case(params=meant), "ORDER", said).right

    @pytest.mark.parametrize(
        "said",
        [
            item("milk", quantity=3),
            item("oat milk"),
            item("milk", max_price_cents=500),
            MILK | {"budget_cents": 1},
            MILK | {"merchant": "X"},
        ],
    )
    def test_is_strict_with_everything_else(self, said: dict[str, Any]) -> None:
        assert not outcome(case(), "ORDER", said).right

    def test_looks_at_things_in_any_order(self) -> None:
        """And puts each beside the one that is called most like it."""
        two = [{"name": "milk", "quantity": 1}, {"name": "oat milk", "quantity": 2}]
        assert outcome(case(params={"items": two}), "ORDER", {"items": two[::-1]}).right
        wrong = outcome(case(params={"items": two}), "ORDER", {"items": [{"name": "oat milk", "quantity": 3}, two[0]]})
        assert [slot for slot in wrong.slots if not slot.right] == [Slot("quantity", 2, 3)]

    def test_takes_most_words_of_a_remainder_for_the_remainder(self) -> None:
        """It is only shown. That there is one, or none, has to be right."""
        left = case(remainder="book a table for two")
        assert outcome(left, "ORDER", MILK, remainder="Also, book a table for two!").right
        assert not outcome(left, "ORDER", MILK).right
        assert not outcome(case(), "ORDER", MILK, remainder="thanks").right


class TestHarm:
    def test_of_acting_unasked_is_the_worst(self) -> None:
        """Also where words that change nothing changed something."""
        stands = {"verb": "ORDER", "params": MILK}
        assert outcome(case(UNSUPPORTED, {}), "ORDER", MILK).harm == ACTED
        assert outcome(case(current=stands, understood=False, params={}), "ORDER", item("bread")).harm == ACTED
        assert outcome(case(current=stands, understood=False, params={}), "ORDER", MILK).harm is None

    @pytest.mark.parametrize(
        ("verb", "params", "harm"),
        [
            ("CANCEL", {"subscription": "milk"}, OTHER),
            ("ORDER", {"items": [*MILK["items"], {"name": "bread", "quantity": 1}]}, OTHER),
            ("ORDER", item("bread"), OTHER),
            ("ORDER", item("oat milk"), None),
            ("ORDER", item("milk", quantity=20), QUANTITY),
            ("ORDER", MILK | {"deliver_by": "2026-03-07"}, MOMENT),
            ("ORDER", {"items": []}, None),
            (UNSUPPORTED, {}, None),
        ],
    )
    def test_is_named(self, verb: str, params: dict[str, Any], harm: str | None) -> None:
        """What was not understood is asked for, and hurts nobody."""
        assert outcome(case(), verb, params).harm == harm

    def test_is_found_in_a_parser_that_always_acts(self) -> None:
        """A parser that does whatever it hears is caught at every text that asks for nothing."""
        found = evaluation.run(evaluation.cases(["unsupported"]), lambda text, context: Intent(verb="ORDER", confidence=1.0, params=MILK))
        assert len(found.harms(ACTED)) == len(found.outcomes)


class TestReport:
    def test_counts_by_verb_and_by_slot(self) -> None:
        report = Report((outcome(case(), "ORDER", MILK), outcome(case(), "ORDER", item("milk", quantity=3)), outcome(case(), UNSUPPORTED)))
        assert (report.verb_right, report.right) == (2 / 3, 1 / 3)
        assert report.precision_and_recall() == {"item": (1.0, 2 / 3, 3), "quantity": (0.5, 1 / 3, 3)}

    def test_knows_how_far_confidence_is_off(self) -> None:
        """Twice sure to 80 %, once wrong: 30 % too sure; and the wrong ones are at hand, harmful ones first."""
        wrong = outcome(case(), "CANCEL", {"subscription": "milk"}, sure=0.8)
        missed = outcome(case(), "ORDER", {"items": []}, sure=0.8)
        assert Report((missed, wrong)).calibration_error() == pytest.approx(0.3)
        assert Report((missed, wrong)).wrong == (wrong, missed)

    def test_counts_what_a_parser_could_not_read_as_wrong(self) -> None:
        """One answer that does not come is not the end; no answer at all is."""
        heard: list[str] = []

        def read(text: str, context: ParseContext) -> Intent:
            heard.append(text)
            if len(heard) > 1:
                raise ParserFailed("It did not answer.")
            return Intent.unsupported()

        (failed,) = evaluation.run([case(UNSUPPORTED, {})], read).outcomes
        assert (failed.error, failed.right, failed.harm) == ("It did not answer.", False, None)
        with pytest.raises(ParserFailed):
            evaluation.run([case()], read)


class TestEval:
    def test_tells_harmful_errors_first(self, halo: Halo) -> None:
        told = halo("eval", "reorder")
        assert told.code == 0
        parts = ["Harmful errors", ACTED, OTHER, QUANTITY, MOMENT, "verb right", "precision", "calibration error", "p95"]
        assert sorted(parts, key=told.out.index) == parts
        assert "Misunderstood" not in told.out

    def test_lists_what_was_misunderstood_when_asked(self, halo: Halo) -> None:
        assert "Misunderstood" in halo("eval", "reorder", "--failures").out
        said = halo("eval", "reorder", "known", "--failures", "--json").json
        assert said["sets"] == ["known", "reorder"]
        assert said["cases"] == sum(verb["cases"] for verb in said["verbs"].values()) == len(evaluation.cases(["reorder", "known"]))
        assert len(said["failures"]) == round((1 - said["intent_right"]) * said["cases"])
        assert {"harmful", "slots", "calibration_error", "latency_ms", "verbs", "parser"} <= set(said)

    def test_lists_the_sets_when_asked_for_another(self, halo: Halo) -> None:
        told = halo("eval", "poems")
        assert (told.code, told.out) == (2, "")
        assert [name for name in evaluation.sets() if name not in told.err] == []

    def test_asks_the_parser_that_is_named(self, halo: Halo) -> None:
        """One that has no address says so, before anything is read."""
        told = halo("eval", "order", "--parser", "openai")
        assert told.code == 2
        assert "HALO_OPENAI_BASE_URL" in told.err
