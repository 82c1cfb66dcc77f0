"""No secret is in anything Halo writes or says."""

from __future__ import annotations

from pathlib import Path

from tests.journeys.terminal import Terminal

CANARIES = {
    "HALO_AMAZON_CLIENT_SECRET": "canary-client-secret",
    "HALO_AMAZON_REFRESH_TOKEN": "canary-refresh-token",
    "HALO_RESY_PASSWORD": "canary-resy-password",
    "HALO_SQUARE_ACCESS_TOKEN": "canary-square-token",
    "HALO_SUBSCRIPTIONS_API_KEY": "canary-subscriptions-key",
    "HALO_ZINC_API_KEY": "canary-zinc-key",
    "HALO_OPENAI_API_KEY": "canary-openai-key",
}


def test_a_secret_from_the_environment_is_written_nowhere(tmp_path: Path) -> None:
    """The reason: what is in a log is in a backup, and what is in a backup is everywhere.

    The simulator refuses these credentials, so this walks the errors too.
    """
    terminal = Terminal(tmp_path / "home")
    said = ""
    for words in (
        ["init"],
        ["ask", "order 2 packs of AA batteries"],
        ["ask", "cancel streamly", "--json"],
        ["ask", "book a haircut at Shear Joy on friday at 3pm"],
        ["activity"],
        ["audit", "verify"],
    ):
        answer = terminal.halo(*words, **CANARIES)
        said += answer.out + answer.err
    written = b"".join(path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file())
    assert [canary for canary in CANARIES.values() if canary in said or canary.encode() in written] == []
