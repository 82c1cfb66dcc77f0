"""Every command against the real engine and the simulated vendors; the vendors' own ledger says what really happened."""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from halo_cli import session
from halo_cli.households import default_plan
from halo_cli.main import run
from halo_engine.clock import SystemClock
from halo_engine.model.household import Role
from halo_engine.stages.founding import MemberPlan
from tests.halo_cli.conftest import Halo, Ran

TOWELS = "order two packs of paper towels"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def drafted(halo: Halo) -> Ran:
    return halo("ask", TOWELS, "--json")


@pytest.fixture
def confirm(drafted: Ran) -> tuple[str, ...]:
    """The command that confirms the draft."""
    return ("confirm", drafted.json["draft_id"], "--hash", drafted.json["draft_hash"])


def charged(halo: Halo) -> int:
    total: int = halo("sim", "ledger", "--json").json["total_charged_cents"]
    return total


class TestInit:
    def test_says_what_it_made(self, halo: Halo) -> None:
        made = halo("init")
        assert made.code == 0
        assert "Alex (owner), Sam (adult)" in made.out
        assert "simulated" in made.out

    def test_takes_names_and_a_zone(self, halo: Halo) -> None:
        made = halo("init", "--name", "Elm St", "--member", "Kim", "--member", "Lou", "--tz", "Europe/Paris", "--json").json
        assert made["household"]["name"] == "Elm St"
        assert made["household"]["time_zone"] == "Europe/Paris"
        assert [(member["display_name"], member["role"]) for member in made["members"]] == [("Kim", "owner"), ("Lou", "adult")]
        assert TIME.fullmatch(made["household"]["created_at"])

    def test_takes_a_merchant(self, halo: Halo) -> None:
        assert halo("init", "--merchant", "zinc").code == 0
        assert "Amazon through Zinc" in halo("ask", "order 2 packs of AA batteries", "--no-input").out

    def test_a_second_one_is_an_error_and_changes_nothing(self, halo: Halo) -> None:
        halo("init", "--name", "First")
        again = halo("init", "--name", "Second")
        assert (again.code, again.out) == (1, "")
        assert "error: There is a household here already: First." in again.err

    @pytest.mark.parametrize(
        "given", [("--tz", "Mars/Olympus"), ("--merchant", "cornershop"), ("--name", ""), ("--name", "\x1b[31m"), ("--member", "\udcff")]
    )
    def test_refuses_what_cannot_be_a_household(self, halo: Halo, given: tuple[str, str]) -> None:
        assert halo("init", *given).code == 2


