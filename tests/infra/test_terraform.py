"""The cloud as it is written down: who may do what, where secrets are, and what cannot be lost."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from halo_engine.settings import SECRETS, Settings, load_settings
from tests.infra.terraform import ENVIRONMENTS, IS_HERE, MODULES, blocks, everything_in, files, is_formatted, resources, worked_out

#: Each with its reason; whoever needs another writes one.
ROLES = {
    "roles/secretmanager.secretAccessor": "an account reads the secrets that it is named for, one by one",
    "roles/run.invoker": "anybody may ask the server, whose own tokens say who is heard",
}
#: Whatever can hold the value of a secret would hold it in the state.
NEVER = (
    "google_secret_manager_secret_version",
    "google_secret_manager_regional_secret_version",
    "google_service_account_key",
    "google_sql_user",
    "google_storage_bucket",
    "google_project_iam_member",
    "google_project_iam_binding",
    "google_project_iam_policy",
    "random_password",
    "tls_private_key",
)
IMAGE = "us-central1-docker.pkg.dev/home/halo/halo@sha256:" + "0" * 64
needs_terraform = pytest.mark.skipif(not IS_HERE, reason="NOT WORKED OUT: there is no terraform here")


class TestState:
    def test_holds_no_secret(self) -> None:
        """No resource whose attributes are one, and no variable that somebody would put one in."""
        assert [block.name for block in blocks("resource") if block.labels[0] in NEVER] == []
        assert list(blocks("data")) == []
        said = [name for block in blocks("resource") for name, _ in everything_in(block.body)]
        assert [name for name in said if re.search(r"password|secret_data|private_key|root_ca", name)] == []
        assert [block.name for block in blocks("variable") if re.search(r"password|token|(?<!secret)_key|url", block.name)] == []

    @pytest.mark.parametrize("environment", ENVIRONMENTS)
    def test_is_kept_apart_for_each_environment(self, environment: str) -> None:
        """In a bucket, since it is shared, and under a name of its own."""
        backends = [
            each for block in files() if block.parent.name == environment for each in re.findall(r'prefix = "(.+)"', block.read_text())
        ]
        assert backends == [f"halo/{environment}"]


class TestAccounts:
    def test_have_no_role_but_those_with_a_reason(self) -> None:
        """And none on the whole project."""
        roles = {value for block in blocks("resource") for name, value in everything_in(block.body) if name == "role"}
        assert roles == set(ROLES)

    def test_are_one_for_each_kind_of_instance(self) -> None:
        """None is the project's default account, which may do nearly everything."""
        kinds = ("google_cloud_run_v2_service", "google_cloud_run_v2_worker_pool", "google_cloud_run_v2_job")
        accounts = [
            value for kind in kinds for block in resources(kind) for name, value in everything_in(block.body) if name == "service_account"
        ]
        assert accounts == ["${var.accounts.api}", "${var.accounts.worker}", "${var.accounts.once}"]

    @needs_terraform
    def test_read_their_own_secrets_and_no_others(self, tmp_path: Path) -> None:
        """Vendors' for those who quote and carry out, a server's own for servers, and for what is done once only the books."""
        out = worked_out(tmp_path, "dev", image=IMAGE, vendor_secrets=["ZINC_API_KEY"], server_secrets=["OPENAI_API_KEY"])
        books = {"database-url", "database-ca", "secret-key"}
        expected = {"api": books | {"zinc-api-key", "openai-api-key"}, "worker": books | {"zinc-api-key"}, "once": books}
        read: dict[str, set[str]] = {role: {pair["secret"] for pair in out["pairs"] if pair["role"] == role} for role in expected}
        mounted = {role: {file["secret"].removeprefix("halo-") for file in files.values()} for role, files in out["files"].items()}
        assert read == mounted == expected


