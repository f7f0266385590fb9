"""Runs one peer over the benchmark's items in this process: the ways people call the provider today.

`python -m benchmarks.peers SPEC` is started as a child by the speed benchmark, by whatever Python has the
peer's packages; this module therefore uses nothing of the product.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.neutral_text import pseudo_translate

SEQUENTIAL_SAMPLE = 24
_RETRIES = 8


@dataclass(slots=True)
class Job:
    """What a peer is given, and what it hands back: answers by item number, and when the first came."""

    items: list[dict[str, Any]]
    url: str
    k: int
    limits: dict[str, float]
    answers: dict[int, str] = field(default_factory=dict)
    first_at: float | None = None

    def done(self, number: int, content: str | None) -> None:
        """Take one item's answer."""
        self.first_at = self.first_at or time.perf_counter()
        self.answers[number] = content or ""


async def _each(job: Job, call: Callable[[dict[str, Any]], Awaitable[Any]], k: int | None) -> None:
    """Call every item, `k` at a time (None: all at once); an item whose call raises is lost."""
    gate = asyncio.Semaphore(k or len(job.items))

    async def one(number: int, item: dict[str, Any]) -> None:
        async with gate:
            try:
                answer = await call(item)
                job.done(number, answer.choices[0].message.content)
            except Exception:  # whatever a library raises in the end, the item is lost
                return

    await asyncio.gather(*(one(number, item) for number, item in enumerate(job.items)))


def _sdk(job: Job, *, retries: int, aiohttp: bool) -> Any:
    import groq

    transport = groq.DefaultAioHttpClient() if aiohttp else None
    return groq.AsyncGroq(api_key="x", base_url=job.url, max_retries=retries, http_client=transport)


def _sdk_call(client: Any) -> Callable[[dict[str, Any]], Awaitable[Any]]:
    def call(item: dict[str, Any]) -> Awaitable[Any]:
        made: Awaitable[Any] = client.chat.completions.create(
            model=item["model"], messages=item["messages"], max_completion_tokens=item["max_completion_tokens"],
            **item["extra"],
        )  # fmt: skip
        return made

    return call


async def sequential(job: Job) -> None:
    """AsyncGroq in a loop, one call after another, over an even sample of the items."""
    job.items = job.items[:: max(1, len(job.items) // SEQUENTIAL_SAMPLE)]
    await _each(job, _sdk_call(_sdk(job, retries=2, aiohttp=False)), 1)


async def gather(job: Job) -> None:
    """asyncio.gather over AsyncGroq as it comes."""
    await _each(job, _sdk_call(_sdk(job, retries=2, aiohttp=False)), None)


async def semaphore(job: Job) -> None:
    """A semaphore of the size that suits the scenario, eight retries."""
    await _each(job, _sdk_call(_sdk(job, retries=_RETRIES, aiohttp=False)), job.k)


async def semaphore_on_aiohttp(job: Job) -> None:
    """The same over the SDK's aiohttp transport."""
    await _each(job, _sdk_call(_sdk(job, retries=_RETRIES, aiohttp=True)), job.k)


async def langchain(job: Job) -> None:
    """ChatGroq.abatch, one batch a model, with LangChain's rate limiter where a request limit is told."""
    from langchain_core.rate_limiters import InMemoryRateLimiter
    from langchain_groq import ChatGroq

    async def batch(model: str) -> None:
        mine = [(number, item) for number, item in enumerate(job.items) if item["model"] == model]
        rpm = job.limits.get("rpm")
        limiter = None
        if rpm:
            burst = job.limits.get("rpm_burst") or rpm
            limiter = InMemoryRateLimiter(
                requests_per_second=rpm / 60, check_every_n_seconds=0.02, max_bucket_size=burst
            )
        chat = ChatGroq(
            model=model, groq_api_key="x", groq_api_base=job.url, max_retries=_RETRIES, rate_limiter=limiter,
            max_tokens=max(item["max_completion_tokens"] for _, item in mine), temperature=0.2,
        )  # fmt: skip
        prompts = [[(m["role"], m["content"]) for m in item["messages"]] for _, item in mine]
        found = await chat.abatch(prompts, config={"max_concurrency": job.k}, return_exceptions=True)
        for (number, _), answer in zip(mine, found, strict=True):
            if not isinstance(answer, BaseException):
                job.done(number, str(answer.content))

    await asyncio.gather(*(batch(model) for model in dict.fromkeys(item["model"] for item in job.items)))


async def litellm(job: Job) -> None:
    """LiteLLM's Router with the limits it takes, eight retries."""
    import litellm as library

    library.suppress_debug_info = True
    names = list(dict.fromkeys(item["model"] for item in job.items))
    told = {key: int(job.limits[key]) for key in ("rpm", "tpm") if job.limits.get(key)}
    router = library.Router(
        model_list=[
            {
                "model_name": name,
                "litellm_params": {
                    "model": f"groq/{name}", "api_key": "x", "api_base": f"{job.url}/openai/v1", **told
                },
            }
            for name in names
        ],
        num_retries=_RETRIES,
    )  # fmt: skip

    def call(item: dict[str, Any]) -> Awaitable[Any]:
        made: Awaitable[Any] = router.acompletion(
            model=item["model"], messages=item["messages"], max_tokens=item["max_completion_tokens"], temperature=0.2
        )
        return made

    await _each(job, call, job.k)


PEERS: dict[str, tuple[Callable[[Job], Coroutine[Any, Any, None]], tuple[str, ...]]] = {
    "sequential": (sequential, ("groq",)),
    "gather": (gather, ("groq",)),
    "semaphore": (semaphore, ("groq",)),
    "semaphore on aiohttp": (semaphore_on_aiohttp, ("groq", "httpx_aiohttp")),
    "LangChain abatch": (langchain, ("langchain_groq",)),
    "LiteLLM Router": (litellm, ("litellm", "tenacity")),
}


def is_right(item: dict[str, Any], content: str) -> bool:
    """Tell whether an answer is what the server wrote for the item."""
    asked = json.loads(item["messages"][-1]["content"])
    try:
        found = json.loads(content)
    except ValueError:
        return False
    return bool(found == {key: pseudo_translate(text, asked["target_tag"]) for key, text in asked["segments"].items()})


def _peak_mb() -> float:
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Run the peer in the spec and write what it cost."""
    spec = json.loads(sys.argv[1])
    with Path(spec["items"]).open(encoding="utf-8") as file:
        job = Job([json.loads(line) for line in file], spec["url"], spec["k"], spec["limits"])
    total = len(job.items)
    peer, modules = PEERS[spec["peer"]]
    for module in modules:
        __import__(module)
    cpu, began = _cpu_s(), time.perf_counter()
    asyncio.run(peer(job))
    seconds, cost = time.perf_counter() - began, _cpu_s() - cpu
    scale = total / len(job.items)
    right = sum(is_right(job.items[number], content) for number, content in job.answers.items())
    facts = {
        "right": round(right * scale), "sent": len(job.items), "makespan_s": seconds * scale, "cpu_s": cost,
        "peak_mb": _peak_mb(), "first_s": job.first_at - began if job.first_at else None,
    }  # fmt: skip
    Path(spec["out"]).write_text(json.dumps(facts))


if __name__ == "__main__":
    main()
