"""The parser that asks a language model over an OpenAI-compatible API, local or remote.

The model only ever fills the schema. Its answer is hostile input: read by a hardened loader, checked against the words (`provenance`), then
by the verb's own model (`finish`). Whatever goes wrong is a `ParserFailed`; the caller may fall back to the offline parser. Responses are
read as a stream, because only so can a trickling or endless one be cut off at the deadline and the size cap.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from tenacity import Retrying, retry_if_exception, wait_exponential, wait_random

from halo_engine.model.errors import ParserFailed
from halo_engine.model.intent import UNSUPPORTED, Intent, VerbSpec
from halo_engine.model.strict_json import JsonError, loads
from halo_engine.parsing.parser import ParseContext, finish, unchanged
from halo_engine.parsing.provenance import located, supported
from halo_engine.parsing.schema import answer_schema, system_prompt

#: More of a text than this is not sent: the cost of one message is bounded.
SENT_CHARS = 8_000

_MAX_BYTES = 512_000
_MAX_TOKENS = 2_000
_ATTEMPTS = 3


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Message(_Lenient):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[Any] | None = None


class _Choice(_Lenient):
    finish_reason: str | None = None
    message: _Message


class _Completion(_Lenient):
    choices: list[_Choice] = Field(min_length=1, max_length=8)


class _Span(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    type: str
    text: str


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    verb: str
    confidence: float = Field(ge=0, le=1)
    entities: list[_Span]
    params: dict[str, dict[str, Any] | None]
    remainder: str | None


class OpenAIParser:
    """Asks `model` at `base_url`. `timeout_s` bounds one parse altogether, with up to two retries on connection errors, 429 and 5xx."""

    name = "openai"

    def __init__(
        self,
        specs: tuple[VerbSpec, ...],
        *,
        base_url: str,
        model: str,
        api_key: SecretStr,
        timeout_s: float = 20.0,
        retry_wait_s: float = 0.5,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        # Half a second to import, which nobody who parses offline should pay.
        import openai

        self._openai = openai
        # No redirects: the key and the household's words go to the one address that was configured.
        http = openai.DefaultHttpx2Client(timeout=timeout_s, follow_redirects=False, event_hooks={"response": [_leave_errors_unread]})
        key = api_key.get_secret_value() or "none"
        self._client = openai.OpenAI(base_url=base_url, api_key=key, timeout=timeout_s, max_retries=0, http_client=http)
        self._specs, self._model = specs, model
        self._timeout_s, self._retry_wait_s, self._monotonic = timeout_s, retry_wait_s, monotonic
        self._system = system_prompt(specs)
        self._schema = answer_schema(specs)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def parse(self, text: str, context: ParseContext) -> Intent:
        """The intent of `text` as the model reads it, as far as the words support it. Raises ParserFailed."""
        if not text.strip():
            return unchanged(context.current) if context.current else Intent.unsupported()
        sent = text[:SENT_CHARS].encode("utf-8", "replace").decode()
        answer = _answer(_content(self._ask(sent, context)))
        return self._checked(answer, text[:SENT_CHARS], context.current)

    def _checked(self, answer: _Answer, text: str, current: Intent | None) -> Intent:
        """What of the answer stands up to the words and to the verb's own model."""
        if current is not None and answer.verb != current.verb:
            return unchanged(current)
        if answer.verb == UNSUPPORTED:
            return Intent.unsupported(confidence=answer.confidence)
        params = supported(answer.params.get(answer.verb) or {}, text, current.params if current else None)
        entities = located([(span.type, span.text) for span in answer.entities], text)
        remainder = answer.remainder if answer.remainder and answer.remainder in text else None
        read = Intent(verb=answer.verb, confidence=answer.confidence, entities=entities, params=params, remainder=remainder)
        intent = finish(read, self._specs)
        if intent.verb == UNSUPPORTED:
            if current is not None:
                return unchanged(current)
            raise ParserFailed("The language model's answer does not fit the request it names.")
        return intent

    def _ask(self, text: str, context: ParseContext) -> bytes:
        """The body of the completion."""
        deadline = self._monotonic() + self._timeout_s
        retrying = Retrying(
            retry=retry_if_exception(self._may_pass),
            stop=lambda state: state.attempt_number >= _ATTEMPTS or self._monotonic() + self._retry_wait_s >= deadline,
            wait=wait_exponential(multiplier=self._retry_wait_s, max=4 * self._retry_wait_s) + wait_random(0, self._retry_wait_s),
            reraise=True,
        )
        try:
            return retrying(self._attempt, text, context, deadline)
        except self._openai.APITimeoutError as error:
            raise ParserFailed(f"The language model did not answer within {self._timeout_s:g} seconds.") from error
        except self._openai.APIStatusError as error:
            raise ParserFailed(f"The language model's server answered {error.status_code}.") from error
        except (self._openai.OpenAIError, UnicodeError) as error:
            raise ParserFailed("The language model could not be reached.") from error

    def _attempt(self, text: str, context: ParseContext, deadline: float) -> bytes:
        left_s = deadline - self._monotonic()
        if left_s <= 0:
            raise ParserFailed(f"The language model did not answer within {self._timeout_s:g} seconds.")
        asking = self._client.chat.completions.with_streaming_response.create(
            model=self._model,
            messages=[
                {"role": "system", "content": self._system},
                {"role": "user", "content": _situation(context)},
                {"role": "user", "content": text},
            ],
            response_format={"type": "json_schema", "json_schema": {"name": "request", "strict": True, "schema": self._schema}},
            temperature=0,
            max_tokens=_MAX_TOKENS,
            timeout=left_s,
            extra_headers={"Accept-Encoding": "identity"},
        )
        body = bytearray()
        with asking as response:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise ParserFailed("The language model's answer is too long.")
                if self._monotonic() > deadline:
                    raise ParserFailed(f"The language model did not answer within {self._timeout_s:g} seconds.")
        return bytes(body)

    def _may_pass(self, error: BaseException) -> bool:
        """Whether asking again may help."""
        if isinstance(error, self._openai.APIStatusError):
            return error.status_code == 429 or error.status_code >= 500
        return isinstance(error, self._openai.APIConnectionError)


