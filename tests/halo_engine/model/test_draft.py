"""Terms and the draft over them: what a hash covers, what a difference shows, what a confirmation allows."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from halo_engine.model import draft as draft_model
from halo_engine.model.canonical import canonical_json
from halo_engine.model.difference import difference
from halo_engine.model.draft import Change, Charge, Draft, DraftStatus, Fact, Line, Terms, is_covered_by, iso_utc
from halo_engine.model.money import Money
from tests.halo_engine.model.samples import NOON, UNTIL, draft, terms, usd

T = terms()
EUROS = Money(cents=250, currency="EUR")
SOAP, TAX = T.lines[1], T.charges[1]


def with_line(position: int = 1, **given: Any) -> tuple[Line, ...]:
    """The lines with one of them changed."""
    return tuple(line.model_copy(update=given) if n == position else line for n, line in enumerate(T.lines))


#: For each field, other content; each tuple is a way to change it.
OTHERWISE: dict[str, tuple[Any, ...]] = {
    "purpose": ("halo/other/v1",),
    "household_id": ("hsh_other",),
    "draft_id": ("dft_other",),
    "revision": (2,),
    "verb": ("REORDER",),
    "title": ("A free sample",),
    "summary": ("Nothing is charged.",),
    "vendor": ("resy",),
    "payee": ("Amazon Marketplace",),
    "lines": (
        with_line(title="Dish soup"),
        with_line(quantity=3),
        with_line(unit_price=usd(550)),
        with_line(unit_price=Money(cents=549, currency="EUR")),
        with_line(reference="B0"),
        T.lines[:1],
        (*T.lines, SOAP),
        T.lines[::-1],
    ),
    "charges": (
        (T.charges[0],),
        (T.charges[0], Charge(label="tip", amount=TAX.amount)),
        (T.charges[0], Charge(label="tax", amount=usd(296))),
    ),
    "total": (usd(3690), Money(cents=3691, currency="EUR")),
    "maximum": (usd(3692),),
    "payment_method": (None, "Visa •••• 1111"),
    "fulfilment": ((), (Fact(label="delivery", text="Monday"), T.fulfilment[1]), (Fact(label="pickup", text="Sunday"), T.fulfilment[1])),
    "policies": ((), ("No returns.",), (*T.policies, "No returns.")),
    "warnings": ((), ("It cannot be undone.",)),
    "irreversible": (True,),
    "instruction": ({}, {**T.instruction, "ship_to": "work"}, {"lines": [{"asin": "B079VP6DH5", "quantity": 2}], "ship_to": "home"}),
    "expires_at": (UNTIL + timedelta(seconds=1),),
    "nonce": ("01" * 16,),
}
CHANGES = [pytest.param(name, value, id=f"{name}-{n}") for name, ways in OTHERWISE.items() for n, value in enumerate(ways)]
BOOKKEEPING = {"draft_id", "revision", "expires_at", "nonce"}
#: The same for both versions, or said by the others in words.
HEADLINE = {"title", "summary"}
NOT_SPOKEN = {*BOOKKEEPING, *HEADLINE, "purpose", "household_id", "instruction"}


def changed(name: str, value: Any) -> Terms:
    """`T` with one field otherwise. Unchecked: the hash and the comparison may not rely on what the validator forbids."""
    return T.model_copy(update={name: value})


class TestTerms:
    def test_have_each_field_tried_below(self) -> None:
        """A new field has to say here how it can change."""
        assert set(OTHERWISE) == set(Terms.model_fields)

    @pytest.mark.parametrize(("name", "value"), CHANGES)
    def test_have_another_hash_when_anything_changes(self, name: str, value: Any) -> None:
        """Every field is under the hash, down to one cent and one second, also in a copy of terms whose hash was taken before."""
        assert T.hash != changed(name, value).hash

    def test_have_the_same_hash_whenever_they_are_read(self) -> None:
        """Through JSON, in another zone, with keys in another order."""
        again = Terms.model_validate_json(T.model_dump_json())
        elsewhere = changed("expires_at", UNTIL.astimezone(timezone(timedelta(hours=9))))
        shuffled = changed("instruction", dict(reversed(T.instruction.items())))
        assert {again.hash, elsewhere.hash, shuffled.hash} == {T.hash}

    @pytest.mark.parametrize(
        "given",
        [
            {"total": usd(3690)},
            {"lines": with_line(quantity=1)},
            {"charges": ()},
            {"maximum": usd(3690)},
            {"charges": (Charge(label="discount", amount=usd(-3397)),), "total": usd(-1), "maximum": usd(0)},
            {"lines": with_line(unit_price=Money(cents=549, currency="EUR"))},
            {"maximum": Money(cents=3691, currency="EUR")},
            {"revision": 0},
            {"expires_at": datetime(2026, 3, 3, 17)},  # noqa: DTZ001 - a naive time is what is refused
            {"purpose": "halo/other/v1"},
            {"surprise": 1},
        ],
    )
    def test_must_add_up(self, given: dict[str, Any]) -> None:
        """Lines and charges are the total, which lies between zero and the maximum, all in one currency; nothing undeclared comes along."""
        with pytest.raises(ValidationError):
            terms(**given)

    def test_have_the_hash_they_always_had(self) -> None:
        """Written down once: a yes of years ago is proved by it."""
        assert T.hash == "22bbb5a794e40a02546e235e907d23af2a0183109ebcacfc6f87b9fd23a73ddc"

    def test_are_material_as_json_reads_them(self) -> None:
        """Whoever is given them as JSON hashes the same object."""
        assert T.material() == json.loads(canonical_json(T.material()))
        assert (T.material()["purpose"], T.material()["expires_at"]) == ("halo/confirm/v1", "2026-03-03T17:30:00Z")

    def test_may_be_in_another_currency_and_cost_nothing(self) -> None:
        """All of them in the same one; and nothing is an amount, too."""
        line = Line(title="Coffee", quantity=2, unit_price=EUROS)
        assert terms(lines=(line,), charges=(), total=EUROS * 2, maximum=EUROS * 2).total == EUROS * 2
        assert terms(lines=(), charges=(), total=EUROS * 0, maximum=EUROS).total.cents == 0

    def test_leave_out_what_a_verb_does_not_need(self) -> None:
        """A cancellation has no lines, no vendor's reference and nothing more to ask."""
        given = T.model_dump(exclude={"lines", "charges", "payment_method", "fulfilment", "policies", "warnings", "instruction"})
        bare = Terms.model_validate(given | {"total": usd(0)})
        assert (bare.lines, bare.instruction, Line(title="Soap", quantity=999, unit_price=usd(1)).reference) == ((), {}, "")

    def test_may_have_a_maximum_above_the_total(self) -> None:
        """A price range is confirmed by its top."""
        assert terms(maximum=usd(4000)).maximum == usd(4000)

    @pytest.mark.parametrize("quantity", [0, -1, 1000])
    def test_have_a_sane_number_of_each(self, quantity: int) -> None:
        """One to 999."""
        with pytest.raises(ValidationError):
            Line(title="Soap", quantity=quantity, unit_price=usd(1))


