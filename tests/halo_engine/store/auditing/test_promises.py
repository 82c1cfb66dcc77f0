"""The audit: every kind of tampering is found and named, and so is every broken promise in a log whose chain holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from halo_engine.model.event import Event
from halo_engine.model.household import Role
from halo_engine.model.ids import Prefix
from halo_engine.model.money import Money
from halo_engine.model.rules import DEFAULT_RULES, ConfirmRules
from halo_engine.store.auditing.entries import Entry
from halo_engine.store.auditing.promises import Promises
from tests.halo_engine.model.samples import NOON, UNTIL, an_id, event
from tests.halo_engine.store.auditing.checks import broken_links, broken_promises
from tests.halo_engine.store.forged import (
    AFFORDED,
    ALEX,
    ALLOWED,
    DRAFT,
    EXECUTION,
    HASH,
    NOT_ALONE,
    SAM,
    TWO,
    approved,
    attempted,
    cancelled,
    chained,
    confirmed,
    confirmed_of_old,
    created,
    done,
    founded,
    honest,
    made,
    receipt,
    revised,
    ruled,
    went,
)

Log = tuple[Event, ...]
DEVICE = an_id(Prefix.DEVICE)
LOG = honest()


def problem(*events: Event) -> list[str]:
    """What is wrong with a log whose chain holds."""
    log = chained(events)
    assert not list(broken_links(log))
    return list(broken_promises(log))


OTHER = "ef" * 32
REFUSED: dict[str, Any] = {**ALLOWED, "allowed": False}
EVERY: list[dict[str, Any]] = confirmed().payload["verdicts"]
EXPIRED = f"draft {DRAFT} was confirmed with terms that had expired or were never shown"
NOT_STANDING = f"draft {DRAFT} was confirmed with terms that did not stand any more"
AGAINST_POLICY = f"draft {DRAFT} was confirmed against a policy"
UNCONFIRMED = f"execution {EXECUTION} was never confirmed"
NOT_CONFIRMED_HASH = f"execution {EXECUTION} does not carry out what was confirmed"
DEARER = f"execution {EXECUTION} was charged more than confirmed"
WENT_ON = f"execution {EXECUTION} went on after its end"


class TestBrokenPromises:
    def test_find_nothing_in_an_honest_log(self) -> None:
        """With a revision, a lookup after the end and a charge of exactly the maximum."""
        assert list(broken_promises(LOG)) == []

    @pytest.mark.parametrize(
        ("log", "at", "expected"),
        [
            pytest.param([created(), done(), receipt()], 2, UNCONFIRMED, id="I3 nobody confirmed"),
            pytest.param([created(), went("submitting"), confirmed()], 2, UNCONFIRMED, id="I3 confirmed afterwards"),
            pytest.param([created(), confirmed(execution_id="exe_x"), done(), receipt()], 3, UNCONFIRMED, id="I3 confirmed for another"),
            pytest.param([created(), confirmed(), done(draft_hash=OTHER), receipt()], 3, NOT_CONFIRMED_HASH, id="I3 other terms were sent"),
            pytest.param([created(), confirmed(user_id=None)], 2, f"draft {DRAFT} was confirmed by nobody", id="I3 by nobody"),
            pytest.param([created(), confirmed(verdicts=[ALLOWED, REFUSED])], 2, AGAINST_POLICY, id="policy said no"),
            pytest.param([created(), confirmed(verdicts=[])], 2, AGAINST_POLICY, id="no policy was asked"),
            pytest.param([created(), confirmed(verdicts=[ALLOWED])], 2, AGAINST_POLICY, id="a policy was left out"),
            pytest.param([created(), confirmed(at=UNTIL)], 2, EXPIRED, id="expired to the second"),
            pytest.param([created(), confirmed(at=NOON + timedelta(days=1))], 2, EXPIRED, id="expired long ago"),
            pytest.param([created(), confirmed(draft_hash=OTHER)], 2, EXPIRED, id="never shown"),
            pytest.param([confirmed()], 1, EXPIRED, id="no draft at all"),
            pytest.param([created(), revised(draft_hash=OTHER), confirmed()], 3, NOT_STANDING, id="superseded"),
            pytest.param([created(), cancelled(), confirmed()], 3, NOT_STANDING, id="cancelled"),
            pytest.param([created(), confirmed(entity_id="dft_x")], 2, NOT_STANDING.replace(DRAFT, "dft_x"), id="another draft's terms"),
            pytest.param(
                [created(), confirmed(), confirmed(execution_id="exe_x")], 3, f"draft {DRAFT} was confirmed before", id="I1 confirmed twice"
            ),
            pytest.param([created(), confirmed(), done(charged_cents=3692), receipt()], 3, DEARER, id="I4 one cent more"),
            pytest.param([created(), confirmed(), went("partial", charged_cents=9999), receipt()], 3, DEARER, id="I4 in part"),
            pytest.param(
                [created(), confirmed(), done(currency="EUR"), receipt()],
                3,
                f"execution {EXECUTION} was charged in another currency than confirmed",
                id="I4 other currency",
            ),
            pytest.param([created(), confirmed(), done(), done(), receipt()], 4, WENT_ON, id="I5 done twice"),
            pytest.param([created(), confirmed(), went("failed"), went("submitting")], 4, WENT_ON, id="I5 after failing"),
            pytest.param(
                [created(), confirmed(verdicts=[*EVERY, {**REFUSED, "policy": "mood"}])], 2, AGAINST_POLICY, id="one more said no"
            ),
            pytest.param([created(), confirmed(verdicts=[*EVERY, ALLOWED])], 2, AGAINST_POLICY, id="a policy was counted twice"),
            pytest.param([created(), confirmed(maximum_cents="lots")], 2, "its payload is not what its type tells", id="junk"),
            pytest.param([created(), confirmed(verdicts=7)], 2, "its payload is not what its type tells", id="junk for a list"),
            pytest.param([created(), confirmed(verdicts=["yes"])], 2, "its payload is not what its type tells", id="junk in a list"),
        ],
    )
    def test_name_the_event_that_breaks_one(self, log: list[Event], at: int, expected: str) -> None:
        """Each promise broken in a log that is sealed correctly from end to end."""
        assert problem(*log) == [f"event {at} ({chained(log)[at - 1].id}): {expected}"]

    def test_take_an_event_of_an_execution_by_any_name_for_a_move(self) -> None:
        """A status that nobody knows would be a way around them."""
        assert problem(created(), went("teleported"))[0].endswith(UNCONFIRMED)

    def test_name_an_effect_that_was_never_sent(self) -> None:
        """It cannot have come straight from the yes."""
        log = [created(), confirmed(), done(came_from="confirmed"), receipt()]
        assert problem(*log) == [f"event 3 ({chained(log)[2].id}): execution {EXECUTION} has an effect and was never sent"]

    def test_name_a_settling_of_nothing_and_by_nobody(self) -> None:
        """A person says how it ended, once, where nobody else could."""
        gave_up, by_alex = went("needs_attention"), event(event_type="execution.settled", entity_id=EXECUTION, user_id=ALEX, payload={})
        by_nobody = by_alex.model_copy(update={"user_id": None})
        assert problem(created(), confirmed(), gave_up, by_alex) == []
        (nobody,) = problem(created(), confirmed(), gave_up, by_nobody)
        assert nobody.endswith(f"execution {EXECUTION} was settled by nobody")
        for log in ([created(), confirmed(), by_alex], [created(), confirmed(), gave_up, by_alex, by_alex]):
            (nothing,) = problem(*log)
            assert nothing.endswith(f"execution {EXECUTION} was settled, and there was nothing to settle")

    @pytest.mark.parametrize(("end", "holds"), [("done", True), ("partial", True), ("failed", False), ("needs_attention", False)])
    def test_name_an_answer_that_came_after_it_was_given_up(self, end: str, holds: bool) -> None:
        """The vendor did it, and nobody here says so; after an effect it is one more word of the same, and before any end no news."""
        late = event(event_type="execution.answer_came_late", entity_type="execution", entity_id=EXECUTION, payload={"outcome": "done"})
        receipts = [receipt()] if holds else []
        words = f"execution {EXECUTION} was done by the vendor after it had been given up: look there"
        found = problem(created(), confirmed(), went(end), *receipts, late)
        assert [each.partition("): ")[2] for each in found] == ([] if holds else [words])
        assert problem(created(), confirmed(), went("unknown"), late) == []

    @pytest.mark.parametrize("end", ["done", "partial"])
    def test_name_an_effect_without_its_receipt(self, end: str) -> None:
        """I2: also where the receipt belongs to another execution."""
        stray = receipt().model_copy(update={"payload": {"execution_id": "exe_x"}})
        assert problem(created(), confirmed(), went(end), stray) == [
            f"event 3 ({chained([created(), confirmed(), went(end)])[2].id}): execution {EXECUTION} has an effect and no receipt"
        ]

    @pytest.mark.parametrize("end", ["failed", "terms_changed", "handed_off", "needs_attention"])
    def test_know_every_end(self, end: str) -> None:
        """I5: each of them is left by nothing but an attempt's note."""
        assert problem(created(), confirmed(), went(end), attempted()) == []
        assert problem(created(), confirmed(), went(end), went("confirmed"))[0].endswith(WENT_ON)

    @pytest.mark.parametrize(
        "harmless",
        [
            lambda: done(charged_cents=1),
            lambda: done(charged_cents=None, currency=None),
            lambda: done(charged_cents=0),
        ],
    )
    def test_allow_less_than_was_confirmed(self, harmless: Callable[[], Event]) -> None:
        """Cheaper, or for nothing."""
        assert problem(created(), confirmed(), harmless(), receipt()) == []

    def test_are_broken_by_nothing_that_no_execution_does(self) -> None:
        """Words that were read, or an attempt's note, before anybody said yes."""
        assert problem(event(event_type="request.parsed", entity_type="request", payload={}), created(), attempted()) == []

    def test_are_kept_in_mind_no_longer_than_somebody_can_ask(self) -> None:
        """Years of them would not fit into memory."""
        promises = Promises()
        whole = [enrolled(), ruled(TWO_PEOPLE), created(), signed(approved(), device_id="dev_x"), confirmed(**BOTH), done(draft_id=DRAFT)]
        for each in chained(whole):
            promises.check(Entry.of(each), each.payload)
        about_drafts = ("_standing", "_asked", "_verbs", "_expires_at", "_approved", "_signed")
        assert {name: getattr(promises, name) for name in about_drafts} == {name: {} for name in about_drafts}

    def test_are_about_the_confirmed_hash(self) -> None:
        """The constant the logs above are built on is the one that was shown."""
        assert created().payload["draft_hash"] == confirmed().payload["draft_hash"] == HASH


