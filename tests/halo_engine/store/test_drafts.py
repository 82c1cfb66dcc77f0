"""Drafts: one stands, every version is kept, and of two who change it at once one wins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, update

from halo_engine.model.draft import Draft, DraftStatus
from halo_engine.model.errors import Conflict, StoreDamaged, StoreFailed
from halo_engine.store import tables
from halo_engine.store.drafts import Drafts
from tests.halo_engine.model.samples import NOON, UNTIL
from tests.halo_engine.store.family import Family
from tests.halo_engine.store.raw import at_once, count, rows, sql


def stored(family: Family, draft: Draft) -> Draft:
    with family.store.transaction() as books:
        return books.drafts.get(family.household.id, draft.id)


def next_of(draft: Draft, **given: Any) -> Draft:
    """The revision after `draft`."""
    fields = {"revision": draft.revision + 1, "nonce": f"{draft.revision:032}", **given}
    return draft.model_copy(update={"terms": draft.terms.model_copy(update=fields)})


def revising(family: Family, before: Draft, after: Draft) -> Callable[[], object]:
    def work() -> str:
        with family.store.transaction() as books:
            books.drafts.revise(before, after, now=NOON)
        return "won"

    return work


def closing(family: Family, draft: Draft, status: DraftStatus) -> Callable[[], object]:
    def work() -> str:
        with family.store.transaction() as books:
            books.drafts.close(draft, status)
        return "won"

    return work


def closed_twice(family: Family) -> bool:
    """Whether a draft can be closed by two, one after the other."""
    draft = family.draft()
    closing(family, draft, DraftStatus.CANCELLED)()
    try:
        closing(family, draft, DraftStatus.CONFIRMED)()
    except Conflict:
        return False
    return True


def forgetful(self: Drafts, before: Draft, fields: dict[str, Any]) -> None:
    """The planted bug: an update that asks for the id alone."""
    self._connection.execute(update(tables.Draft).where(tables.Draft.id == before.id).values(**fields))  # type: ignore[arg-type]


class TestDrafts:
    def test_come_back_as_they_were_shown(self, family: Family) -> None:
        """Every field, and so the same hash."""
        draft = family.draft(remainder="and a table", payload={"params": {"n": 1, "name": "Ünïcødé \u202e"}})
        assert stored(family, draft) == draft
        assert stored(family, draft).draft_hash == draft.draft_hash

    def test_keep_every_revision_word_for_word(self, family: Family) -> None:
        """The one that stands is the newest; the others are found by their hash and say the status of the draft."""
        first = family.draft()
        second = next_of(first, expires_at=UNTIL, warnings=("New.",))
        revising(family, first, second)()
        with family.store.transaction() as books:
            assert books.drafts.get(family.household.id, first.id) == second
            assert books.drafts.revision(first.id, first.draft_hash) == first
            assert books.drafts.revision(first.id, second.draft_hash) == second
            assert books.drafts.revision(first.id, "0" * 64) is None
            assert books.drafts.revision("dft_other", first.draft_hash) is None

    def test_have_columns_that_follow_the_revision(self, family: Family) -> None:
        """What lists sort and filter by is never the old one's."""
        first = family.draft()
        second = next_of(first, maximum=first.terms.maximum)
        revising(family, first, second)()
        (row,) = rows(family.store, "SELECT * FROM draft WHERE id = :id", id=first.id)
        assert (row["revision"], row["draft_hash"], row["estimated_cost_cents"], row["status"]) == (2, second.draft_hash, 3691, "open")


class TestRevise:
    def test_is_refused_to_whoever_read_an_older_revision(self, family: Family) -> None:
        """And nothing of it is kept."""
        first = family.draft()
        revising(family, first, next_of(first))()
        with pytest.raises(Conflict) as refused:
            revising(family, first, next_of(first, nonce="f" * 32))()
        assert refused.value.hint == f"Look at it again with: halo draft show {first.id}"
        assert count(family.store, "draft_revision") == 2

    @pytest.mark.parametrize("status", [DraftStatus.CANCELLED, DraftStatus.CONFIRMED])
    def test_is_refused_once_the_draft_is_closed(self, family: Family, status: DraftStatus) -> None:
        """What was confirmed is not changed afterwards."""
        first = family.draft()
        closing(family, first, status)()
        with pytest.raises(Conflict):
            revising(family, first, next_of(first))()
        assert count(family.store, "draft_revision") == 1

    def test_lets_one_of_two_at_once_win(self, family: Family) -> None:
        """The other gets a conflict, whoever it is."""
        first = family.draft()
        answers = at_once(*(revising(family, first, next_of(first, nonce=str(n) * 32)) for n in (1, 2)))
        assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "str"]
        assert stored(family, first).revision == 2


