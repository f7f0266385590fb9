"""What a lane learns from the end of an answer: of its tokens, and of the room that it was given."""

from __future__ import annotations

from ketl.engine.request import Request, Size
from ketl.engine.usage import is_starved
from ketl.provider.lane import Lane
from ketl.provider.protocol import Reply


def learn(lane: Lane, request: Request, size: Size, reply: Reply, texts: int) -> bool:
    """Take in an answer that brought so many texts; return whether it had no room to write any."""
    starved = not texts and is_starved(reply, size.ceiling)
    _learn_tokens(lane, request, size, reply, whole=bool(texts), starved=starved)
    _learn_room(lane, request, size, reply, texts)
    return starved


def _learn_tokens(lane: Lane, request: Request, size: Size, reply: Reply, *, whole: bool, starved: bool) -> None:
    """Let the lane learn from an answer's usage and end; one that was cut off tells only that it was."""
    tag, tokens = request.language.tag, lane.tokens
    if reply.prompt_tokens is not None:
        tokens.learn_prompt(request.prompt_est, reply.prompt_tokens)
    if starved:
        tokens.starved(size.ceiling)
    elif reply.finish_reason == "length":
        tokens.cut_off(tag, request.completion_est, size.ceiling)
    elif whole and reply.completion_tokens is not None:
        tokens.learn(tag, request.completion_est, reply.completion_tokens, reply.reasoning_tokens)


def _learn_room(lane: Lane, request: Request, size: Size, reply: Reply, texts: int) -> None:
    """Let the lane learn what came of the room that an answer was given."""
    expected, asked = request.completion_est, len(request.items)
    if reply.finish_reason == "length" and texts < asked:
        took = size.ceiling if reply.completion_tokens is None else min(reply.completion_tokens, size.ceiling)
        lane.credit.brought(expected * texts / asked)
        lane.credit.lost(took - (size.ceiling - size.lent))
    elif texts:
        lane.credit.brought(expected if reply.completion_tokens is None else reply.completion_tokens)
        lane.credit.whole(size.lent)