TWO_PEOPLE = DEFAULT_RULES.with_two_people_above(Money(cents=3690))
NOT_ASKED = DEFAULT_RULES.with_asker_alone_up_to(Money(cents=3690))
BOTH: dict[str, Any] = {"people_needed": 2, "approved_by": [ALEX, SAM]}
TOO_FEW = f"draft {DRAFT} was confirmed by fewer people than were needed"
UNSAID = f"draft {DRAFT} was confirmed with a yes that nobody gave"
MAY_NOT = f"draft {DRAFT} was confirmed by {SAM}, who may not"
ASKERS_ONLY = f"draft {DRAFT} was confirmed by nobody but who had asked for it"


def told(*events: Event) -> list[str]:
    """The problems without the events they are at."""
    return [words.partition("): ")[2] for words in problem(*events)]


class TestTwoPeople:
    def test_are_two_who_said_yes_to_that_very_hash(self) -> None:
        """The first one is on record before, the second one confirms."""
        assert told(ruled(TWO_PEOPLE), created(), approved(), confirmed(**BOTH)) == []

    @pytest.mark.parametrize(
        ("log", "expected"),
        [
            pytest.param([created(), confirmed(people_needed=2)], [TOO_FEW], id="by its own word two were needed"),
            pytest.param([ruled(TWO_PEOPLE), created(), confirmed()], [TOO_FEW], id="by the rules two were needed"),
            pytest.param([ruled(TWO_PEOPLE), created(), confirmed(currency="EUR")], [TOO_FEW], id="also in another currency"),
            pytest.param([ruled(TWO_PEOPLE), created(), confirmed(**BOTH)], [TOO_FEW, UNSAID], id="the other is not on record"),
            pytest.param(
                [ruled(TWO_PEOPLE), created(), approved(user_id=ALEX), confirmed(**BOTH)], [TOO_FEW, UNSAID], id="one person twice"
            ),
            pytest.param(
                [ruled(TWO_PEOPLE), created(), approved(), confirmed(people_needed=2, approved_by=[SAM])],
                [TOO_FEW, UNSAID],
                id="who confirmed was not counted",
            ),
            pytest.param(
                [ruled(TWO_PEOPLE), created(), approved(), revised(draft_hash=OTHER), confirmed(draft_hash=OTHER, **BOTH)],
                [TOO_FEW, UNSAID],
                id="the other said it to an earlier revision",
            ),
            pytest.param(
                [ruled(TWO_PEOPLE), created(), confirmed(**BOTH), approved()], [TOO_FEW, UNSAID], id="the other said it afterwards"
            ),
            pytest.param([created(), confirmed(approved_by=[ALEX, SAM])], [UNSAID], id="a yes too many"),
        ],
    )
    def test_are_missed_where_there_are_not(self, log: list[Event], expected: list[str]) -> None:
        """However the log was sealed."""
        assert told(*log) == expected

    def test_are_wanted_only_while_the_rules_say_so(self) -> None:
        """A rule counts from when it was made until it is changed."""
        assert told(ruled(TWO_PEOPLE), ruled(DEFAULT_RULES), created(), confirmed()) == []
        assert told(created(), confirmed(), ruled(TWO_PEOPLE)) == []

    @pytest.mark.parametrize(
        ("log", "expected"),
        [
            pytest.param([approved()], "had expired or were never shown", id="never shown"),
            pytest.param([created(), approved(at=UNTIL)], "had expired or were never shown", id="expired"),
            pytest.param([created(), revised(draft_hash=OTHER), approved()], "did not stand any more", id="superseded"),
        ],
    )
    def test_say_yes_to_terms_that_stand(self, log: list[Event], expected: str) -> None:
        """A yes that is kept is held to the same as the one that confirms."""
        assert told(*log)[0] == f"draft {DRAFT} was approved with terms that {expected}"

    def test_would_be_missed_if_nobody_counted_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The planted bug: the tests above can fail."""
        monkeypatch.setattr(Promises, "_check_people", lambda *_: ())
        assert told(ruled(TWO_PEOPLE), created(), confirmed(people_needed=2)) == []


class TestWhoAsked:
    def test_is_not_enough_where_somebody_else_is_wanted(self) -> None:
        """By what the confirmation says itself, and by who the log says had asked or changed it."""
        assert told(ruled(NOT_ASKED), created(), confirmed()) == [ASKERS_ONLY]
        assert told(ruled(NOT_ASKED), created(), confirmed(asked_by=[])) == [ASKERS_ONLY]
        changed = revised(draft_hash=OTHER).model_copy(update={"user_id": SAM})
        own = confirmed(draft_hash=OTHER, user_id=SAM, asked_by=[ALEX])
        assert told(ruled(NOT_ASKED), created(), changed, own) == [ASKERS_ONLY]

    def test_is_whoever_had_asked_before_the_log_tells_of_this_draft(self) -> None:
        """A draft made anew is still what they wanted."""
        again = created(also_asked_by=[SAM])
        assert told(ruled(NOT_ASKED), again, confirmed(user_id=SAM, asked_by=[])) == [ASKERS_ONLY]

    def test_is_also_whoever_the_confirmation_names(self) -> None:
        """What had been asked before the draft was, its own log does not tell."""
        by_sam = created().model_copy(update={"user_id": SAM})
        assert told(ruled(NOT_ASKED), by_sam, confirmed(asked_by=[ALEX])) == [ASKERS_ONLY]
        assert told(ruled(NOT_ASKED), by_sam, confirmed(asked_by=[])) == []

    def test_are_enough_where_they_are_two(self) -> None:
        """Whoever asked and whoever changed it: two grown people are never stuck."""
        changed = revised(draft_hash=OTHER).model_copy(update={"user_id": SAM})
        both = confirmed(draft_hash=OTHER, approved_by=[ALEX, SAM], asked_by=[ALEX, SAM])
        assert told(ruled(NOT_ASKED), created(), changed, approved(draft_hash=OTHER), both) == []

    def test_is_enough_with_somebody_else_or_below_the_amount(self) -> None:
        """Instead of them, beside them, or where it does not matter."""
        assert told(ruled(NOT_ASKED), created(), confirmed(user_id=SAM)) == []
        assert told(ruled(NOT_ASKED), created(), approved(), confirmed(approved_by=[ALEX, SAM])) == []
        assert told(ruled(NOT_ASKED), created(), confirmed(maximum_cents=3690)) == []


class TestWhoSetsRules:
    def test_is_an_owner_of_that_moment(self) -> None:
        log = [founded(alex="owner", sam="adult"), made(SAM, "owner", by=ALEX), ruled(DEFAULT_RULES, by=SAM), made(ALEX, "adult", by=SAM)]
        assert list(broken_promises(chained(log))) == []

    @pytest.mark.parametrize(
        "deed", [ruled(DEFAULT_RULES, by=SAM), made(SAM, "owner", by=SAM)], ids=["another member's rules", "a member's own promotion"]
    )
    def test_is_nobody_else(self, deed: Event) -> None:
        (problem,) = broken_promises(chained([founded(alex="owner", sam="adult"), deed]))
        assert "was not done by an owner" in problem

    @pytest.mark.parametrize("deed", ["member_added", "role_changed", "rules_changed", "preferences_changed"])
    def test_is_asked_of_everything_that_only_an_owner_does(self, deed: str) -> None:
        """Also where nobody did it, by a log that did not tell roles."""
        payload = {"role": "adult", "rules": DEFAULT_RULES.model_dump(mode="json")}
        by_sam = event(event_type=f"household.{deed}", entity_type="household", user_id=SAM, payload=payload)
        by_nobody = by_sam.model_copy(update={"user_id": None})
        expected = f"household.{deed} of {by_sam.entity_id} was not done by an owner"
        assert told(founded(alex="owner", sam="adult"), by_sam) == told(founded(), by_nobody) == [expected]
        by_a_stranger = by_sam.model_copy(update={"user_id": "usr_x"})
        assert told(founded(alex="owner", sam="adult"), by_a_stranger) == [expected]

    def test_is_taken_for_one_by_a_log_that_did_not_tell_roles(self) -> None:
        assert list(broken_promises(chained([founded(), ruled(DEFAULT_RULES, by=SAM)]))) == []

    def test_would_be_missed_if_nobody_looked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Promises, "_check_owner", lambda *_: iter(()))
        assert list(broken_promises(chained([founded(alex="owner", sam="adult"), ruled(DEFAULT_RULES, by=SAM)]))) == []


def signed(payload_of: Event, **payload: Any) -> Event:
    """The same event, of a yes that was signed with a key of that thumbprint."""
    told_more = {"signature_sha256": "ef" * 32, "device_id": DEVICE, "key_thumbprint": "mine"} | payload
    return payload_of.model_copy(update={"payload": {**payload_of.payload, **told_more}})


def enrolled(*, member: str = ALEX, key: str | None = "mine", kind: str = "person") -> Event:
    payload = {"member_id": member, "signing_key": key, "kind": kind}
    return event(event_type="device.enrolled", entity_type="device", entity_id=DEVICE, payload=payload)


ALWAYS_SIGNED = DEFAULT_RULES.with_signed_above(Money(cents=0))
NOT_SIGNED = "was confirmed without the signature that was needed"
NOT_THEIRS = "was confirmed with a signature of a key that was not this member's"


class TestWhoWasCounted:
    """Lived here, in a role that may confirm this, at that moment."""

    ROLES = {"alex": "owner", "sam": "child"}  # noqa: RUF012

    def test_may_confirm_it(self) -> None:
        assert told(founded(**self.ROLES), created(verb="ORDER"), confirmed()) == []
        grown = made(SAM, "adult", by=ALEX)
        assert told(founded(**self.ROLES), grown, created(verb="ORDER"), confirmed(user_id=SAM)) == []

    @pytest.mark.parametrize(("up_to", "holds"), [(3690, False), (3691, True)])
    def test_may_confirm_as_much_as_the_rules_of_that_moment_said(self, up_to: int, holds: bool) -> None:
        """To the cent, and for what was asked for when the draft was new."""
        rules = DEFAULT_RULES.allowing(Role.CHILD, "ORDER", up_to=Money(cents=up_to))
        log = [founded(**self.ROLES), ruled(rules), created(verb="ORDER"), revised(draft_hash=OTHER)]
        assert told(*log, confirmed(draft_hash=OTHER, user_id=SAM)) == ([] if holds else [MAY_NOT])

    def test_is_found_where_they_may_not(self) -> None:
        """A child; and somebody who is not known to live here."""
        assert told(founded(**self.ROLES), created(verb="ORDER"), confirmed(user_id=SAM)) == [MAY_NOT]
        stranger = confirmed(user_id="usr_x")
        assert told(founded(**self.ROLES), created(verb="ORDER"), stranger) == [f"draft {DRAFT} was confirmed by usr_x, who may not"]

    def test_cannot_be_judged_by_a_log_that_did_not_tell_roles(self) -> None:
        assert told(founded(), created(verb="ORDER"), confirmed(user_id=SAM)) == []


class TestASignature:
    def test_is_missed_above_the_amount_and_not_at_it(self) -> None:
        """To the cent."""
        below, exactly = (DEFAULT_RULES.with_signed_above(Money(cents=cents)) for cents in (3690, 3691))
        assert told(ruled(below), created(), confirmed()) == [f"draft {DRAFT} {NOT_SIGNED}"]
        assert told(ruled(exactly), created(), confirmed()) == []

    def test_is_missed_of_a_yes_that_is_kept(self) -> None:
        """And one of another's key is found there, too."""
        assert told(ruled(ALWAYS_SIGNED), created(), approved()) == [f"draft {DRAFT} was approved without the signature that was needed"]
        theirs = [f"draft {DRAFT} was approved with a signature of a key that was not this member's"]
        assert told(enrolled(), created(), signed(approved())) == theirs

    def test_makes_a_kept_yes_count_where_one_is_wanted(self) -> None:
        """One that was not signed is none then, also where the member had said it before the rule."""
        both = ALWAYS_SIGNED.with_two_people_above(Money(cents=3690))
        yes = signed(confirmed(**BOTH), device_id="dev_a")
        keys = [enrolled(member=SAM, key="sams"), enrolled().model_copy(update={"entity_id": "dev_a"})]
        assert told(*keys, ruled(both), created(), signed(approved(), key_thumbprint="sams"), yes) == []
        assert told(*keys, created(), approved(), ruled(both), yes) == [TOO_FEW, UNSAID]

    def test_holds_with_a_key_of_that_member(self) -> None:
        """Which the log knows by its thumbprint."""
        assert told(enrolled(), ruled(ALWAYS_SIGNED), created(), signed(confirmed()), done(), receipt()) == []

    def test_is_missed_where_the_rules_wanted_it(self) -> None:
        """As they were at that moment."""
        assert NOT_SIGNED in told(ruled(ALWAYS_SIGNED), created(), confirmed())[0]
        assert told(created(), confirmed(), ruled(ALWAYS_SIGNED)) == []

    @pytest.mark.parametrize("others", [enrolled(member=SAM), enrolled(key="another"), enrolled(key=None)])
    def test_of_another_key_is_found(self, others: Event) -> None:
        """Another member's, another one of theirs, and none at all; also where no signature was wanted."""
        assert NOT_THEIRS in told(others, created(), signed(confirmed()))[0]
        assert NOT_THEIRS in told(created(), signed(confirmed()))[0]

    def test_of_a_device_that_was_revoked_is_found(self) -> None:
        revoked = event(event_type="device.revoked", entity_type="device", entity_id=DEVICE, payload={})
        assert NOT_THEIRS in told(enrolled(), revoked, created(), signed(confirmed()))[0]


