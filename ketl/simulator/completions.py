"""Answers chat completions: checks, admits under the limits, translates, times and bills each request."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

import orjson

from ketl.provider.models import MODELS, model_facts
from ketl.simulator import checking, refusals
from ketl.simulator.answers import Translator, WireRequest, read_wire
from ketl.simulator.chance import Draws, Fate, service_times
from ketl.simulator.config import SimulatorConfig
from ketl.simulator.damage import DAMAGE_KINDS, spoil
from ketl.simulator.limits import Gate, Limits
from ketl.simulator.models import REMEMBERED_AS_RETIRED, SERVED, ServedModel, model_row, reasoning_range, served
from ketl.simulator.pseudo import pseudo_localise
from ketl.simulator.refusals import Refusal
from ketl.simulator.stats import ModelStats, Stats
from ketl.simulator.tokens import count_tokens, cut_to_tokens

Mishap = Literal["reset", "hang", "cut_body"]
Header = tuple[bytes, bytes]

_CREATED = 1_735_689_600
_MOST_PREFIXES = 10_000
_SERVER_FAULTS = ("500", "503", "498")
_MISHAPS: Mapping[str | None, Mishap] = {"reset": "reset", "cut_body": "cut_body"}
_JSON_TYPE: Header = (b"content-type", b"application/json")
_REGION: Header = (b"x-groq-region", b"local")


class Exchange:
    """One request between its arrival and its answer.

    `delay_s` is how long the caller must wait before it calls `Chat.finish` and sends what that returns;
    `mishap` is what befalls the sending. A hung request is finished when its client gives up.
    """

    __slots__ = (
        "billed", "cached_tokens", "completion_tokens", "delay_s", "entry", "gate", "ident", "mishap", "payload",
        "prompt_tokens", "refusal", "reserved", "stats", "status",
    )  # fmt: skip

    def __init__(self, ident: int, stats: Stats) -> None:
        self.ident = ident
        self.stats = stats
        self.status = 200
        self.payload = b""
        self.delay_s = 0.0
        self.mishap: Mishap | None = None
        self.refusal: Refusal | None = None
        self.entry: ModelStats | None = None
        self.gate: Gate | None = None
        self.reserved = 0
        self.billed = False
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.cached_tokens = 0

    def refuse(self, refusal: Refusal) -> Exchange:
        """Make the answer an error."""
        self.refusal = refusal
        self.status = refusal.status
        self.payload = orjson.dumps({"error": refusal.error})
        return self


class Chat:
    """The models of one server with their limits, statistics and faults. The clock gives seconds."""

    def __init__(self, config: SimulatorConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.translator = Translator()
        self._number = 0
        self._prefixes: set[tuple[str, int]] = set()
        self.stats = Stats(clock)
        self.config = config
        self.reset()

    def configure(self, config: SimulatorConfig) -> None:
        """Go on with other settings: counts stay, scripted faults begin anew, buckets if limits or models change."""
        changed = (config.limits_by_model(), config.models) != (self.config.limits_by_model(), self.config.models)
        self.config = config
        self._fate = Fate(config)
        if changed:
            self._open_gates()

    def reset(self) -> None:
        """Start anew: full buckets, no counts, faults from the beginning."""
        self._fate = Fate(self.config)
        self._prefixes.clear()
        self.stats = Stats(self._clock)
        self._open_gates()

    def _open_gates(self) -> None:
        limits = self.config.limits_by_model()
        ids = list(SERVED) if self.config.models is None else self.config.models
        every_other = limits.get("*", Limits())
        self._models = {ident: SERVED.get(ident) or served(model_facts(ident)) for ident in ids}
        self._gates = {ident: Gate(limits.get(ident, every_other), self._clock) for ident in ids}

    def models(self) -> list[dict[str, object]]:
        """Return the rows of `GET /models`: every model that is not retired."""
        return [model_row(model, _CREATED) for ident, model in self._models.items() if not self._is_retired(ident)]

    def key_is_good(self, authorization: str) -> bool:
        """Tell whether an `Authorization` header holds a key that this server accepts."""
        keys = self.config.keys
        return not keys or authorization.removeprefix("Bearer ").strip() in keys

    def begin(self, raw: bytes | bytearray, *, authorization: str = "", batch: bool = False) -> Exchange:
        """Take a request in: everything but the waiting. A batch line is neither limited nor delayed."""
        self._number += 1
        exchange = Exchange(self._number, self.stats)
        if not self.key_is_good(authorization):
            return exchange.refuse(refusals.invalid_key())
        try:
            body = orjson.loads(raw)
        except ValueError:
            return exchange.refuse(refusals.invalid("The request body is not valid JSON."))
        refusal = checking.check_shape(body)
        if refusal:
            return exchange.refuse(refusal)
        ident: str = body["model"]
        entry = exchange.entry = self.stats.enter(ident)
        model = self._models.get(ident)
        if model is None or self._is_retired(ident, entry.requests - 1):
            return exchange.refuse(self._gone(ident))
        refusal = checking.check_values(body, model)
        if refusal:
            return exchange.refuse(refusal)
        self._answer(exchange, body, model, limited=not batch)
        return exchange

    def finish(self, exchange: Exchange, *, delivered: bool = True) -> list[Header]:
        """Bill the request, give back what it had reserved in vain, and return the headers of its answer."""
        gate = exchange.gate
        prompt, completion = exchange.prompt_tokens, exchange.completion_tokens
        if not exchange.billed:
            completion = 0
        if exchange.reserved and gate is not None and self.config.settle:
            kept = prompt - exchange.cached_tokens + completion if exchange.billed else 0
            gate.settle(prompt + exchange.reserved - kept, exchange.reserved - completion)
            exchange.reserved = 0
        entry = exchange.entry
        if entry is not None:
            outcome = exchange.mishap or (str(exchange.status) if delivered else "499")
            if exchange.billed:
                entry.prompt_tokens += prompt
                entry.completion_tokens += completion
                entry.cached_tokens += exchange.cached_tokens
                entry.busy_s += exchange.delay_s
            exchange.stats.leave(entry, outcome)
            exchange.entry = None
        headers = [_JSON_TYPE, _REGION, (b"x-request-id", b"req_%026d" % exchange.ident)]
        if gate is not None:
            headers += gate.headers()
        if exchange.refusal is not None:
            headers += exchange.refusal.headers
        return headers

    def _is_retired(self, ident: str, answered: int | None = None) -> bool:
        config = self.config
        if ident in config.retired:
            return True
        if answered is None:
            entry = self.stats.models.get(ident)
            answered = entry.requests if entry else 0
        if answered >= config.retire_after_requests.get(ident, answered + 1):
            return True
        after_s = config.retire_after_s.get(ident)
        return after_s is not None and self._clock() - self.stats.started_s >= after_s

    def _gone(self, ident: str) -> Refusal:
        known = MODELS.get(ident)
        if ident in self._models:
            remembered = self.config.retired_code == "model_decommissioned"
        else:
            remembered = ident in REMEMBERED_AS_RETIRED or (known is not None and known.retired_on is not None)
        return refusals.decommissioned(ident) if remembered else refusals.unknown_model(ident)

    def _answer(self, exchange: Exchange, body: dict[str, Any], model: ServedModel, *, limited: bool) -> None:
        """Admit the request, decide its fate, and prepare the answer with its tokens and times."""
        messages: list[dict[str, str]] = body["messages"]
        content = next((m["content"] for m in reversed(messages) if m["role"] == "user"), messages[-1]["content"])
        draws = Draws(self.config.seed, model.id, *(message["content"] for message in messages))
        prompt_tokens = exchange.prompt_tokens = _prompt_tokens(body, messages)
        most = checking.completion_ceiling(body)
        if prompt_tokens + most > model.facts.context_tokens:
            message = "Please reduce the length of the messages or completion."
            exchange.refuse(refusals.invalid(message, code="context_length_exceeded", param="messages"))
            return
        if limited:
            gate = exchange.gate = self._gates[model.id]
            short = gate.admit(prompt_tokens, most)
            if short is not None:
                exchange.refuse(refusals.limited(model.id, short))
                return
            exchange.reserved = most
        wire = read_wire(content)
        tag = wire.tag if wire else "und"
        if wire is not None:
            for source in wire.segments.values():
                self.stats.see(model.id, tag, source)
        fault = self._fate.fault(draws, model=model.id, tag=tag, content=content)
        if fault in _SERVER_FAULTS:
            self.stats.faults[fault] += 1
            exchange.refuse(refusals.server_failure(int(fault), model.id))
            exchange.delay_s = service_times(self.config, model, draws, prompt_tokens, 0)[0]
            return
        if fault == "hang" and limited:
            self.stats.faults[fault] += 1
            exchange.mishap = "hang"
            return
        self._write(exchange, body, model, draws, wire, content, fault)

    def _write(
        self,
        exchange: Exchange,
        body: dict[str, Any],
        model: ServedModel,
        draws: Draws,
        wire: WireRequest | None,
        content: str,
        fault: str | None,
    ) -> None:
        """Write the answer itself: text, reasoning, usage and time, spoilt by `fault` if there is one."""
        exchange.billed = True
        as_json = checking.wants_json(body)
        text, applied = self._text(wire, content, fault, as_json=as_json, pick=draws.digest[0])
        most = checking.completion_ceiling(body)
        effort = body.get("reasoning_effort") or model.default_effort
        reasoning_tokens = round(draws.even(2, *reasoning_range(model.id, effort)))
        text_tokens = count_tokens(text)
        out_of_tokens = reasoning_tokens + text_tokens > most
        if out_of_tokens:
            reasoning_tokens = min(reasoning_tokens, most)
            text = cut_to_tokens(text, most - reasoning_tokens)
            text_tokens = most - reasoning_tokens
        exchange.completion_tokens = completion_tokens = reasoning_tokens + text_tokens
        exchange.cached_tokens = self._cached_tokens(model, body["messages"])
        queue_s, prompt_s, completion_s = service_times(
            self.config, model, draws, exchange.prompt_tokens, completion_tokens
        )
        if fault == "straggler":
            applied = True
            queue_s, completion_s = (s * self.config.straggler_factor for s in (queue_s, completion_s))
        elif fault in _MISHAPS:
            applied = True
            exchange.mishap = _MISHAPS[fault]
        if fault is not None and applied:
            self.stats.faults[fault] += 1
        exchange.delay_s = queue_s + prompt_s + completion_s
        if out_of_tokens and as_json:
            exchange.refuse(refusals.json_not_valid(text, out_of_tokens=True))
            return
        message: dict[str, str] = {"role": "assistant", "content": text}
        if reasoning_tokens:
            _show_reasoning(message, body, model, as_json=as_json)
        exchange.payload = orjson.dumps(
            {
                "id": f"chatcmpl-{draws.digest[:12].hex()}{exchange.ident:08x}",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": model.id,
                "choices": [
                    {
                        "index": 0,
                        "message": message,
                        "logprobs": None,
                        "finish_reason": "length" if out_of_tokens else "stop",
                    }
                ],
                "usage": {
                    "queue_time": queue_s,
                    "prompt_tokens": exchange.prompt_tokens,
                    "prompt_time": prompt_s,
                    "completion_tokens": completion_tokens,
                    "completion_time": completion_s,
                    "total_tokens": exchange.prompt_tokens + completion_tokens,
                    "total_time": prompt_s + completion_s,
                    "prompt_tokens_details": {"cached_tokens": exchange.cached_tokens},
                    "completion_tokens_details": {"reasoning_tokens": reasoning_tokens},
                },
                "system_fingerprint": "fp_demo",
                "x_groq": {"id": f"req_{exchange.ident:026d}", "seed": self.config.seed},
                "service_tier": "on_demand",
            }
        )

    def _text(
        self, wire: WireRequest | None, content: str, fault: str | None, *, as_json: bool, pick: int
    ) -> tuple[str, bool]:
        """Return the text of the answer, and whether `fault` spoilt it."""
        if wire is None:
            if fault == "empty":
                return "", True
            text = pseudo_localise(content, "Latn")
            return (orjson.dumps({"text": text}).decode() if as_json else text), False
        texts = self.translator.answer(wire)
        if fault in DAMAGE_KINDS and fault is not None:
            return spoil(fault, dict(wire.segments), texts, tag=wire.tag, pick=pick)
        return orjson.dumps(texts).decode(), False

    def _cached_tokens(self, model: ServedModel, messages: list[dict[str, str]]) -> int:
        """Return how much of the prompt was seen before: the system message, in whole blocks of 128 tokens."""
        if not model.caches_prompts or messages[0]["role"] != "system":
            return 0
        blocks = count_tokens(messages[0]["content"]) // 128
        prefix = (model.id, hash(messages[0]["content"]))
        if not blocks or prefix in self._prefixes:
            return blocks * 128
        if len(self._prefixes) >= _MOST_PREFIXES:
            self._prefixes.clear()
        self._prefixes.add(prefix)
        return 0


def _prompt_tokens(body: dict[str, Any], messages: list[dict[str, str]]) -> int:
    """Return the prompt's tokens: the messages, four for the frame of each, and the schema if there is one."""
    tokens = 3 + sum(4 + count_tokens(message["content"]) for message in messages)
    response_format = body.get("response_format")
    if isinstance(response_format, dict) and "json_schema" in response_format:
        tokens += len(orjson.dumps(response_format["json_schema"])) // 4
    return tokens


def _show_reasoning(message: dict[str, str], body: dict[str, Any], model: ServedModel, *, as_json: bool) -> None:
    thought = "The text is short product copy; numbers, codes and keys stay as they are."
    if model.hides_format:
        if body.get("include_reasoning") is not False:
            message["reasoning"] = thought
        return
    shown_as = body.get("reasoning_format") or ("parsed" if as_json else "raw")
    if shown_as == "parsed":
        message["reasoning"] = thought
    elif shown_as == "raw":
        message["content"] = f"<think>\n{thought}\n</think>\n\n{message['content']}"
