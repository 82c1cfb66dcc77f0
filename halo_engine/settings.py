"""Every knob, with its why. Read once by a face, from the environment and `config.toml`, and passed down; nothing below imports a setting.

Precedence: an environment variable `HALO_<NAME>`, then the file in the data directory, then the default here.

A secret may stand in a file of its own, where whoever deploys Halo mounts it: `HALO_<NAME>_FILE`, or `<name>_file` in `config.toml`, names that
file. So it is in no environment, which every child inherits and crash reports print. In one place it is given in one way; twice is refused.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError, field_validator

from halo_engine.model.errors import InvalidInput
from halo_engine.model.money import Money
from halo_engine.model.policy import Limits

Seconds = Annotated[int, Field(ge=0, le=86_400)]


class Settings(BaseModel):
    """One installation's choices. Seconds end in `_s`, amounts in `_cents`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path
    #: Vendors' keys for our orders are derived from it, so all who share books share it: 64 hexadecimal digits. Where it is not given, it is in
    #: `secret.key` in the data directory, made there on the first day.
    secret_key: SecretStr | None = None
    #: Empty means SQLite in the data directory; a `postgresql://` URL shares one set of books between processes and machines.
    database_url: SecretStr | None = None

    #: `simulator` runs the vendors inside this process, on fixtures; `live` speaks HTTP to the base URLs below.
    vendors: Literal["simulator", "live"] = "simulator"
    amazon_url: str = "http://simulator.invalid/amazon"
    amazon_auth_url: str = "http://simulator.invalid/lwa/auth/o2/token"
    amazon_client_id: str = "halo-sim"
    amazon_client_secret: SecretStr = SecretStr("halo-sim-secret")
    amazon_refresh_token: SecretStr = SecretStr("Atzr|halo-sim")
    amazon_user_email: str = "buyer@example.com"
    zinc_url: str = "http://simulator.invalid/zinc"
    zinc_api_key: SecretStr = SecretStr("zn_test_halo_sim")
    #: Zinc tells shipping and tax only once an order is placed. Standard shipping below Amazon's free-shipping threshold; and a sales tax above
    #: nearly every combined rate in the United States. Both raise only the maximum of a draft, which is what Zinc is given as `max_price`.
    zinc_shipping_allowance_cents: int = Field(default=599, ge=0)
    zinc_tax_allowance_percent: int = Field(default=10, ge=0, le=100)
    resy_url: str = "http://simulator.invalid/resy"
    resy_api_key: SecretStr = SecretStr("halo-sim")
    resy_email: str = "buyer@example.com"
    resy_password: SecretStr = SecretStr("halo-sim")
    #: Appointments other than tables.
    square_url: str = "http://simulator.invalid/square"
    square_access_token: SecretStr = SecretStr("sq-halo-sim")
    #: The household as Square's sellers know it.
    square_customer_id: str = "CHALOSIM"
    subscriptions_url: str = "http://simulator.invalid/subscriptions"
    subscriptions_api_key: SecretStr = SecretStr("sk_halo_sim")

    #: `offline` needs no key and no network; `openai` is any OpenAI-compatible endpoint.
    parser: Literal["offline", "openai"] = "offline"
    openai_base_url: str | None = None
    openai_model: str = "gpt-5-mini"
    #: Where it is not given, `openai.key` in the data directory is looked for, and then the system's keyring.
    openai_api_key: SecretStr | None = None
    #: A person waits for the card: past this the words are not worth waiting for.
    openai_timeout_s: float = Field(default=20.0, gt=0, le=600)
    #: For models that think before they answer; not sent where it is not set, because others refuse it.
    openai_reasoning_effort: Literal["none", "minimal", "low", "medium", "high"] | None = None
    #: Whether the offline parser answers where the language model cannot. A person would rather be understood less well than not at all.
    openai_fallback: bool = True
    #: Below this the parser is guessing, and a guess must not become a draft. Chosen on development data (parsing/model/figures.json): one in 300
    #: of spoken commands for other assistants is taken for a request, and nineteen of twenty of those that are one are heard.
    minimum_confidence: float = Field(default=0.85, ge=0, le=1)

    #: Long enough to talk it over at home, short enough that prices and tables rarely move.
    draft_lives_s: int = Field(default=1800, ge=1, le=604_800)
    #: A yes is for now. What could not be sent this long after its terms expired is drafted anew instead.
    sent_late_s: int = Field(default=900, ge=0)
    #: A floor against a slip of the tongue, not a budget.
    spending_limit_cents: int = Field(default=50_000, ge=0)
    #: What one member may confirm in any 24 hours, and everybody together: three, and six, of the largest single ones. It is more than a household's
    #: busiest day, and the most that a stolen phone, or a loop, can spend before somebody looks.
    daily_spending_limit_cents: int = Field(default=150_000, ge=0)
    household_daily_spending_limit_cents: int = Field(default=300_000, ge=0)
    #: Longer than a commit can live after whoever began it died: its reads, each tried three times, and the call itself, of at most thirty
    #: seconds each (`vendors.http.Limits`). A look-up after it tells the truth.
    request_lives_s: int = Field(default=300, ge=240)
    #: How long a vendor may take to show an order it has taken; the waits between look-ups.
    lookup_waits_s: tuple[Seconds, ...] = Field(default=(2, 5, 15, 60), min_length=1)
    #: Some vendors take hours to place an order; one that takes days has forgotten it.
    accepted_lives_s: int = Field(default=172_800, ge=60)
    #: The back-off after a transient failure; when it is used up the execution fails.
    retry_waits_s: tuple[Seconds, ...] = Field(default=(5, 30, 120), min_length=1)
    #: A worker that dies is bad luck; this many over one execution, and it is what kills them.
    worker_deaths: int = Field(default=5, ge=1)
    #: A vendor's account is throttled by its owner, not only by the vendor: executions that workers begin in a minute, per household and vendor.
    starts_per_minute: int = Field(default=60, ge=1)
    #: Where this installation's cards can be read on the web: every link on a card begins with it, and no other is accepted as one of ours. None: a
    #: card has no link, because one that leads nowhere is worse than none.
    public_url: str | None = None
    #: For development: webhooks may then go to this very machine, also by plain http. To no other private address, ever.
    webhooks_allow_loopback: bool = False
    #: The iOS app that opens those links: Apple's team identifier and the app's bundle identifier. None: there is no such app.
    apple_app_id: str | None = Field(default=None, pattern=r"^[A-Z0-9]{10}\.[A-Za-z0-9.-]{1,155}$")
    #: A token that was forgotten on an old phone ends by itself; a season is long enough that nobody starts to share one.
    device_lives_s: int = Field(default=7_776_000, ge=60, le=31_622_400)
    #: How Halo is spoken to in a thread of messages. What does not begin with it, or answer a card, is never read.
    invocation: str = Field(default="halo", pattern=r"^[^\W\d_]{2,30}$")
    #: A file on another disk that remembers how far the log had come, so that a log cut short or put back is noticed. None: there is none.
    witness_file: Path | None = None
    #: Where the log of this process goes: a file (in the data directory, where it is no whole path), or `-` for stderr. Nowhere where not set: what a
    #: person reads stands on stderr, and what happened in the books.
    log_file: str | None = Field(default=None, min_length=1, pattern=r"^[^\x00]+$")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    #: Bounds what one message can cost to read and to keep.
    max_text_chars: int = Field(default=1_000_000, ge=1)
    #: Of a request to the server, where no long text is taken: many times what any of them needs, and nothing to wait for when it is read.
    max_body_bytes: int = Field(default=65_536, ge=1024, le=8_388_608)

    #: A caller that runs wild must not be what keeps the others waiting. A phone asks a few times a second at most: this leaves room for programs.
    calls_per_s: int = Field(default=200, ge=1)
    #: How many at once after a rest, such as an app that loads everything when it is opened.
    calls_burst: int = Field(default=1000, ge=1)
    #: By address. A person types one or two codes; whoever tries more is guessing.
    enrolments_per_minute: int = Field(default=10, ge=1)
    #: The server (docs/serving.md). From the first byte of a request, or from the connection where none came, until its headers are whole.
    serve_headers_s: float = Field(default=10, gt=0, le=600)
    #: From then until its body is. The greatest body comes in this over half a megabyte a second.
    serve_body_s: float = Field(default=20, gt=0, le=600)
    #: How long a connection that was answered may rest. Longer than a proxy before it rests its own, or the proxy finds them closed.
    serve_keep_alive_s: int = Field(default=75, ge=1, le=600)
    #: Each takes a file descriptor, of which a process often has 1,024.
    serve_connections: int = Field(default=800, ge=1)
    #: Requests under way at once; whoever comes then is told to come again. More than this only wait for the books.
    serve_requests: int = Field(default=64, ge=1)
    #: The addresses, or networks, of proxies before this server: `X-Forwarded-For` and `X-Forwarded-Proto` are believed from there and nowhere else.
    #: Nobody's by default: whoever else reaches this port, also from this machine, would choose the address that it is counted by.
    serve_trusted_proxies: tuple[str, ...] = ()
    #: After SIGTERM: how long requests under way may take to end; and before it stops listening, for a balancer that has to see it first.
    serve_drain_s: int = Field(default=30, ge=0, le=600)
    serve_drain_delay_s: float = Field(default=0, ge=0, le=600)
    #: Server-sent events: how many streams one device, and all of them, may have open.
    serve_streams_each: int = Field(default=5, ge=1)
    serve_streams: int = Field(default=200, ge=0)
    #: A line without meaning this often, so that nobody on the way takes a stream that rests for a dead one.
    serve_heartbeat_s: float = Field(default=15, gt=0, le=600)
    #: How often the log is looked at for all streams together.
    serve_poll_s: float = Field(default=0.5, gt=0, le=60)
    #: Who shows this may read `/metrics` from anywhere. Without it only this machine may.
    metrics_token: SecretStr | None = None
    #: Where traces go by OTLP over HTTP, such as http://127.0.0.1:4318; `OTEL_EXPORTER_OTLP_ENDPOINT` says it too. Nowhere where neither does.
    otel_endpoint: str | None = Field(default=None, pattern=r"^https?://[^\s?#@]+$")

    _secret_files: Mapping[str, str] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any) -> None:
        self._secret_files = (context or {}).get("secret_files", {})

    @field_validator("secret_key")
    @classmethod
    def _is_a_key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", key.get_secret_value()):
            raise ValueError("it must be 64 hexadecimal digits, as in secret.key")
        return key

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url and not _is_postgresql_url(url.get_secret_value()):
            raise ValueError("it must be a postgresql:// URL, and its port a number")
        return url

    @field_validator("witness_file", mode="before")
    @classmethod
    def _is_a_place(cls, path: Any) -> Any:
        # An empty one would be the home itself, and an unknown person's home an error without a name.
        if not isinstance(path, str | Path) or not str(path):
            return path or None
        if "\0" in str(path):
            raise ValueError("a file's name has no NUL character")
        try:
            return Path(path).expanduser()
        except RuntimeError:
            raise ValueError("there is no such home directory") from None

    @field_validator("openai_base_url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        # An empty one would send words and key to wherever the client thinks best.
        if url is not None and not re.fullmatch(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?", url):
            raise ValueError("it must be an http:// or https:// address without user, query or fragment")
        return url

    @field_validator("public_url")
    @classmethod
    def _is_a_site(cls, url: str | None) -> str | None:
        if url is None:
            return None
        # Far below what a link may be long, and without what could turn the rest of it into something else.
        if not re.fullmatch(r"https?://[A-Za-z0-9.\[\]:-]{1,255}(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,49}){0,5}/?", url):
            raise ValueError("it must be a plain http:// or https:// address without user, query or fragment")
        return url.removesuffix("/")

    @field_validator("lookup_waits_s", "retry_waits_s", "serve_trusted_proxies", mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        """The environment has only text: `5,30,120`."""
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("serve_trusted_proxies")
    @classmethod
    def _are_networks(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        # A name, or a star for everybody, would be no address of a proxy.
        return tuple(str(ip_network(address)) for address in addresses)

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_any_case(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @property
    def limits(self) -> Limits:
        """What may be confirmed at once, and in 24 hours."""
        day, everybodys = self.daily_spending_limit_cents, self.household_daily_spending_limit_cents
        return Limits(once=Money(cents=self.spending_limit_cents), member_a_day=Money(cents=day), household_a_day=Money(cents=everybodys))

    @property
    def secrets(self) -> tuple[SecretStr, ...]:
        """Every secret in here, for whoever has to see to it that none of them is written down."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(value for value in values if isinstance(value, SecretStr))

    @property
    def secret_files(self) -> Mapping[str, str]:
        """The secrets that were read from a file, each with that file as it was named. One that is no whole path is in `home`."""
        return self._secret_files

    @property
    def database_address(self) -> str | None:
        """The PostgreSQL URL in the clear, for whoever opens the books; None for SQLite."""
        return self.database_url.get_secret_value() if self.database_url else None

    @property
    def database_file(self) -> Path:
        """The SQLite file, where there is one."""
        return self.home / "halo.db"

    @property
    def simulator_file(self) -> Path:
        """The simulator's own books. Halo never reads them."""
        return self.home / "simulator" / "world.db"

    @property
    def model_key_file(self) -> Path:
        """Where the language model's key may stand."""
        return self.home / "openai.key"

    @property
    def key_file(self) -> Path:
        """The installation's secret where the settings do not give it: vendor keys are derived from it, so that nobody outside can guess one."""
        return self.home / "secret.key"

    @property
    def secret_is_in(self) -> str:
        """Where the installation's secret comes from, as a person would look for it."""
        return "HALO_SECRET_KEY" if self.secret_key else str(self.key_file)


#: The settings that are secrets. Each may stand in a file that `<name>_file` names.
SECRETS: Final = tuple(
    name for name, field in Settings.model_fields.items() if SecretStr in (field.annotation, *get_args(field.annotation))
)
_LONGEST_SECRET = 8_192


def load_settings(*, home: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings for `home` (default: `HALO_HOME`, else the platform's data directory).

    Raises `InvalidInput` for an unreadable file, an unknown name or a bad value, naming it.
    """
    place = home_of(home, environ=environ)
    in_environment = _from_environment(environ)
    said = _with_secrets(in_environment, place)
    # A file that the environment overrules is not even looked for.
    written = {name: value for name, value in _from_file(place / "config.toml").items() if name.removesuffix("_file") not in said}
    given: dict[str, Any] = _with_secrets(written, place) | said | {"home": place}
    try:
        return Settings.model_validate(given, context={"secret_files": _named_files(written) | _named_files(in_environment)})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        # Never the value: it may be a secret.
        words = (
            f"There is no setting {name!r}."
            if first["type"] == "extra_forbidden"
            else f"The setting {name!r} is not right: {first['msg']}."
        )
        raise InvalidInput(words, hint=f"Look at {place / 'config.toml'} and at HALO_*.") from None


def home_of(home: Path | None = None, *, environ: Mapping[str, str] = os.environ) -> Path:
    """The data directory that is meant, whatever is in it. Raises `InvalidInput` where it cannot be told."""
    home = home or Path(environ.get("HALO_HOME") or platformdirs.user_data_dir("halo", appauthor=False))
    try:
        return home.expanduser().absolute()
    except RuntimeError as error:
        raise InvalidInput(f"{home} has no home directory to start from.", hint="Name a directory with --home or HALO_HOME.") from error


def _is_postgresql_url(url: str) -> bool:
    """As it is read by whoever opens the books."""
    # Slow to import, and needed only where there is such a database.
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return url.startswith("postgresql://") and bool(make_url(url))
    except (ValueError, ArgumentError):
        return False


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}.", hint="Mend or remove the file.") from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    names = {*Settings.model_fields, *map(_file_of, SECRETS)} - {"home"}
    return {name: value for name in names if (value := environ.get(f"HALO_{name.upper()}")) is not None}


def _file_of(secret: str) -> str:
    return f"{secret}_file"


def _named_files(given: Mapping[str, Any]) -> dict[str, str]:
    return {secret: given[_file_of(secret)] for secret in SECRETS if _file_of(secret) in given}


def _with_secrets(given: Mapping[str, Any], home: Path) -> dict[str, Any]:
    """`given`, with what stands in the files that it names. A name that is no whole path is one in `home`."""
    named = _named_files(given)
    for secret in named.keys() & given.keys():
        hint = f"Leave out {secret} or {_file_of(secret)}: one of them would be forgotten when it is changed."
        raise InvalidInput(f"The setting {secret!r} is given twice: as it is, and by a file.", hint=hint)
    rest = {name: value for name, value in given.items() if name.removesuffix("_file") not in named}
    return rest | {secret: _read_secret(_file_of(secret), file, home) for secret, file in named.items()}


def _read_secret(setting: str, named: Any, home: Path) -> str:
    """The one line in a file, without its end. Never any of it is in what is raised."""
    if not isinstance(named, str) or not named or "\0" in named:
        raise InvalidInput(f"The setting {setting!r} names no file.", hint="Give the path of a file with nothing but the secret in it.")
    path = home / Path(named).expanduser()
    try:
        # Without waiting, because a pipe that nobody fills would keep every command waiting for ever.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            mode, raw = os.fstat(file.fileno()).st_mode, b""
            if stat.S_ISREG(mode):
                raw = file.read(_LONGEST_SECRET + 1)
    except OSError as error:
        hint = "Mount or write it there, where this user may read it."
        raise InvalidInput(f"{path}, which {setting} names, cannot be read: {error.strerror}.", hint=hint) from None
    if not stat.S_ISREG(mode):
        raise InvalidInput(
            f"{path}, which {setting} names, is no plain file.", hint="Give the path of a file with nothing but the secret in it."
        )
    # Being read by others is what a mount is for, and whose business it is; being written by others never is.
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise InvalidInput(f"{path}, which {setting} names, can be written by others.", hint=f"chmod go-w {path}")
    secret = raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", errors="replace")
    if not secret or len(raw) > _LONGEST_SECRET or not secret.isprintable() or "\ufffd" in secret:
        hint = "Write nothing but the secret into it, on one line."
        raise InvalidInput(f"{path}, which {setting} names, does not hold one line of text.", hint=hint)
    return secret
