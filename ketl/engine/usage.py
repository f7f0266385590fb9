"""What an answer's usage and end tell: what of it can be true, what it cost, and what used up its room. Pure."""

from __future__ import annotations

from dataclasses import replace

from ketl.errors import RunError, UnusableReplyError
from ketl.prompts.replies import without_thinking
from ketl.provider.protocol import Reply

# No vocabulary is so poor that a text takes more times what the table expects; a gateway may put words of its own
# before a prompt, and a server that does not know our ceiling may write beyond it.
_MOST_TIMES = 10.0
_FOREIGN_PROMPT_TOKENS = 4_096
_MOST_SIGNS = 64  # in one token; the longest of the common vocabularies are runs of blanks
# A sign is at most some three tokens, so an answer of fewer signs filled most of its room with something else.
_SEEN_SHARE = 0.25


def believed(reply: Reply, prompt_est: float, ceiling: int) -> Reply:
    """Return an answer without a usage that cannot be true of a prompt of `prompt_est` tokens and such a ceiling."""
    prompt, completion = reply.prompt_tokens, reply.completion_tokens
    if prompt is None or completion is None:
        return reply
    least = prompt_est / _MOST_TIMES, len(reply.content) / _MOST_SIGNS
    most = _MOST_TIMES * prompt_est + _FOREIGN_PROMPT_TOKENS, _MOST_TIMES * ceiling
    if least[0] <= prompt <= most[0] and least[1] <= completion <= most[1]:
        return reply
    return replace(reply, prompt_tokens=None, completion_tokens=None, cached_tokens=0, reasoning_tokens=None)


def is_starved(reply: Reply, ceiling: int) -> bool:
    """Whether an answer without a text ended at its ceiling, and what is seen of it did not fill it."""
    if reply.finish_reason != "length":
        return False
    seen = without_thinking(reply.content)
    return len(seen) < _SEEN_SHARE * ceiling or (reply.status != 200 and "{" not in seen)


def tells_cost(reply: Reply | None, error: RunError | None) -> bool:
    """Whether an attempt's end tells what it cost: by its usage, or by a refusal, which costs nothing."""
    if reply is not None:
        return reply.status != 200 or (reply.prompt_tokens is not None and reply.completion_tokens is not None)
    return not isinstance(error, UnusableReplyError)
