"""REORDER: which of the saved bundles is meant."""

from __future__ import annotations

from halo_engine.model.card import CardKind
from tests.installation import Installation


class TestTheBundlesToChooseFrom:
    def test_name_three_things_and_how_many_more_there_are(self, home: Installation) -> None:
        home.engine.save_usual("breakfast", "order dish soap", member=None)
        card = home.ask("reorder my usual")
        assert card.kind is CardKind.CLARIFICATION
        reasons = {option.label: option.reason for option in card.options}
        with home.queries() as queries:
            items = {usual.name: [item.name for item in usual.items] for usual in queries.usuals()}
        assert {label: reason.count(" more") for label, reason in reasons.items()} == {
            name: len(names) > 3 for name, names in items.items()
        }
        long = next(name for name in items if len(items[name]) > 3)
        assert reasons[long] == f"{', '.join(items[long][:3])} and {len(items[long]) - 3} more"
        assert reasons["breakfast"] == items["breakfast"][0]
