"""What is taken for a yes: nothing that could be anything else."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from halo_engine.model.reply import Reply, Tapback
from halo_engine.parsing import replies
from halo_engine.parsing.labels import REPLIES, VERBS
from halo_engine.parsing.replies import heard, tapped
from halo_engine.parsing.tagger import Scores, shipped

CASES = yaml.safe_load((Path(__file__).parents[3] / "fixtures" / "utterances" / "replies.yaml").read_text(encoding="utf-8"))["cases"]
_ABOUT = ("ORDER", "REORDER", "CANCEL", "BOOK")

#: No unconditional yes to any card, by what is wrong with it.
NO_YES = [
    # a question
    "ok?", "y/n", "would yes be enough", "yes؟", "yes⁇", "yes⁉", "yes‽", "yes❓", "yes ❔", "yes﹖", "yes︖", "yes⸮", "yes՞", "yes⍰",
    # a sign that is not friendly, or not known to be
    "yes 👎", "yes 🤔", "yes 🙅", "yes ✋", "yes 🤚", "yes ⛔", "yes ⏸", "yes ⏳", "yes 🤷", "yes 😡", "yes 🙃", "yes 💀", "yes 🕖",
    "yes 🥚🥚", "yes :(", "yes ;)", "yes 🙂\u200d↔️", "👍 but", "y̶e̶s̶", "yes\u200b", "yes\x1b]no\x07",
    # a number
    "yes, 3", "yes ②", "yes ×②", "yes ➋", "yes Ⅱ", "yes x2", "yes two",
    # a condition, a doubt, a delay
    "yes if it's under 20", "yes pending sam", "yes in case", "yes subject to approval", "yes with reservations", "yes tbd", "yes-ish",
    "in principle yes", "yes i wish", "maybe yes", "yes tomorrow", "yesterday",
    "yes...", "yes . . .", "yes,", "yes it's", "looks about right", "i think that's right",
    # a no
    "not yes", "yes no", "yes and no", "don't say yes", "yes do nt", "yes nо", "yeah right", "that's all right", "it's fine", "all good",
    # somebody else's yes, one that is still to come, one that is quoted
    "I said yes to Sam", "let sam confirm", "i will confirm", "going to confirm", "waiting to confirm", "need to confirm", "can you confirm",
    "click confirm", "press confirm to continue", "please confirm", "please approve", "> yes", '"yes"', "the answer is yes", "Liked “yes”",
    # a change
    "yes but make it two", "yes decaf", "yes return it", "yes ship it to work", "go ahead sans eggs", "yes to one of them", "confirm his",
    "order it for sam", "book it for all of us",
    # no more than thanks, praise, or that it was read
    "thanks", "thank you.", "please", "great", "excellent.", "ok thanks", "ok, cool", "you got it", "well got it", "take it in hand",
    "yes I see", "yes I heard you", "thanks 👍", "sure it is", "y not", "", " ", "?", "!", ".", "yes" + " please" * 40,
]  # fmt: skip


def _plant(monkeypatch: pytest.MonkeyPatch, chances: dict[str, float]) -> None:
    """A model that holds every text to be these replies."""
    planted = Scores(dict.fromkeys(VERBS, 0.0) | {"UNSUPPORTED": 1.0}, dict.fromkeys(REPLIES, 0.0) | chances, ())
    monkeypatch.setattr(type(shipped()), "read", lambda *_, **__: planted)


@pytest.fixture
def yes_to_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted model that is sure of a yes, whatever it reads."""
    _plant(monkeypatch, {"confirm": 1.0})