class TestDifference:
    @pytest.mark.parametrize(("name", "value"), [way for way in CHANGES if way.values[0] not in NOT_SPOKEN])
    def test_shows_every_material_change(self, name: str, value: Any) -> None:
        """What a person confirmed and what stands now never look the same."""
        assert difference(T, changed(name, value))

    @pytest.mark.parametrize("name", sorted(BOOKKEEPING))
    def test_says_nothing_of_bookkeeping(self, name: str) -> None:
        """Two versions always differ in these."""
        assert difference(T, changed(name, OTHERWISE[name][0])) == ()

    def test_says_what_was_and_what_is(self) -> None:
        """In the words of the card."""
        assert Change(field="total", before="$1.00", after="$2.00").words == ""
        (total,) = difference(T, changed("total", usd(3700)))
        assert (total.field, total.before, total.after) == ("total", "$36.91", "$37.00")

    def test_marks_what_came_and_what_went(self) -> None:
        """With a dash where there was nothing."""
        (went,) = difference(T, changed("policies", ()))
        (came,) = difference(changed("policies", ()), T)
        assert (went.after, came.before) == ("–", "–")

    def test_hides_no_term_behind_another_of_the_same_name(self) -> None:
        """Two charges called the same, or a fact called "total", are each shown."""
        before = changed("charges", (Charge(label="fee", amount=usd(1)), Charge(label="fee", amount=usd(2))))
        after = changed("charges", (Charge(label="fee", amount=usd(9)), Charge(label="fee", amount=usd(2))))
        assert [change.after for change in difference(before, after)] == ["$0.09"]
        named_total = changed("fulfilment", (Fact(label="total", text="$36.91"),))
        assert difference(named_total, named_total.model_copy(update={"total": usd(9999)}))