class TestClose:
    def test_happens_once(self, family: Family) -> None:
        """A draft that was cancelled cannot be confirmed any more."""
        assert not closed_twice(family)

    def test_without_its_condition_would_be_found_out(self, family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
        """The planted bug fails the test above."""
        monkeypatch.setattr(Drafts, "_replace", forgetful)
        assert closed_twice(family)

    def test_lets_one_of_many_at_once_win(self, family: Family) -> None:
        """A yes and a no at the same moment: one of them holds, every other is a conflict."""
        draft = family.draft()
        wanted = (DraftStatus.CONFIRMED, DraftStatus.CANCELLED, DraftStatus.CONFIRMED, DraftStatus.CANCELLED)
        answers = at_once(*(closing(family, draft, status) for status in wanted))
        assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "Conflict", "Conflict", "str"]
        assert stored(family, draft).status is wanted[answers.index("won")]

    def test_is_refused_after_a_revision(self, family: Family) -> None:
        """A yes to terms that were replaced closes nothing."""
        first = family.draft()
        revising(family, first, next_of(first))()
        with pytest.raises(Conflict):
            closing(family, first, DraftStatus.CONFIRMED)()
        assert stored(family, first).status is DraftStatus.OPEN


class TestAnAlteredDraft:
    @pytest.mark.parametrize(
        ("column", "old", "new"),
        [
            ("draft_payload_json", '"cents":2298', '"cents":2297'),
            ("draft_payload_json", '"cents":3691', '"cents":1'),
            ("draft_payload_json", "410 Terry Ave N", "1 Evil Street"),
            ("draft_payload_json", '"payee":"Amazon"', '"payee":"Mallory"'),
            ("draft_payload_json", "{", "not json"),
            ("draft_payload_json", '"revision":1', '"revision":2'),
            ("draft_hash", "", "0"),
        ],
    )
    def test_is_never_read(self, family: Family, column: str, old: str, new: str) -> None:
        """A changed price, address, payee or hash: the books are called damaged, and the draft by its name."""
        draft = family.draft()
        written = rows(family.store, "SELECT * FROM draft WHERE id = :id", id=draft.id)[0][column]
        sql(family.store, f"UPDATE draft SET {column} = :it WHERE id = :id", it=written.replace(old, new, 1), id=draft.id)
        with pytest.raises(StoreDamaged, match=draft.id):
            stored(family, draft)

    def test_that_adds_up_is_not_read_either(self, family: Family) -> None:
        """Line and total changed together, as an attacker would: the hash does not agree."""
        draft = family.draft()
        cheaper = draft.terms.model_dump_json().replace("2298", "2198").replace("3691", "3591")
        text = draft.model_dump_json().replace(draft.terms.model_dump_json(), cheaper)
        sql(family.store, "UPDATE draft SET draft_payload_json = :it WHERE id = :id", it=text, id=draft.id)
        with pytest.raises(StoreDamaged, match="its terms do not give its hash"):
            stored(family, draft)


class TestConfirmations:
    def test_are_one_per_draft_even_past_every_check(self, family: Family) -> None:
        """The database itself refuses the second, with another id and another hash."""
        draft = family.draft()
        family.execution(draft)
        second = family.confirmation(draft, NOON).model_copy(update={"draft_hash": "0" * 64})
        with pytest.raises(StoreFailed, match=r"IntegrityError|UniqueViolation"), family.store.transaction() as books:
            books.connection.execute(insert(tables.Confirmation), second.model_dump())
        assert count(family.store, "confirmation") == 1

    def test_start_one_execution_per_draft_even_past_every_check(self, family: Family) -> None:
        """So do executions."""
        execution = family.execution()
        columns = "household_id, draft_id, draft_hash, verb, vendor, status, version, started_at, currency, execution_payload_json"
        copy = f"INSERT INTO execution (id, vendor_key, {columns}) SELECT 'exe_2', 'key_2', {columns} FROM execution WHERE id = :id"
        with pytest.raises(StoreFailed, match=r"IntegrityError|UniqueViolation"), family.store.translated():
            sql(family.store, copy, id=execution.id)
        assert count(family.store, "execution") == 1
