"""Refuses the request values that the provider refuses."""

from __future__ import annotations

import re
from typing import Any

from ketl.simulator.models import ServedModel
from ketl.simulator.refusals import Refusal, invalid

_SCHEMA_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NEVER = ("logprobs", "top_logprobs", "logit_bias")


def check_shape(body: object) -> Refusal | None:
    """Return the refusal of a body without a model or messages, None when it has both."""
    if not isinstance(body, dict):
        return invalid("The request body must be a JSON object.")
    if not isinstance(body.get("model"), str):
        return invalid("'model' : property 'model' is missing", param="model")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return invalid("'messages' : minimum number of items is 1", param="messages")
    for number, message in enumerate(messages):
        where = f"messages.{number}"
        if not isinstance(message, dict) or message.get("role") not in (
            "system",
            "user",
            "assistant",
            "tool",
            "developer",
        ):
            return invalid(f"'{where}' : discriminator property 'role' has invalid value", param=where)
        if "name" in message:
            return invalid(f"'{where}' : property 'name' is unsupported", param=where)
        if not isinstance(message.get("content"), str):
            return invalid(f"'{where}.content' : value must be a string", param=f"{where}.content")
    return None


def check_values(body: dict[str, Any], model: ServedModel) -> Refusal | None:
    """Return the refusal of a value that this model does not take, None when all are fine."""
    for name in _NEVER:
        if body.get(name):
            return invalid(f"property '{name}' is unsupported, did you mean to leave it out?", param=name)
    if body.get("n") not in (None, 1):
        return invalid("'n' : number must be at most 1", param="n")
    temperature = body.get("temperature")
    if temperature is not None and not (_is_number(temperature) and 0 <= temperature <= 2):
        return invalid("'temperature' : number must be between 0 and 2", param="temperature")
    most = completion_ceiling(body)
    ceiling = model.facts.max_completion_tokens
    if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= ceiling:
        return invalid(
            f"`max_completion_tokens` must be at least 1 and less than or equal to `{ceiling}`, the maximum value "
            "for `max_completion_tokens` of this model",
            param="max_completion_tokens",
        )
    if body.get("stream"):
        return invalid("This local server does not stream. Leave 'stream' out.", param="stream")
    return _check_reasoning(body, model) or _check_format(body, model)


def completion_ceiling(body: dict[str, Any]) -> Any:
    """Return `max_completion_tokens` (or the older `max_tokens`) as sent; 1,024 is reserved when it is not sent."""
    for name in ("max_completion_tokens", "max_tokens"):
        if body.get(name) is not None:
            return body[name]
    return 1024


def wants_json(body: dict[str, Any]) -> bool:
    """Tell whether the answer must be JSON."""
    response_format = body.get("response_format")
    return isinstance(response_format, dict) and response_format.get("type") in ("json_object", "json_schema")


def _check_reasoning(body: dict[str, Any], model: ServedModel) -> Refusal | None:
    effort = body.get("reasoning_effort")
    if effort is not None and effort not in model.efforts:
        allowed = ", ".join(f"`{value}`" for value in model.efforts)
        message = (
            f"`reasoning_effort` must be one of {allowed}"
            if allowed
            else "`reasoning_effort` is not supported with this model"
        )
        return invalid(message, param="reasoning_effort")
    shown_as = body.get("reasoning_format")
    if shown_as is None:
        return None
    if model.hides_format or not model.efforts:
        return invalid("`reasoning_format` is not supported with this model", param="reasoning_format")
    if shown_as not in ("parsed", "raw", "hidden"):
        return invalid("`reasoning_format` must be one of `hidden`, `raw`, or `parsed`", param="reasoning_format")
    if body.get("include_reasoning") is not None:
        return invalid("cannot specify both `include_reasoning` and `reasoning_format`", param="reasoning_format")
    if shown_as == "raw" and (wants_json(body) or body.get("tools")):
        return invalid("`reasoning_format` must not be `raw` with JSON mode or tools", param="reasoning_format")
    return None


def _check_format(body: dict[str, Any], model: ServedModel) -> Refusal | None:
    response_format = body.get("response_format")
    if response_format is None:
        return None
    kind = response_format.get("type") if isinstance(response_format, dict) else None
    if kind == "text":
        return None
    if kind == "json_object":
        if any("json" in message["content"].casefold() for message in body["messages"]):
            return None
        return invalid(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            param="messages",
        )
    if kind != "json_schema":
        return invalid("'response_format.type' : value is not one of the allowed values", param="response_format")
    if not model.json_schema:
        return invalid(
            "This model does not support response format `json_schema`. See supported models at "
            "https://console.groq.com/docs/structured-outputs#supported-models",
            param="response_format",
        )
    if body.get("tools"):
        return invalid("tools and `json_schema` cannot be used together", param="response_format")
    spec = response_format.get("json_schema")
    if not isinstance(spec, dict) or not _SCHEMA_NAME.fullmatch(str(spec.get("name", ""))):
        return invalid(
            "'response_format.json_schema.name' : must be 1 to 64 of a-z, A-Z, 0-9, _ and -", param="response_format"
        )
    if spec.get("strict"):
        return _check_strict(spec.get("schema"), "response_format.json_schema.schema")
    return None


def _check_strict(schema: object, where: str) -> Refusal | None:
    """Return the refusal of a strict schema that leaves anything open."""
    if not isinstance(schema, dict):
        return invalid(f"invalid JSON schema for response_format: '{where}' must be an object", param="response_format")
    properties = schema.get("properties")
    if schema.get("type") == "object" or properties is not None:
        properties = properties if isinstance(properties, dict) else {}
        if schema.get("additionalProperties") is not False:
            why = f"'{where}': `additionalProperties:false` must be set on every object"
            return invalid(f"invalid JSON schema for response_format: {why}", param="response_format")
        if set(schema.get("required") or ()) != set(properties):
            why = f"'{where}': `required` is required to be supplied and to hold every key in `properties`"
            return invalid(f"invalid JSON schema for response_format: {why}", param="response_format")
        for name, inner in properties.items():
            refusal = _check_strict(inner, f"{where}.{name}")
            if refusal:
                return refusal
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
