"""The parser that asks a language model over an OpenAI-compatible API, local or remote.

The model only ever fills the schema. Its answer is hostile input: read by a hardened loader, checked against the words (`provenance`), then
by the verb's own model (`finish`). Whatever goes wrong is an `Unread`, which is a `ParserFailed` that says why and what was spent;
`fallback.py` may then let the offline parser answer. Answers are read as a stream, because only so can a trickling or endless one be cut off
at the deadline and the size cap.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential, wait_random

from halo_engine.model.intent import UNSUPPORTED, Intent, VerbSpec
from halo_engine.model.reading import Reading, Spoke
from halo_engine.model.strict_json import JsonError, loads
from halo_engine.parsing.fallback import Unread
from halo_engine.parsing.language_model.prompt import Prompt, prompt, rules_sha256
from halo_engine.parsing.language_model.provenance import Contradicted, located, supported
from halo_engine.parsing.language_model.schema import answer_schema, system_prompt
from halo_engine.parsing.parser import ParseContext, finish, unchanged
from halo_engine.parsing.values import amounts
from halo_engine.parsing.values.folding import fold

#: More of a text than this is not sent: the cost of one message is bounded.
SENT_CHARS = 8_000

_MAX_BYTES = 512_000
_ATTEMPTS = 3
#: Servers differ in what they take: newer models refuse a temperature, older servers the newer name for the bound. The first that works is kept.
_FORMS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("max_completion_tokens", {"temperature": 0}),
    ("max_completion_tokens", {}),
    ("max_tokens", {"temperature": 0}),
)
_NOT_TAKEN = frozenset({400, 422})


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Message(_Lenient):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[Any] | None = None
    function_call: Any = None


class _Choice(_Lenient):
    finish_reason: str | None = None
    message: _Message


class _Completion(_Lenient):
    choices: list[_Choice] = Field(min_length=1, max_length=8)
    usage: Any = None


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


@dataclass
class _Spent:
    """What one reading cost so far."""

    began: float
    attempts: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class OpenAIParser:
    """Asks `model` at `base_url`. `timeout_s` bounds one reading altogether, with up to two retries on connection errors, 429 and 5xx."""

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
        reasoning_effort: str | None = None,
        max_tokens: int = 4_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        # Half a second to import, which nobody who parses offline should pay.
        import httpx2
        import openai

        from halo_engine.parsing.language_model import http

        self._openai, self._broken = openai, (httpx2.HTTPError, httpx2.StreamError, OSError)
        key = api_key.get_secret_value() or "none"
        self._client = openai.OpenAI(base_url=base_url, api_key=key, timeout=timeout_s, max_retries=0, http_client=http.client())
        self._specs, self._model = specs, model
        self._timeout_s, self._retry_wait_s, self._monotonic = timeout_s, retry_wait_s, monotonic
        self._system, self._schema = system_prompt(specs), answer_schema(specs)
        self._rules_sha256 = rules_sha256(self._system, self._schema)
        self._extra: dict[str, Any] = {"reasoning_effort": reasoning_effort} if reasoning_effort else {}
        self._max_tokens, self._form = max_tokens, 0

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def read(self, text: str, context: ParseContext) -> Reading:
        """The intent, and what it took. Raises `Unread`, with what it took."""
        spent = _Spent(began=self._monotonic())
        # Half a surrogate pair cannot be sent; one character for one, so that offsets stay right.
        asked = prompt(self._system, text[:SENT_CHARS].encode("utf-8", "replace").decode(), context)
        try:
            intent = self._read(text, context, asked, spent)
        except Unread as error:
            error.spoke = self._spoke(asked, spent)
            raise
        return Reading(intent=intent, spoke=self._spoke(asked, spent))

    def _read(self, text: str, context: ParseContext, asked: Prompt, spent: _Spent) -> Intent:
        current = context.current
        # A limit in a currency that Halo does not buy in cannot be kept, so it is not read at all.
        if not text.strip() or amounts.names_other_currency(fold(text[:SENT_CHARS])):
            return unchanged(current) if current else Intent.unsupported()
        completion = _completion(self._ask(asked, spent))
        spent.prompt_tokens, spent.completion_tokens = _tokens(completion)
        return self._checked(_answer(_content(completion)), text[:SENT_CHARS], context)

    def _spoke(self, asked: Prompt, spent: _Spent) -> Spoke:
        if not spent.attempts:
            return Spoke(parser=self.name, latency_ms=self._ms_since(spent.began))
        return Spoke(
            parser=self.name,
            latency_ms=self._ms_since(spent.began),
            model=self._model,
            prompt=asked.redacted,
            rules_sha256=self._rules_sha256,
            prompt_tokens=spent.prompt_tokens,
            completion_tokens=spent.completion_tokens,
            attempts=spent.attempts,
        )

    def _ms_since(self, began: float) -> int:
        return max(0, round((self._monotonic() - began) * 1000))

    def _checked(self, answer: _Answer, text: str, context: ParseContext) -> Intent:
        """What of the answer stands up to the words and to the verb's own model."""
        current = context.current
        if current is not None and answer.verb != current.verb:
            return unchanged(current)
        if answer.verb == UNSUPPORTED:
            return Intent.unsupported(confidence=answer.confidence)
        try:
            params = supported(answer.verb, answer.params.get(answer.verb) or {}, text, context)
        except Contradicted as error:
            raise Unread("contradicted", "The language model's answer says something else than the words.") from error
        entities = located([(span.type, span.text) for span in answer.entities], text)
        remainder = answer.remainder if answer.remainder and answer.remainder in text else None
        read = Intent(verb=answer.verb, confidence=answer.confidence, entities=entities, params=params, remainder=remainder)
        intent = finish(read, self._specs)
        if intent.verb == UNSUPPORTED:
            if current is not None:
                return unchanged(current)
            raise Unread("unfit", "The language model's answer does not fit the request it names.")
        return intent

    def _ask(self, asked: Prompt, spent: _Spent) -> bytes:
        """The body of the completion."""
        deadline = spent.began + self._timeout_s
        patient = wait_exponential(multiplier=self._retry_wait_s, max=4 * self._retry_wait_s) + wait_random(0, self._retry_wait_s)

        def wait_s(state: RetryCallState) -> float:
            return min(patient(state), max(0.0, deadline - self._monotonic()))

        retrying = Retrying(
            retry=retry_if_exception(self._may_pass),
            stop=lambda state: state.attempt_number >= _ATTEMPTS or self._monotonic() + self._retry_wait_s >= deadline,
            wait=wait_s,
            reraise=True,
        )
        try:
            return retrying(self._negotiated, asked, spent, deadline)
        except Unread:
            raise
        except self._openai.APIStatusError as error:
            raise Unread(f"status_{error.status_code}", f"The language model's server answered {error.status_code}.") from error
        except (self._openai.OpenAIError, UnicodeError, *self._broken) as error:
            if self._monotonic() >= deadline or isinstance(error, self._openai.APITimeoutError):
                raise self._late() from error
            raise Unread("unreachable", "The language model could not be reached.") from error

    def _late(self) -> Unread:
        return Unread("late", f"The language model did not answer within {self._timeout_s:g} seconds.")

    def _negotiated(self, asked: Prompt, spent: _Spent, deadline: float) -> bytes:
        """One attempt, in the first form that the server takes."""
        for form in range(self._form, len(_FORMS)):
            try:
                body = self._attempt(asked, spent, deadline, form)
            except self._openai.APIStatusError as error:
                if error.status_code not in _NOT_TAKEN or form == len(_FORMS) - 1:
                    raise
            else:
                self._form = form
                return body
        raise AssertionError("there is always a form to try")

    def _attempt(self, asked: Prompt, spent: _Spent, deadline: float, form: int) -> bytes:
        left_s = deadline - self._monotonic()
        if left_s <= 0:
            raise self._late()
        spent.attempts += 1
        bound, more = _FORMS[form]
        asking = self._client.chat.completions.with_streaming_response.create(
            model=self._model,
            messages=asked.messages,
            response_format={"type": "json_schema", "json_schema": {"name": "request", "strict": True, "schema": self._schema}},
            timeout=left_s,
            extra_headers={"Accept-Encoding": "identity"},
            **{bound: self._max_tokens, **more, **self._extra},
        )
        body = bytearray()
        with asking as response:
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                # Never unpacked: a few kilobytes can unfold into all the memory there is.
                raise Unread("compressed", "The language model's answer came compressed, which was not asked for.")
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise Unread("too_long", "The language model's answer is too long.")
                if self._monotonic() > deadline:
                    raise self._late()
        return bytes(body)

    def _may_pass(self, error: BaseException) -> bool:
        """Whether asking again may help."""
        if isinstance(error, self._openai.APIStatusError):
            return error.status_code == 429 or error.status_code >= 500
        return isinstance(error, (self._openai.APIConnectionError, *self._broken))