class TestAProgramsYes:
    """What a program can send, it can be made to send: the gate refuses its yes, and a log that tells of one does not hold."""

    @pytest.mark.parametrize("done", ["approved", "confirmed"])
    def test_is_found(self, done: str) -> None:
        program = enrolled(key=None, kind="program")
        said = (approved if done == "approved" else confirmed)()
        yes = said.model_copy(update={"payload": {**said.payload, "device_id": DEVICE}})
        assert told(program, created(), yes) == [f"draft {DRAFT} was {done} by a program"]
        assert told(enrolled(key=None), created(), yes) == []

    def test_is_found_however_its_device_came_and_went(self) -> None:
        """With a code or with a token, and revoked since: it was a program's all the same."""
        added = event(event_type="device.added", entity_type="device", entity_id=DEVICE, payload={"member_id": ALEX, "kind": "program"})
        revoked = event(event_type="device.revoked", entity_type="device", entity_id=DEVICE, payload={})
        yes = confirmed().model_copy(update={"payload": {**confirmed().payload, "device_id": DEVICE}})
        assert told(enrolled(kind="program"), revoked, created(), yes) == [f"draft {DRAFT} was confirmed by a program"]
        assert told(added, created(), yes) == [f"draft {DRAFT} was confirmed by a program"]

    def test_would_be_missed_if_nobody_looked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Promises, "_check_device", lambda *_: iter(()))
        yes = confirmed().model_copy(update={"payload": {**confirmed().payload, "device_id": DEVICE}})
        assert told(enrolled(kind="program"), created(), yes) == []


