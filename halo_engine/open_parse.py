"""Opens the parse step with the parser that the settings name: for the engine, and for `halo parse`, which needs words alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from pydantic import SecretStr

from halo_engine.clock import Clock
from halo_engine.model.errors import InvalidInput
from halo_engine.model.intent import Intent, VerbSpec
from halo_engine.parsing.fallback import Plain, Reader, WithFallback
from halo_engine.parsing.parser import ParseContext, Parser
from halo_engine.settings import Settings
from halo_engine.stages.parse import Parse
from halo_engine.verbs import VERBS


def words_reader(settings: Settings, clock: Clock) -> Callable[..., Intent]:
    """A reader of words alone, for `halo parse`: no household, no books, nothing kept."""
    parse = open_parse(settings)

    def read(text: str, *, now: datetime | None, zone: str | None, requested: tuple[str, ...]) -> Intent:
        said_at = now or clock.now()
        if not 1970 <= said_at.year <= 2100:
            raise InvalidInput("That time is not one in which anybody talks.", hint="Such as 2026-03-03T12:00:00Z.")
        try:
            context = ParseContext(now=said_at, zone=zone or "UTC", requested=requested)
        except ValueError as error:
            raise InvalidInput("That is not an IANA time zone.", hint="Such as America/New_York.") from error
        return parse.read(text, context)

    return read


def open_parse(settings: Settings) -> Parse:
    """The parse step with the parser that `settings` names."""
    specs = tuple(verb.spec for verb in VERBS.values())
    return Parse(_parser(settings, specs), VERBS, max_text_chars=settings.max_text_chars, minimum_confidence=settings.minimum_confidence)


def _parser(settings: Settings, specs: tuple[VerbSpec, ...]) -> Reader:
    def offline() -> Parser:
        from halo_engine.parsing.offline import OfflineParser

        return OfflineParser(specs)

    if settings.parser == "offline":
        return Plain(offline())
    model = _language_model(settings, specs)
    return WithFallback(model, offline) if settings.openai_fallback else model


def _language_model(settings: Settings, specs: tuple[VerbSpec, ...]) -> Reader:
    from halo_engine.parsing.language_model.key import model_key
    from halo_engine.parsing.language_model.openai_parser import OpenAIParser

    if settings.openai_base_url is None:
        raise InvalidInput("The openai parser needs an address.", hint="Set HALO_OPENAI_BASE_URL, such as http://127.0.0.1:8080/v1.")
    key = model_key(settings.openai_api_key, settings.model_key_file)
    if key is None and urlsplit(settings.openai_base_url).hostname not in ("127.0.0.1", "::1", "localhost"):
        hint = f"Set HALO_OPENAI_API_KEY, write it to {settings.model_key_file}, or keep it in the keyring. Any word will do where none is needed."
        raise InvalidInput("The openai parser needs a key.", hint=hint)
    return OpenAIParser(
        specs,
        base_url=settings.openai_base_url,
        model=settings.openai_model,
        api_key=key or SecretStr(""),
        timeout_s=settings.openai_timeout_s,
        reasoning_effort=settings.openai_reasoning_effort,
    )
