"""Half a minute of the soak, with every process real; and a judge that would notice if it were not well."""

from __future__ import annotations

from dataclasses import replace

import pytest

from halo_engine.model.money import Money
from tests.soak.books import Books, judged
from tests.soak.life import Soaked, soak
from tests.soak.people import Yes
from tests.torture.harness import Kind

_SECONDS = 30


@pytest.fixture(scope="module")
def soaked(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Soaked:
    """A short one, on an empty database of its own."""
    import psycopg

    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE halo_soak")
    try:
        url = postgres_server.replace("/postgres?", "/halo_soak?", 1)
        return soak(tmp_path_factory.mktemp("soak"), seconds=_SECONDS, seed=1, database_url=url, households=2)
    finally:
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute("DROP DATABASE halo_soak WITH (FORCE)")


def kinds(books: Books, yeses: tuple[Yes, ...]) -> set[Kind]:
    return {problem.kind for problem in judged(books, yeses)}


class TestASoak:
    def test_ends_with_books_that_agree_though_a_worker_died_again_and_again(self, soaked: Soaked) -> None:
        assert soaked.problems == ()
        assert soaked.killed > 0
        assert any(detail.receipt for detail in soaked.books.details)

    def test_its_judge_notices_what_was_done_twice_lost_or_never_confirmed(self, soaked: Soaked) -> None:
        """One soak is as good as another for this: what it left is falsified."""
        books, yeses = soaked.books, tuple(soaked.notes.yeses)
        effect = next(entry for entry in books.ledger if entry.client_reference)
        rest = tuple(entry for entry in books.ledger if entry != effect)
        draft_id, draft_hash = next(iter(books.confirmed))
        others = tuple(yes for yes in yeses if yes.draft_id != draft_id)
        assert kinds(books, yeses) == set()
        assert Kind.DOUBLE in kinds(replace(books, ledger=(*books.ledger, replace(effect, reference="once-more"))), yeses)
        assert Kind.DOUBLE in kinds(
            replace(books, ledger=(*books.ledger, replace(effect, client_reference="of-nobody", reference="x"))), yeses
        )
        assert Kind.LOST in kinds(replace(books, ledger=rest), yeses)
        assert Kind.DOUBLE in kinds(books, others)
        assert Kind.LOST in kinds(books, (*yeses, Yes(yeses[0].household_id, draft_id, draft_hash, "exe_of_nobody")))
        dearer = replace(effect, charged=effect.charged + Money(cents=1))
        assert Kind.WRONG in kinds(replace(books, ledger=(*rest, dearer)), yeses)