def _completion(body: bytes) -> _Completion:
    try:
        return _Completion.model_validate(loads(body))
    except (JsonError, ValidationError) as error:
        raise Unread("not_a_completion", "The language model's server answered something that is not a completion.") from error


def _tokens(completion: _Completion) -> tuple[int | None, int | None]:
    """Tokens of the prompt and of the answer, where the server counted them; it may say anything here."""
    usage = completion.usage if isinstance(completion.usage, dict) else {}
    prompt_tokens, answer_tokens = (usage.get(name) for name in ("prompt_tokens", "completion_tokens"))
    return _count(prompt_tokens), _count(answer_tokens)


def _count(claimed: Any) -> int | None:
    return claimed if isinstance(claimed, int) and not isinstance(claimed, bool) and 0 <= claimed <= 10**9 else None


def _content(completion: _Completion) -> str:
    """What the model wrote, if it finished writing and wrote nothing else. Raises `Unread`."""
    choice = completion.choices[0]
    if choice.message.refusal:
        raise Unread("refused", "The language model refused to read this.")
    if choice.message.tool_calls or choice.message.function_call or choice.finish_reason in ("tool_calls", "function_call"):
        raise Unread("tool_call", "The language model tried to call a tool; there are none.")
    if choice.finish_reason == "length":
        raise Unread("cut_off", "The language model's answer was cut off.")
    if choice.finish_reason not in ("stop", None):
        raise Unread("stopped", "The language model stopped before it had answered.")
    if not (choice.message.content or "").strip():
        raise Unread("empty", "The language model's answer is empty.")
    return choice.message.content or ""


def _answer(content: str) -> _Answer:
    try:
        return _Answer.model_validate(loads(content.encode(errors="surrogatepass")))
    except (JsonError, ValidationError) as error:
        raise Unread("wrong_form", "The language model's answer is not of the form that was asked for.") from error
