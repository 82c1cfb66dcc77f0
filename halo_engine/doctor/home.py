"""The data directory: who can read what in it, the keys, and settings that contradict each other."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from halo_engine.doctor.finding import Finding, ok, problem, warning
from halo_engine.model.errors import HaloError
from halo_engine.settings import Settings
from halo_engine.store import secret_files

_SECRET_FILES = (*secret_files.FILES, "halo.db", "halo.db-wal", "halo.db-shm", "signed-head.json")
_OTHERS = 0o077
_SIMULATED = "simulator.invalid"


def directory(home: Path) -> Iterator[Finding]:
    if not home.exists():
        yield problem("home", f"There is no data directory yet: {home}", at("halo init", home))
        return
    found = home.stat()
    if not stat.S_ISDIR(found.st_mode):
        yield problem("home", f"{home} is no directory.", "Name another one with --home")
    elif found.st_uid != os.geteuid() and os.geteuid() != 0:
        yield problem("home", f"{home} belongs to somebody else.", f"chown -R {os.geteuid()} {_quoted(home)}")
    elif found.st_mode & _OTHERS:
        yield problem("home", f"{home} can be entered by others.", f"chmod 700 {_quoted(home)}")
    elif not os.access(home, os.W_OK | os.X_OK) or os.statvfs(home).f_flag & os.ST_RDONLY:
        yield problem("home", f"{home} cannot be written.", f"ls -ld {_quoted(home)}; mount")
    else:
        yield ok("home", f"{home}, for you alone")


def modes(home: Path) -> Iterator[Finding]:
    """Every file with something secret in it, and every folder of such files."""
    if not home.is_dir():
        return
    files = [path for name in _SECRET_FILES if (path := home / name).exists()]
    folders = [path for name in secret_files.FOLDERS if (path := home / name).is_dir()]
    files += [path for name in secret_files.FOLDERS for path in sorted((home / name).glob("*")) if path.is_file()]
    if secret_files.holds_secrets(home / "config.toml"):
        files.append(home / "config.toml")
    open_ones = [path for path in (*files, *folders) if path.stat().st_mode & _OTHERS]
    for path in open_ones:
        yield problem("modes", f"{path} can be read by others.", f"chmod {'700' if path.is_dir() else '600'} {_quoted(path)}")
    if files and not open_ones:
        yield ok("modes", f"{len(files)} files with secrets in them, for you alone")


def secret(settings: Settings) -> Iterator[Finding]:
    """The installation's secret is there. Whether it is that of the books, `books.key` says."""
    if settings.secret_key is not None:
        yield ok("secret_key", "The installation's secret is given by the settings")
    elif settings.key_file.exists():
        text = settings.key_file.read_text(encoding="ascii", errors="replace").strip()
        if len(text) == 64 and all(digit in "0123456789abcdef" for digit in text.lower()):
            yield ok("secret_key", f"{settings.key_file} is there")
        else:
            yield problem(
                "secret_key", f"{settings.key_file} is not complete.", "Put it back from a backup: docs/howto/back-up-and-restore.md"
            )
    elif settings.database_file.exists() or settings.database_url:
        said = f"{settings.key_file} is not there: vendors know our orders by keys made with it."
        yield problem("secret_key", said, "Put it back from a backup: docs/howto/back-up-and-restore.md")


def language_model(settings: Settings) -> Iterator[Finding]:
    """A parser that is asked over HTTP has an address, and a key where it needs one."""
    if settings.parser == "offline":
        yield ok("parser", "Words are read offline")
        return
    from halo_engine.parsing.language_model.key import model_key

    if settings.openai_base_url is None:
        yield problem("parser", "The openai parser has no address.", "export HALO_OPENAI_BASE_URL=http://127.0.0.1:8080/v1")
        return
    if urlsplit(settings.openai_base_url).hostname in ("127.0.0.1", "::1", "localhost"):
        yield ok("parser", "Words are read by a model on this machine")
        return
    try:
        has_key = model_key(settings.openai_api_key, settings.model_key_file) is not None
    except HaloError as error:
        yield problem("parser", error.message, error.hint)
        return
    if has_key:
        yield ok("parser", "Words are read by a language model, and its key is there")
    else:
        yield problem(
            "parser", "The language model's key is missing.", f"Write it to {settings.model_key_file}; chmod 600 {settings.model_key_file}"
        )


def contradictions(settings: Settings) -> Iterator[Finding]:
    """Settings that are right one by one, and not together."""
    found = list(_contradictions(settings))
    yield from found or [ok("settings", "The settings fit together")]


def _contradictions(settings: Settings) -> Iterator[Finding]:
    name, mend = "settings", "See what each is for: docs/reference/settings.md"
    if settings.vendors == "live":
        simulated = [f"HALO_{each.upper()}" for each in VENDOR_URLS if _SIMULATED in str(getattr(settings, each))]
        if simulated:
            yield problem(name, f"Vendors are live, and these are not set: {', '.join(simulated)}", "Set them, or HALO_VENDORS=simulator")
        if settings.webhooks_allow_loopback:
            yield warning(name, "Webhooks may go to this very machine, which is for development.", "Unset HALO_WEBHOOKS_ALLOW_LOOPBACK")
    if settings.spending_limit_cents > settings.daily_spending_limit_cents:
        yield warning(name, "One order may cost more than a member's whole day.", mend)
    if settings.daily_spending_limit_cents > settings.household_daily_spending_limit_cents:
        yield warning(name, "One member may spend more in a day than the household.", mend)
    if settings.database_url is not None and settings.database_file.exists():
        yield warning(
            name, f"The books are in PostgreSQL, and there are others in {settings.database_file}", "Move away the file that is not meant"
        )
    if settings.apple_app_id and not settings.public_url:
        yield warning(name, "There is an app to open links, and no HALO_PUBLIC_URL that they begin with.", mend)


#: The settings that say where a vendor is.
VENDOR_URLS = ("amazon_url", "amazon_auth_url", "zinc_url", "resy_url", "square_url", "subscriptions_url")


def at(command: str, home: Path) -> str:
    """The command, for this home."""
    return f"{command} --home {_quoted(home)}"


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