class TestInstances:
    def test_are_told_no_secret_by_the_environment(self) -> None:
        """A file is read by whoever is to read it; an environment is shown by consoles, inherited by children and printed by crashes."""
        said = [(block.name, name) for block in blocks("resource") for name, _ in everything_in(block.body)]
        assert [where for where, name in said if name in ("value_source", "secret_key_ref")] == []

    @needs_terraform
    def test_find_each_secret_in_a_file_of_its_own(self, tmp_path: Path) -> None:
        """Every setting that is a secret can be given so, by the very name under which Halo looks for it."""
        secrets = {name.upper() for name in SECRETS} - {"DATABASE_URL", "SECRET_KEY"}
        out = worked_out(tmp_path, "prod", image=IMAGE, vendor_secrets=sorted(secrets))
        for role in ("api", "worker"):
            named = {name: value for name, value in out["env"][role].items() if name.endswith("_FILE") and name != "HALO_LOG_FILE"}
            assert set(named) == {f"HALO_{name.upper()}_FILE" for name in SECRETS}
            places = {file["directory"] for file in out["files"][role].values()}
            assert len(places) == len(named) + 1
            assert {str(Path(value).parent) for value in [*named.values(), out["env"][role]["PGSSLROOTCERT"]]} == places

    @needs_terraform
    @pytest.mark.parametrize("environment", ENVIRONMENTS)
    def test_understand_what_they_are_told(self, tmp_path: Path, environment: str) -> None:
        """Every variable is one of Halo's settings, or of PostgreSQL's client, and has a value that Halo takes."""
        given = {"settings": {"HALO_VENDORS": "live"}, "server_settings": {"HALO_OPENAI_MODEL": "small"}}
        out = worked_out(tmp_path, environment, image=IMAGE, **given)
        assert out["env"]["worker"]["HALO_VENDORS"] == out["env"]["api"]["HALO_VENDORS"] == "live"
        assert "HALO_OPENAI_MODEL" not in out["env"]["worker"]
        known = {f"HALO_{name.upper()}" for name in Settings.model_fields} | {"PGSSLMODE", "PGSSLROOTCERT"}
        for told in out["env"].values():
            plain = {name: value for name, value in told.items() if not (name.endswith("_FILE") and name != "HALO_LOG_FILE")}
            assert set(plain) <= known
            assert load_settings(environ=plain).serve_drain_s < 10, "Cloud Run kills ten seconds after it asked"

    @needs_terraform
    @pytest.mark.parametrize(
        ("name", "value", "why"),
        [
            ("settings", {"HALO_RESY_PASSWORD": "hunter2"}, "A secret is not a setting here"),
            ("server_settings", {"HALO_METRICS_TOKEN": "hunter2"}, "A secret is not a setting here"),
            ("settings", {"PATH": "/"}, "A secret is not a setting here"),
            ("image", "halo:latest", "Name the image by its digest"),
        ],
    )
    def test_are_not_told_what_should_not_be(self, tmp_path: Path, name: str, value: Any, why: str) -> None:
        """A secret in the clear, or an image that is another one tomorrow."""
        with pytest.raises(AssertionError, match=why):
            worked_out(tmp_path, "dev", **{name: value})

    def test_listen_where_the_platform_calls(self) -> None:
        """One port in the arguments, the ports and both probes; and a worker has none."""
        (api,) = resources("google_cloud_run_v2_service")
        args = next(value for name, value in everything_in(api.body) if name == "args")
        ports = {value for name, value in everything_in(api.body) if name in ("container_port", "port")}
        assert args == ["serve", "--no-worker", "--host", "0.0.0.0", "--port", "8080"]
        assert ports == {8080}
        (worker,) = resources("google_cloud_run_v2_worker_pool")
        assert [value for name, value in everything_in(worker.body) if name in ("args", "ports")] == [["worker"]]


class TestDatabase:
    def test_has_no_public_address_and_speaks_only_encrypted(self) -> None:
        """And is backed up, with every moment of a week to go back to."""
        (books,) = resources("google_sql_database_instance")
        said = dict(everything_in(books.body))
        assert said["ipv4_enabled"] in (False, "false")
        assert said["ssl_mode"] == "ENCRYPTED_ONLY"
        assert said["point_in_time_recovery_enabled"] in (True, "true")

    def test_cannot_be_deleted_in_prod(self) -> None:
        """Nor anything that is called; what dev has may be lost."""
        chosen = {
            block.file.parent.name: (block.body["is_protected"], block.body["is_highly_available"])
            for block in blocks("module")
            if block.name == "halo"
        }
        assert chosen == {"dev": (False, False), "prod": (True, True)}
        protected = [block.body["deletion_protection"] for block in blocks("resource") if "deletion_protection" in block.body]
        assert len(protected) == 4
        assert set(protected) == {"${var.is_protected}"}

    @needs_terraform
    @pytest.mark.parametrize("environment", ENVIRONMENTS)
    def test_takes_as_many_connections_as_all_instances_may_hold(self, tmp_path: Path, environment: str) -> None:
        """Also while a new revision stands beside the old one."""
        (asked,) = [block.body for block in blocks("module") if block.file.parent.name == environment]
        assert worked_out(tmp_path, environment)["most_connections"] <= int(asked["max_connections"]) - 10


class TestNetwork:
    def test_lets_out_what_goes_to_the_database_and_nothing_else(self) -> None:
        """Calls to vendors leave by Cloud Run's own way, and never through this network."""
        rules = {block.labels[1]: block.body for block in resources("google_compute_firewall")}
        assert [
            port for _, value in everything_in(rules["to_database"]) if isinstance(value, list) for port in value if port == "5432"
        ] == ["5432"]
        assert "deny" in rules["to_nothing_else"]
        assert not any(rule["direction"] == "INGRESS" for rule in rules.values())
        egress = [value for block in blocks("resource") for name, value in everything_in(block.body) if name == "egress"]
        assert egress == ["PRIVATE_RANGES_ONLY"] * 3


class TestFiles:
    @needs_terraform
    def test_are_formatted(self) -> None:
        """As `terraform fmt` does it."""
        assert is_formatted() == ""

    @pytest.mark.parametrize("module", MODULES)
    def test_say_what_each_variable_and_output_is_for(self, module: str) -> None:
        """A module is read by its variables."""
        told = [block for block in (*blocks("variable"), *blocks("output")) if block.file.parent.name in (module, *ENVIRONMENTS)]
        assert told
        assert [block.name for block in told if not block.body.get("description")] == []

    def test_excuse_no_check_without_a_reason(self) -> None:
        """`just infra` holds the rest against checkov."""
        skipped = [line.strip() for file in files() for line in file.read_text(encoding="utf-8").splitlines() if "checkov:skip" in line]
        assert skipped
        assert [line for line in skipped if not re.fullmatch(r"# checkov:skip=CKV2?_GCP_\d+: .{40,}", line)] == []