class TestIsCoveredBy:
    @pytest.mark.parametrize(
        ("name", "value"), [way for way in CHANGES if way.values[0] not in {*BOOKKEEPING, *HEADLINE, "total", "maximum"}]
    )
    def test_refuses_anything_that_differs(self, name: str, value: Any) -> None:
        """Another payee, fulfilment, policy, warning or instruction was not confirmed, not even for less money."""
        assert not is_covered_by(changed(name, value), T)

    @pytest.mark.parametrize("name", sorted(BOOKKEEPING))
    def test_does_not_look_at_bookkeeping(self, name: str) -> None:
        """A fresh quote has its own."""
        assert is_covered_by(changed(name, OTHERWISE[name][0]), T)

    @pytest.mark.parametrize("name", ["maximum", *sorted(HEADLINE)])
    def test_does_not_look_at_what_follows_from_the_others(self, name: str) -> None:
        """A headline tells the terms once more, and what may be charged at the most is what was confirmed."""
        assert is_covered_by(changed(name, OTHERWISE[name][0]), T)

    @pytest.mark.parametrize("by", [-1, -100])
    def test_takes_what_became_cheaper(self, by: int) -> None:
        """Line, charge or total."""
        assert is_covered_by(changed("total", usd(3691 + by)), T)
        assert is_covered_by(changed("lines", with_line(unit_price=usd(549 + by))), T)
        assert is_covered_by(changed("charges", (T.charges[0], Charge(label="tax", amount=usd(295 + by)))), T)

    def test_refuses_one_cent_more_anywhere(self) -> None:
        """Also where the total stays below what was confirmed."""
        assert not is_covered_by(changed("total", usd(3692)), T)
        dearer = terms(lines=with_line(unit_price=usd(550)), charges=(T.charges[0],), total=usd(3398), maximum=usd(3398))
        confirmed = terms(charges=(T.charges[0],), total=usd(3396), maximum=usd(9999))
        assert not is_covered_by(dearer, confirmed)
        shifted = (Charge(label="shipping", amount=usd(1)), Charge(label="tax", amount=usd(294)))
        assert not is_covered_by(changed("charges", shifted), T)

    def test_refuses_the_same_number_in_another_currency(self) -> None:
        """Less of something else is not less."""
        assert not is_covered_by(changed("total", Money(cents=1, currency="EUR")), T)

    def test_that_forgot_the_amounts_would_be_found_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The planted bug: with no amount compared, one cent more is covered, which the tests above refuse."""
        monkeypatch.setattr(draft_model, "_amounts", lambda _terms: ())
        assert is_covered_by(changed("total", usd(3692)), T)


class TestDraft:
    def test_has_a_status_that_is_written_as_it_always_was(self) -> None:
        """In the log, in the books and on the wire."""
        assert [status.value for status in DraftStatus] == ["open", "confirmed", "cancelled", "expired"]

    @pytest.mark.parametrize(
        ("moved", "status"),
        [(timedelta(seconds=-1), DraftStatus.OPEN), (timedelta(0), DraftStatus.EXPIRED), (timedelta(days=9), DraftStatus.EXPIRED)],
    )
    def test_expires_on_the_second(self, moved: timedelta, status: DraftStatus) -> None:
        """At `expires_at` it is over."""
        assert draft().as_of(UNTIL + moved).status is status

    @pytest.mark.parametrize("status", [DraftStatus.CONFIRMED, DraftStatus.CANCELLED])
    def test_that_is_closed_does_not_expire(self, status: DraftStatus) -> None:
        """What became of it stands."""
        assert draft(status=status).as_of(UNTIL + timedelta(days=1)).status is status

    def test_speaks_the_contract_of_the_specification(self) -> None:
        """The seven fields it names, with the ids, the hash and the terms; amounts are integers, times are written one way."""
        contract = draft().contract()
        assert named_by_specification() <= set(contract)
        assert set(contract) - named_by_specification() == {
            *("id", "status", "verb", "revision", "draft_hash", "maximum_cents", "currency", "created_at", "expires_at"),
            *("terms", "payload", "revises", "changes", "remainder"),
        }
        assert (contract["estimated_cost_cents"], contract["expires_at"]) == (3691, "2026-03-03T17:30:00Z")

    @pytest.mark.parametrize(("status", "actions"), [(DraftStatus.OPEN, ["confirm", "modify", "cancel"]), (DraftStatus.CANCELLED, [])])
    def test_offers_actions_while_it_is_open(self, status: DraftStatus, actions: list[str]) -> None:
        """A closed draft has no buttons."""
        assert draft(status=status).contract()["actions"] == actions

    def test_takes_its_headline_and_its_hash_from_its_terms(self) -> None:
        """What a person reads first is covered by what is confirmed."""
        found = draft()
        assert (found.title, found.draft_hash) == (f"Draft: {T.title}", T.hash)
        assert (found.summary, found.verb, found.vendor, found.revision, found.expires_at) == (T.summary, "ORDER", "amazon", 1, UNTIL)
        assert Draft.model_validate_json(draft().model_dump_json()).draft_hash == T.hash


class TestIsoUtc:
    def test_writes_one_form_for_one_moment(self) -> None:
        """Whatever zone it is handed."""
        assert iso_utc(NOON) == iso_utc(NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))) == "2026-03-03T17:00:00Z"


#: The draft contract of the specification: title, summary, vendor, cost, payment method, warnings, actions.
def named_by_specification() -> set[str]:
    return {"title", "summary", "vendor", "estimated_cost_cents", "payment_method_masked", "warnings", "actions"}
