"""docs/signing.md says what is so: the names of the object, and the code that signs it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from halo_engine.model.errors import SignatureExpired, SignatureInvalid, SignatureRequired, SignatureUsed
from tests.installation import Installation
from tests.signing import a_signer, sign_above

DOC = (Path(__file__).parents[3] / "docs" / "signing.md").read_text()


class TestTheDocument:
    def test_signs_as_it_says(self, home: Installation) -> None:
        """The code in it, with nothing of Halo's, makes a yes that counts."""
        (code,) = re.findall(r"```python\n(.*?)```", DOC, re.DOTALL)
        told: dict[str, Any] = {}
        exec(code, told)
        sign_above(home, 0)
        card, phone = home.ask("order 2 packs of AA batteries"), a_signer(home)
        key = load_pem_private_key(phone.private_key_pem, None)
        assert phone.confirm(home, card, told["sign"](phone.fetch(home, card), phone.device_id, key))

    def test_names_every_field(self, home: Installation) -> None:
        """And no other."""
        table = DOC.split("| name | what it is |")[1].split("\n\n")[0]
        named = {name for row in table.splitlines()[2:] for name in re.findall(r"`([a-z_]+)`", row.split("|")[1])}
        phone = a_signer(home)
        assert named == set(json.loads(phone.fetch(home, home.ask("order 2 packs of AA batteries"))))

    @pytest.mark.parametrize("kind", [SignatureRequired, SignatureInvalid, SignatureExpired, SignatureUsed])
    def test_names_every_refusal(self, kind: Any) -> None:
        assert f"`{kind.published_code()}`" in DOC