class TestALogOfOld:
    @pytest.mark.parametrize("rules", [DEFAULT_RULES, DEFAULT_RULES.with_two_people_above(Money(cents=10_000))])
    def test_from_before_signatures_holds(self, rules: ConfirmRules) -> None:
        """It was asked what there was to ask; once a log tells of spending, that is not enough any more."""
        second = confirmed(verdicts=[ALLOWED, AFFORDED, TWO, NOT_ALONE])
        assert told(ruled(rules), created(), second, done(), receipt()) == []
        newer = second.model_copy(update={"payload": {**second.payload, "spent_cents": 0}})
        assert AGAINST_POLICY in told(ruled(rules), created(), newer)

    def test_is_held_to_the_policies_there_were(self) -> None:
        """Homes were founded before households had rules of their own; their logs hold."""
        assert told(created(), confirmed_of_old(), done(), receipt()) == []
        assert told(created(), confirmed_of_old(verdicts=[ALLOWED])) == [AGAINST_POLICY]

    def test_ends_where_a_log_tells_of_spending(self) -> None:
        """Nothing after that is older."""
        later = created(draft_hash=OTHER).model_copy(update={"entity_id": "dft_x"})
        old = confirmed_of_old(draft_hash=OTHER, entity_id="dft_x", execution_id="exe_x")
        assert told(created(), confirmed(), later, old) == []
        assert AGAINST_POLICY.replace(DRAFT, "dft_x") in told(created(), confirmed(spent_cents=0), later, old)
        assert "draft dft_x was confirmed by fewer people than were needed" in told(created(), confirmed(spent_cents=0), later, old)

    def test_ends_with_the_first_rule(self) -> None:
        """From then on a confirmation that does not say who approved it is one against a policy."""
        assert AGAINST_POLICY in told(ruled(DEFAULT_RULES), created(), confirmed_of_old())

    @pytest.mark.parametrize("left_out", range(4))
    def test_is_no_excuse_for_a_rule_that_was_not_asked(self, left_out: int) -> None:
        """A verdict that is missing is a no."""
        verdicts = [ALLOWED, AFFORDED, TWO, NOT_ALONE]
        del verdicts[left_out]
        assert told(created(), confirmed(verdicts=verdicts)) == [AGAINST_POLICY]