class TestAsk:
    def test_prints_the_card_and_how_to_confirm_it(self, halo: Halo, home: Path) -> None:
        asked = halo("ask", TOWELS)
        assert asked.code == 0
        assert asked.out.startswith("Draft: ")
        assert "Warning: " in asked.out
        assert f"--home {home}" in asked.err
        assert charged(halo) == 0

    def test_makes_the_first_household_and_says_so(self, halo: Halo) -> None:
        assert "There was no household yet" in halo("ask", TOWELS).err
        assert "There was no household yet" not in halo("ask", TOWELS).err

    def test_answers_programs_with_one_object(self, drafted: Ran) -> None:
        answer = drafted.json
        assert drafted.out.count("\n") == 1
        assert set(answer) == {"request_id", "kind", "draft_id", "draft_hash", "card", "draft"}
        assert answer["draft"]["draft_hash"] == answer["draft_hash"] == answer["card"]["draft_hash"]
        assert isinstance(answer["draft"]["estimated_cost_cents"], int)
        assert TIME.fullmatch(answer["draft"]["expires_at"])

    def test_what_halo_does_not_do_is_not_supported(self, halo: Halo) -> None:
        assert halo("ask", "remind me to call mom").code == 9

    def test_a_question_can_be_answered(self, halo: Halo) -> None:
        asked = halo("ask", "place an order", "--json")
        assert asked.code == 5
        answered = halo("ask", "--answers", asked.json["request_id"], "paper towels")
        assert answered.code in (0, 5)

    @pytest.mark.parametrize("text", ["", "   ", "\x1b[2J\x07\x00", "\u202e\u200b", "🧻" * 500, "--", "[bold]x[/]"])
    def test_strange_words_are_answered_calmly(self, halo: Halo, text: str) -> None:
        asked = halo("ask", "--", text)
        assert asked.code in (2, 5, 9)
        assert "\x1b" not in asked.out + asked.err
        assert "Traceback" not in asked.err

    def test_words_that_are_not_utf8_are_a_usage_error(self, halo: Halo) -> None:
        assert halo("ask", "caf\udce9").code == 2

    def test_who_asked_is_who_goes_on(self, halo: Halo) -> None:
        assert "--as Sam" in halo("ask", TOWELS, "--as", "Sam").err

    def test_an_unknown_member_is_an_error(self, halo: Halo) -> None:
        assert halo("ask", TOWELS, "--as", "Nobody").code in (1, 4)

    def test_real_vendors_want_a_household_that_was_meant(self, halo: Halo, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HALO_VENDORS", "live")
        asked = halo("ask", TOWELS)
        assert asked.code == 1
        assert "halo init" in asked.err


class TestConfirm:
    def test_buys_once_and_shows_the_receipt(self, halo: Halo, confirm: tuple[str, ...], drafted: Ran) -> None:
        done = halo(*confirm)
        assert done.code == 0
        assert done.out.startswith("Done: ")
        assert "receipt: rct_" in done.out
        assert charged(halo) == drafted.json["draft"]["estimated_cost_cents"]

    def test_again_gives_the_same_execution(self, halo: Halo, confirm: tuple[str, ...]) -> None:
        first, second = halo(*confirm, "--json"), halo(*confirm, "--json")
        assert first.json["execution"] == second.json["execution"]
        assert charged(halo) == first.json["execution"]["final_cost_cents"]

    def test_answers_programs_with_one_object(self, halo: Halo, confirm: tuple[str, ...]) -> None:
        done = halo(*confirm, "--json").json
        assert set(done) == {"execution", "card", "receipt", "draft"}
        assert done["execution"]["status"] == "done"
        assert done["draft"] is None
        assert "vendor_key" not in done["execution"]
        assert TIME.fullmatch(done["execution"]["finished_at"])
        assert TIME.fullmatch(done["receipt"]["created_at"])

    @pytest.mark.parametrize("given", [(), ("--json",), ("--no-input",)])
    def test_without_hash_or_terminal_is_a_usage_error(self, halo: Halo, drafted: Ran, given: tuple[str, ...]) -> None:
        refused = halo("confirm", drafted.json["draft_id"], *given)
        assert refused.code == 2
        assert "--hash" in refused.out + refused.err
        assert charged(halo) == 0

    @pytest.mark.parametrize("wrong", ["", "0" * 64, "x", "\x1b[31m"])
    def test_a_wrong_hash_shows_what_stands_and_buys_nothing(self, halo: Halo, drafted: Ran, wrong: str) -> None:
        refused = halo("confirm", drafted.json["draft_id"], "--hash", wrong)
        assert refused.code == 6
        assert refused.out.startswith("Draft: ")
        assert charged(halo) == 0

    def test_the_hash_of_an_earlier_revision_shows_the_difference(self, halo: Halo, confirm: tuple[str, ...]) -> None:
        assert halo("modify", confirm[1], "make it 3").code == 0
        refused = halo(*confirm, "--json")
        assert refused.code == 6
        assert refused.json["error"]["code"] == "terms_changed"
        assert refused.json["draft"]["revision"] == 2
        assert any(change["field"] == "total" for change in refused.json["draft"]["changes"])
        assert charged(halo) == 0

    def test_a_price_that_rose_stops_and_the_new_draft_can_be_confirmed(self, halo: Halo, confirm: tuple[str, ...]) -> None:
        assert halo("sim", "fault", "price_up", "--cents", "150").code == 0
        stopped = halo(*confirm, "--json")
        assert stopped.code == 6
        assert "Confirm it with: halo confirm" in stopped.err
        assert charged(halo) == 0
        revised = stopped.json["draft"]
        assert halo("confirm", revised["id"], "--hash", revised["draft_hash"]).code == 0
        assert charged(halo) == revised["estimated_cost_cents"]

    def test_a_wait_that_ends_too_soon_says_how_to_go_on(self, halo: Halo, confirm: tuple[str, ...]) -> None:
        halo("sim", "fault", "lose_answer")
        halo("sim", "fault", "hide_orders", "--times", "9")
        waited = halo(*confirm, "--wait", "0")
        assert waited.code == 7
        assert waited.out.startswith("Checking: ")
        assert "Go on with: halo confirm" in waited.err

    def test_a_lost_answer_is_found_again_and_charged_once(self, halo: Halo, confirm: tuple[str, ...], drafted: Ran) -> None:
        halo("sim", "fault", "lose_answer")
        assert halo(*confirm).code == 0
        assert charged(halo) == drafted.json["draft"]["estimated_cost_cents"]

    def test_a_child_may_not(self, halo: Halo, home: Path) -> None:
        members = (MemberPlan(name="Kim", role=Role.OWNER), MemberPlan(name="Kid", role=Role.CHILD))
        with session.open_engine(session.settings_of(home)) as engine:
            engine.found_household(default_plan().model_copy(update={"members": members}))
        asked = halo("ask", TOWELS, "--as", "Kid", "--json").json
        refused = halo("confirm", asked["draft_id"], "--hash", asked["draft_hash"], "--as", "Kid")
        assert refused.code == 4
        assert charged(halo) == 0

    def test_what_was_cancelled_stays_cancelled(self, halo: Halo, confirm: tuple[str, ...]) -> None:
        dropped = halo("cancel", confirm[1])
        assert dropped.code == 0
        assert dropped.out.startswith("Cancelled: ")
        assert "Charged" not in dropped.out
        assert halo(*confirm).code == 3
        assert charged(halo) == 0

    def test_what_expired_is_shown_and_not_bought(self, halo: Halo, confirm: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
        now = SystemClock().now()
        monkeypatch.setattr(SystemClock, "now", lambda _: now + timedelta(hours=1))
        refused = halo(*confirm)
        assert refused.code == 6
        assert refused.out.startswith("Expired: ")
        assert charged(halo) == 0


class TestRetry:
    @pytest.fixture
    def failed(self, halo: Halo, home: Path, confirm: tuple[str, ...]) -> Ran:
        (home / "config.toml").write_text("retry_waits_s = [0, 0, 0]")
        halo("sim", "fault", "unavailable", "--times", "500")
        ran = halo(*confirm, "--json")
        halo("sim", "fault", "--clear")
        return ran

    def test_is_a_fresh_draft_that_has_to_be_confirmed(self, halo: Halo, failed: Ran) -> None:
        assert failed.code == 1
        assert failed.json["execution"]["status"] == "failed"
        assert failed.json["receipt"] is None
        assert f"retry {failed.json['execution']['id']}" in failed.err
        again = halo("retry", failed.json["execution"]["id"], "--json")
        assert again.code == 0
        assert again.json["draft_id"] != failed.json["execution"]["draft_id"]
        assert charged(halo) == 0
        assert halo("confirm", again.json["draft_id"], "--hash", again.json["draft_hash"]).code == 0
        assert charged(halo) == again.json["draft"]["estimated_cost_cents"]

    def test_what_was_done_is_never_repeated(self, halo: Halo, confirm: tuple[str, ...]) -> None:
        done = halo(*confirm, "--json").json
        assert halo("retry", done["execution"]["id"]).code == 1
        assert charged(halo) == done["execution"]["final_cost_cents"]


class TestLooking:
    def test_activity_lists_the_latest_first(self, halo: Halo, confirm: tuple[str, ...]) -> None:
        halo(*confirm)
        halo("ask", "order a dish soap")
        kinds = [entry["kind"] for entry in halo("activity", "--json").json["activity"]]
        assert kinds == ["draft", "execution"]
        assert len(halo("activity", "--limit", "1", "--json").json["activity"]) == 1
        assert halo("activity").out.startswith("When")

    def test_without_a_household_says_how_to_make_one(self, halo: Halo) -> None:
        looked = halo("activity")
        assert looked.code == 1
        assert "halo init" in looked.err

    def test_shows_an_execution_with_its_attempts_and_events(self, halo: Halo, confirm: tuple[str, ...]) -> None:
        execution_id = halo(*confirm, "--json").json["execution"]["id"]
        shown = halo("show", execution_id, "--json").json
        assert shown["confirmation"]["confirmed_by"] == "Alex"
        assert [attempt["attempt_number"] for attempt in shown["attempts"]] == [1]
        assert "execution.done" in {event["event_type"] for event in shown["events"]}
        text = halo("show", execution_id).out
        assert "Confirmed by Alex" in text
        assert "execution.done" in text

    def test_shows_a_draft_with_its_revisions(self, halo: Halo, confirm: tuple[str, ...]) -> None:
        halo("modify", confirm[1], "make it 3")
        shown = halo("show", confirm[1], "--json").json
        assert [revision["revision"] for revision in shown["revisions"]] == [1, 2]
        assert halo("draft", "show", confirm[1], "--json").json == shown

    def test_receipt_is_the_vendors_proof(self, halo: Halo, confirm: tuple[str, ...]) -> None:
        done = halo(*confirm, "--json").json
        receipt = halo("receipt", done["execution"]["id"], "--json").json
        assert receipt == done["receipt"]
        assert receipt["external_reference_id"] == done["execution"]["vendor_reference"]

    @pytest.mark.parametrize(
        "identifier", ["", "x", "dft_", "exe_" + "0" * 26, "../../etc/passwd", "\x1b[2J", "\udcff", "a" * 5000, "' OR 1=1"]
    )
    def test_an_id_that_names_nothing_is_not_found(self, halo: Halo, identifier: str) -> None:
        halo("init")
        for command in ("show", "receipt"):
            looked = halo(command, "--", identifier)
            assert looked.code in (1, 2)
            assert "Something went wrong" not in looked.err
            assert "\x1b" not in looked.err


class TestUsual:
    def test_can_be_listed_saved_and_removed(self, halo: Halo) -> None:
        halo("init")
        names = [usual["name"] for usual in halo("usual", "list", "--json").json["usuals"]]
        assert names == ["dog supplies", "weekly groceries"]
        saved = halo("usual", "add", "cleaning", TOWELS)
        assert saved.code == 0
        assert "2 ×" in saved.out
        assert halo("usual", "remove", "cleaning").code == 0
        assert [usual["name"] for usual in halo("usual", "list", "--json").json["usuals"]] == names
        assert halo("usual", "remove", "cleaning").code == 1


class TestAudit:
    def test_a_whole_log_is_verified(self, halo: Halo, confirm: tuple[str, ...]) -> None:
        halo(*confirm)
        checked = halo("audit", "verify")
        assert checked.code == 0
        assert re.search(r"audit verified: \d+ events", checked.out)
        assert halo("audit", "verify", "--json").json["ok"] is True

    def test_a_changed_log_is_named(self, halo: Halo, confirm: tuple[str, ...], home: Path) -> None:
        halo(*confirm)
        with sqlite3.connect(home / "halo.db") as db:
            for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                db.execute(f"DROP TRIGGER {trigger}")
            db.execute("UPDATE event_log SET event_type = 'draft.cancelled' WHERE seq = 3")
        db.close()
        checked = halo("audit", "verify")
        assert checked.code == 1
        assert "3" in checked.err
        assert halo("audit", "verify", "--json").json["ok"] is False


class TestSim:
    def test_faults_can_be_listed_ordered_and_cleared(self, halo: Halo) -> None:
        assert "price_up" in halo("sim", "fault", "--list").out
        ordered = halo("sim", "fault", "lose_answer", "--target", "amazon", "--times", "2", "--json").json
        assert [(fault["name"], fault["times_left"]) for fault in ordered["waiting"]] == [("lose_answer", 2)]
        assert halo("sim", "fault", "--clear", "--json").json["waiting"] == []

    @pytest.mark.parametrize("given", [("no_such",), ("price_up", "--cents", "-1"), ("price_up", "--times", "0")])
    def test_a_fault_that_cannot_be_is_a_usage_error(self, halo: Halo, given: tuple[str, ...]) -> None:
        assert halo("sim", "fault", *given).code == 2

    def test_ledger_of_a_new_world_is_empty(self, halo: Halo) -> None:
        assert halo("sim", "ledger", "--json").json == {"entries": [], "total_charged_cents": 0}


class TestParse:
    def test_prints_the_published_form(self, halo: Halo) -> None:
        intent = halo("parse", "book a table for two at Nopa tomorrow at 7pm", "--now", "2026-03-06T18:00:00Z", "--json").json
        assert intent["verb"] == "BOOK"
        assert intent["params"]["date"] == "2026-03-07"
        assert set(intent) == {"verb", "confidence", "missing_fields", "entities", "params"}

    def test_needs_no_household_and_keeps_nothing(self, halo: Halo, home: Path) -> None:
        assert halo("parse", TOWELS).code == 0
        assert not home.exists()

    @pytest.mark.parametrize(
        "given", [(), ("x", "--jsonl", "-"), ("x", "--tz", "Nowhere"), ("x", "--now", "soon"), ("--jsonl", "/nonexistent")]
    )
    def test_bad_requests_are_usage_errors(self, halo: Halo, given: tuple[str, ...]) -> None:
        assert halo("parse", *given).code == 2

    def test_reads_a_file_of_requests(self, halo: Halo, tmp_path: Path) -> None:
        requests = tmp_path / "requests.jsonl"
        requests.write_text(f'{{"text": "{TOWELS}"}}\nnonsense\n{{"text": "cancel netflix"}}\n')
        ran = halo("parse", "--jsonl", str(requests))
        answers = [json.loads(line) for line in ran.out.splitlines()]
        assert [answer.get("verb", "error") for answer in answers] == ["ORDER", "error", "CANCEL"]
        assert ran.code == 2

    def test_names_that_are_no_field_do_not_end_the_stream(self, halo: Halo, tmp_path: Path) -> None:
        requests = tmp_path / "requests.jsonl"
        odd = (["\ud800"], ["time " * 2000], [f"field {number}" for number in range(700)], ["items"])
        requests.write_text("".join(json.dumps({"text": TOWELS, "requested": names}) + "\n" for names in odd))
        ran = halo("parse", "--jsonl", str(requests))
        assert [json.loads(line)["verb"] for line in ran.out.splitlines()] == ["ORDER"] * 4
        assert ran.code == 0

    def test_a_file_that_breaks_off_is_an_error(self, halo: Halo) -> None:
        ran = halo("parse", "--jsonl", "/proc/self/mem")
        assert ran.code == 2
        assert "Input/output error" in ran.err


class TestDemo:
    def test_tells_the_whole_story(self, halo: Halo, home: Path) -> None:
        told = halo("demo")
        assert told.code == 0
        assert re.search(r"audit verified: \d+ events", told.out)
        assert told.out.index("Draft: ") < told.out.index("Done: ") < told.out.index("receipt: rct_")
        assert not home.exists()

    def test_sums_itself_up_for_programs(self, halo: Halo) -> None:
        told = halo("demo", "--json")
        assert told.code == 0
        summary = told.json
        assert summary["execution"]["final_cost_cents"] == summary["draft"]["estimated_cost_cents"]
        assert summary["audit"]["ok"] is True

    def test_other_words_can_be_told(self, halo: Halo) -> None:
        assert halo("demo", "remind me to call mom").code == 9


class TestUsage:
    @pytest.mark.parametrize("arguments", [["frobnicate"], ["ask"], ["ask", "a", "b"], ["confirm", "x", "--wait", "soon"], ["--nope"], []])
    def test_is_explained_and_exits_2(self, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        assert run(arguments) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err

    def test_is_one_object_for_programs(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["activity", "--limit", "none", "--json"]) == 2
        assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"