class TestAYes:
    def test_is_never_taken_from_anything_else(self) -> None:
        """The budget of false confirms is zero: of every reply that is no yes, to every kind of card."""
        others = [(case["text"], about) for case in CASES if case["reply"] != "confirm" for about in _ABOUT]
        taken = [each for each in others if heard(each[0], about=each[1]) is Reply.CONFIRM]
        assert taken == []

    def test_is_heard_nearly_always(self) -> None:
        """A yes that is not heard is only asked again, but it must not be often."""
        asked = [(case["text"], about) for case in CASES if case["reply"] == "confirm" for about in ("ORDER", "BOOK")]
        missed = [each for each in asked if heard(each[0], about=each[1]) is not Reply.CONFIRM]
        assert len(missed) <= len(asked) // 10, missed

    @pytest.mark.parametrize("text", NO_YES)
    @pytest.mark.parametrize("about", _ABOUT)
    def test_with_anything_beside_it_is_none(self, text: str, about: str) -> None:
        """Whatever it is: the rule knows what a yes is made of, not what may spoil it."""
        assert heard(text, about=about) is not Reply.CONFIRM

    @pytest.mark.parametrize("text", NO_YES)
    def test_with_anything_beside_it_is_none_to_a_model_that_says_yes_to_everything(self, text: str, yes_to_everything: None) -> None:
        """A planted bug: the words alone have to stop each of them."""
        assert {heard(text, about=about) for about in _ABOUT} == {Reply.UNSURE}

    @pytest.mark.parametrize(
        "text",
        [
            "Yesss!!", "yeees", "okayyy", "yes.", "yes,please", "YES, THANK YOU SO MUCH!", "sure. that’s right.", "yeah, that looks right to me.",
            "thanks, go ahead", "ok, confirm it", "yes 🙏😊", "yes 👍🏽", "👌 perfect", "yes :)", "go ahead and do it", "that's a yes from me",
        ],
    )  # fmt: skip
    def test_may_be_warm_loud_or_long(self, text: str, yes_to_everything: None) -> None:
        """Thanks, praise, held letters and friendly signs take nothing from it, where the model agrees."""
        assert {heard(text, about=about) for about in _ABOUT} == {Reply.CONFIRM}

    @pytest.mark.parametrize(
        ("text", "spends", "cancels"),
        [
            ("order it", True, False), ("yes, place the order", True, False), ("go ahead and book it", True, False),
            ("the order is correct", True, False),
            ("yes, cancel it", False, True), ("go ahead and cancel it", False, True), ("cancel it", False, False), ("yes", True, True),
        ],
    )  # fmt: skip
    def test_to_do_something_is_one_to_a_card_that_does_it(self, text: str, spends: bool, cancels: bool, yes_to_everything: None) -> None:
        """To order what a card would cancel undoes it, and the other way round."""
        assert (heard(text, about="ORDER") is Reply.CONFIRM, heard(text, about="CANCEL") is Reply.CONFIRM) == (spends, cancels)

    @pytest.mark.parametrize(
        ("text", "reply"),
        [
            ("👍", "confirm"), ("👍🏽", "confirm"), ("✅", "confirm"), ("👍🙏", "confirm"), ("❌", "cancel"), ("🤔", "unsure"), ("🙏", "unsure"),
            ("👍👎", "unsure"), ("🤷", "unsure"), ("👍×", "unsure"), ("🙂", "unsure"),
        ],
    )  # fmt: skip
    def test_may_be_a_sign(self, text: str, reply: str) -> None:
        """The model knows no emoji; these speak for themselves."""
        assert heard(text, about="BOOK") == reply

    def test_needs_the_rule_as_well_as_the_model(self, yes_to_everything: None) -> None:
        """A planted model that says yes to everything confirms nothing of what is no yes."""
        others = [(case["text"], about) for case in CASES if case["reply"] != "confirm" for about in _ABOUT]
        assert others
        assert {heard(text, about=about) for text, about in others} <= {Reply.UNSURE, Reply.CANCEL}

    def test_needs_the_model_as_well_as_the_rule(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With a rule that lets everything through, the model alone still hears no yes in a question, a change or a no."""
        monkeypatch.setattr(replies, "_is_plain", lambda *_: True)
        others = ["what is the weather like today", "yes but make it two", "no", "maybe", "how much is it?"]
        assert [text for text in others if heard(text, about="ORDER") is Reply.CONFIRM] == []

    @pytest.mark.parametrize("against", ["modify", "cancel", "unsure", "none"])
    def test_is_none_where_the_model_holds_it_to_be_something_else(self, against: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The words alone spend nothing."""
        _plant(monkeypatch, {against: 0.6, "confirm": 0.4})
        assert heard("yes", about="ORDER") is not Reply.CONFIRM

    def test_is_none_where_the_model_is_of_many_minds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The likeliest is not enough: it has to be likelier than all the others together."""
        _plant(monkeypatch, {"confirm": 0.4, "unsure": 0.3, "modify": 0.3})
        assert heard("yes", about="ORDER") is Reply.UNSURE


class TestATapback:
    @pytest.mark.parametrize(
        ("tapback", "reply"),
        [("like", "confirm"), ("dislike", "cancel"), ("question", "unsure"), ("love", "none"), ("laugh", "none"), ("emphasize", "none")],
    )
    def test_says_what_its_sign_says(self, tapback: str, reply: str) -> None:
        """A thumb is an answer; a heart or a laugh is a feeling about it."""
        assert tapped(Tapback(tapback), removed=False) == reply

    def test_that_was_taken_back_says_nothing(self) -> None:
        """Of none of them."""
        assert {tapped(tapback, removed=True) for tapback in Tapback} == {Reply.NONE}