def _leave_errors_unread(response: Any) -> None:
    # The client would read an error's whole body, however long or slow, before it raised; its status says enough.
    if not response.is_success:
        response.close()


def _situation(context: ParseContext) -> str:
    """When, where and about what the message was written, as data."""
    local = context.now.astimezone(ZoneInfo(context.zone))
    current = context.current
    situation: dict[str, Any] = {"now": f"{local:%A %Y-%m-%d %H:%M}", "zone": context.zone}
    situation["current"] = {"verb": current.verb, "params": current.params} if current else None
    situation |= {"just_asked_for": context.requested, "subscriptions": context.subscriptions[:50], "bundles": context.bundles[:50]}
    return "Situation: " + json.dumps(situation) + "\nThe next message is the household member's."


def _content(body: bytes) -> str:
    """What the model wrote, if it finished writing and wrote nothing else. Raises ParserFailed."""
    try:
        choice = _Completion.model_validate(loads(body)).choices[0]
    except (JsonError, ValidationError) as error:
        raise ParserFailed("The language model's server answered something that is not a completion.") from error
    if choice.message.refusal:
        raise ParserFailed("The language model refused to read this.")
    if choice.message.tool_calls or choice.finish_reason in ("tool_calls", "function_call"):
        raise ParserFailed("The language model tried to call a tool; there are none.")
    if choice.finish_reason == "length":
        raise ParserFailed("The language model's answer was cut off.")
    if choice.finish_reason not in ("stop", None):
        raise ParserFailed("The language model stopped before it had answered.")
    if not (choice.message.content or "").strip():
        raise ParserFailed("The language model's answer is empty.")
    return choice.message.content or ""


def _answer(content: str) -> _Answer:
    try:
        return _Answer.model_validate(loads(content.encode(errors="surrogatepass")))
    except (JsonError, ValidationError) as error:
        raise ParserFailed("The language model's answer is not of the form that was asked for.") from error
