"""The Groq SDK behind our protocol: makes one call and reads its answer."""

from __future__ import annotations

import inspect
import ipaddress
import re
import urllib.request
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import aiohttp
import groq
import httpx
import orjson
from httpx_aiohttp import AiohttpTransport

from ketl._words import hide_key, without_keys
from ketl.errors import UnreachableError, UnusableReplyError
from ketl.logs import get_logger
from ketl.provider.groq_answers import read_failed_generation, read_reply, whole_number
from ketl.provider.groq_errors import BodyTooLargeError, to_ketl_error
from ketl.provider.protocol import Call, ListedModel, RawAnswer, Reply

if TYPE_CHECKING:
    from groq._models import FinalRequestOptions

logger = get_logger(__name__)

CHAT_PATH = "/openai/v1/chat/completions"
MODELS_PATH = "/openai/v1/models"
_PROVIDER = "https://api.groq.com"

# Connections are opened as needed up to this many; the limiter decides how many are in flight.
MAX_CONNECTIONS = 512
# Shorter than the idle time-out of common servers (5 s), so that a connection is dropped by us and not
# found dead by the next request, which could not be told from a failed one.
KEEPALIVE_S = 4.0
# The most bytes of one answer, packed or unpacked: many times what the largest model can write.
MAX_BODY_BYTES = 4_000_000
# The most values in one answer: 4 MB of empty lists hold the interpreter for 0.7 s, this many for 30 ms at the most.
MOST_VALUES = 100_000
# Below this no body can hold so many.
_FEW_BYTES = 64_000
# The encodings that are unpacked with a bound; no other is asked for or read.
_ENCODINGS = "gzip, deflate"
# The parameters of the SDK's private method that the frame stands in for.
_BUILDS_BY = ["self", "options", "retries_taken"]


class GroqClient:
    """One provider account seen through the official SDK, for the one event loop it is made in.

    Retries are off here (the engine owns them), and so are time-outs for answers: the engine cancels a
    call that outlives its deadline.
    """

    def __init__(self, api_key: str, base_url: str | None = None, *, connect_timeout_s: float = 10.0) -> None:
        timeout = httpx.Timeout(None, connect=connect_timeout_s)
        limits = httpx.Limits(
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=MAX_CONNECTIONS,
            keepalive_expiry=KEEPALIVE_S,
        )
        hide_key(api_key)
        self._sdk, self._post = _connect(
            api_key=api_key,
            base_url=normal_base_url(base_url) if base_url else None,
            max_retries=0,
            timeout=timeout,
            http_client=_DirectClient(_transport(limits, base_url), timeout),
        )

    @property
    def framed(self) -> bool:
        """Whether the SDK is inside what this was written for, so that requests go their light way."""
        return isinstance(self._sdk, _FramedSdk)

    @property
    def encrypted(self) -> bool:
        """Whether the connections are made over TLS."""
        return self._sdk.base_url.scheme == "https"

    async def complete(self, call: Call) -> Reply:
        """Return the answer to `call`.

        Whatever was billed is an answer, with or without a text, and so is what the model had written when the
        provider found it unreadable. Raises the RunError that fits the failure: AuthenticationError,
        LimitReachedError, ModelGoneError, RefusedError, ProviderError, UnreachableError, or UnusableReplyError
        for a 200 that tells nothing.
        """
        body = {
            "model": call.model,
            "messages": [{"role": "system", "content": call.system}, {"role": "user", "content": call.user}],
            "max_completion_tokens": call.max_completion_tokens,
            **call.extra,
        }
        try:
            response = await self._post(orjson.dumps(body))
        except groq.APIError as error:
            begun = read_failed_generation(error)
            if begun is not None:
                return begun
            raise to_ketl_error(error, call.model, call.max_completion_tokens) from error
        return read_reply(response.content, response.headers.raw, call.model)

    async def list_models(self) -> list[ListedModel]:
        """Return the provider's list of models; raises the RunError that fits the failure."""
        try:
            response = await self._sdk.get(MODELS_PATH, cast_to=httpx.Response)
        except groq.APIError as error:
            raise to_ketl_error(error, None) from error
        try:
            rows = orjson.loads(response.content)["data"]
            return [
                ListedModel(
                    id=without_keys(str(row["id"])),
                    active=row.get("active") is not False,
                    context_tokens=whole_number(row.get("context_window")),
                    max_completion_tokens=whole_number(row.get("max_completion_tokens")),
                )
                for row in rows
            ]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnusableReplyError("The provider's list of models could not be read.") from error

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> RawAnswer:
        """Return whatever the provider answers to one request, refusals included; `path` begins with a slash.

        Raises UnreachableError when nothing that can be called an answer comes.
        """
        read_as = None
        try:
            if method == "GET":
                response = await self._sdk.get(path, cast_to=httpx.Response)
            else:
                response = await self._sdk.post(path, cast_to=httpx.Response, body=body)
        except groq.APIStatusError as error:
            response = error.response
            read_as = to_ketl_error(error, str((body or {}).get("model") or "") or None)
        except groq.APIError as error:
            raise UnreachableError("The provider gave no answer that could be read.") from error
        try:
            value = orjson.loads(response.content)
        except ValueError:
            value = None
        return RawAnswer(status=response.status_code, headers=dict(response.headers), body=value, read_as=read_as)

    async def close(self) -> None:
        """Close all connections."""
        await self._sdk.close()


class _FramedSdk(groq.AsyncGroq):
    """The SDK, filling the one kind of request that is repeated into a frame built once.

    Its typed call costs 0.82 ms, `post` with a raw response 0.40, and half of that goes into describing
    and merging the same options and headers for every request. Private parts of the SDK are used for it, so
    `prepare` looks first whether they are those that this was written for.
    """

    _options: FinalRequestOptions | None = None
    _frame: tuple[httpx.URL, list[tuple[bytes, bytes]], dict[str, Any]] | None = None

    def prepare(self, url: str) -> None:
        """Build the frame for this address; raises whatever an SDK of another build makes of it."""
        from groq._models import FinalRequestOptions

        inside = groq.AsyncGroq._build_request
        if inspect.iscoroutinefunction(inside) or list(inspect.signature(inside).parameters) != _BUILDS_BY:
            raise TypeError("requests are built by another method")
        options = FinalRequestOptions.construct(method="post", url=url, content=b"{}")
        inspect.signature(self.request).bind(httpx.Response, options)
        first = self._build_request(options.model_copy())
        if (first.method, str(first.url), first.content) != ("POST", url, b"{}"):
            raise TypeError("requests are built otherwise")
        if first.headers["authorization"] != f"Bearer {self.api_key}":
            raise TypeError("the key is sent otherwise")
        headers = [(name, value) for name, value in first.headers.raw if name.lower() != b"content-length"]
        self._options, self._frame = options, (first.url, headers, first.extensions)

    @property
    def user_agent(self) -> str:
        """The SDK's own name, whichever way requests go."""
        return f"{groq.AsyncGroq.__name__}/Python {groq.__version__}"

    async def post_framed(self, content: bytes) -> httpx.Response:
        """Return what `post(url, content=content, cast_to=httpx.Response)` would."""
        assert self._options is not None, "prepare() comes first"
        options = self._options.model_copy()
        options.content = content
        return await self.request(httpx.Response, options)

    def _build_request(self, options: FinalRequestOptions, *, retries_taken: int = 0) -> httpx.Request:
        content = options.content
        if self._frame is None or not isinstance(content, bytes):
            return super()._build_request(options, retries_taken=retries_taken)
        url, headers, extensions = self._frame
        length = (b"Content-Length", b"%d" % len(content))
        return httpx.Request("POST", url, headers=[*headers, length], content=content, extensions=extensions)


def _connect(**options: Any) -> tuple[groq.AsyncGroq, Callable[[bytes], Awaitable[httpx.Response]]]:
    """Return the SDK and what posts the body of a completion with it: by the frame, else by its public way."""
    plain = groq.AsyncGroq(**options)
    # An absolute address spares the SDK merging it with its base for every request.
    url = str(plain.base_url).rstrip("/") + CHAT_PATH
    try:
        framed = _FramedSdk(**options)
        framed.prepare(url)
        return framed, framed.post_framed
    except Exception as surprise:
        logger.warning(
            "Inside, the Groq SDK %s is not as expected (%s: %s). Requests go its public way, which takes about "
            "0.2 ms of CPU more for each.",
            groq.__version__,
            type(surprise).__name__,
            surprise,
        )
    return plain, lambda content: plain.post(url, content=content, cast_to=httpx.Response)


class _DirectClient(httpx.AsyncClient):
    """Hands a request straight to the transport.

    Cookies, redirects and login flows are for browsing; looking for them took a quarter of a call's CPU, so what
    the SDK may say of them is not listened to.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, timeout: httpx.Timeout) -> None:
        # A proxy is the transport's affair; looked for here, one of an unknown kind is an error even if unused.
        super().__init__(transport=transport, timeout=timeout, headers={"Accept-Encoding": _ENCODINGS}, trust_env=False)
        self._direct = transport

    async def send(self, request: httpx.Request, *, stream: bool = False, **_: Any) -> httpx.Response:
        """Send `request` and return its response, read to the end unless it is to be streamed."""
        response = await self._direct.handle_async_request(request)
        response.request = request
        _bound(response)
        if stream:
            return response
        try:
            content = await response.aread()
        except BaseException:
            await response.aclose()
            raise
        # Whoever parses it, the SDK with an error's body or we, does it at one go, and nothing else happens meanwhile.
        if len(content) > _FEW_BYTES and sum(map(content.count, (b",", b"[", b"{"))) > MOST_VALUES:
            raise BodyTooLargeError("the body holds too many values")
        return response


class _BoundedBody(httpx.AsyncByteStream):
    """A body that is unpacked as it comes and ends with an error above MAX_BODY_BYTES, packed or unpacked."""

    def __init__(self, raw: httpx.AsyncByteStream, *, packed: bool) -> None:
        self._raw = raw
        # 32 + 15: the header says whether it is gzip or zlib.
        self._unpacker = zlib.decompressobj(47) if packed else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        raw_left = left = MAX_BODY_BYTES
        async for chunk in self._raw:
            raw_left -= len(chunk)
            if self._unpacker is not None:
                try:
                    chunk = self._unpacker.decompress(chunk, left + 1)
                except zlib.error as error:
                    raise httpx.DecodingError("the body is not packed as it says") from error
            left -= len(chunk)
            if raw_left < 0 or left < 0:
                raise BodyTooLargeError("the body is too large")
            yield chunk

    async def aclose(self) -> None:
        await self._raw.aclose()


def _bound(response: httpx.Response) -> None:
    """Let the body of `response` be read with a bound only."""
    said = {name.lower(): value for name, value in response.headers.raw}
    length = said.get(b"content-length", b"")
    if b"content-encoding" not in said and length.isdigit() and len(length) <= 9 and int(length) <= MAX_BODY_BYTES:
        return  # the ordinary answer: the transport reads what it says and no more
    encoding = said.get(b"content-encoding", b"").strip().lower().decode("ascii", "replace")
    if encoding:
        # Unpacked by us: what httpx would do with it has no bound.
        del response.headers["content-encoding"]
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream), "an async transport gives an async stream"
    response.stream = _BoundedBody(stream, packed=encoding in ("gzip", "x-gzip", "deflate"))


def is_loopback(url: str | None) -> bool:
    """Tell whether `url` names this machine itself, which no proxy stands before."""
    host = httpx.URL(url).host if url else ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _transport(limits: httpx.Limits, base_url: str | None) -> AiohttpTransport:
    """Return the SDK's aiohttp transport over a session of our own.

    An API has no cookies, so none are looked for; a proxy is looked for only where one is set, and never
    for this machine.
    """
    certificates = httpx.create_ssl_context()

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=KEEPALIVE_S, ssl=certificates),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=not is_loopback(base_url) and bool(urllib.request.getproxies()),
        )

    return AiohttpTransport(client=session, limits=limits, verify=certificates, proxy=_proxy_for_all(base_url))


def _proxy_for_all(base_url: str | None) -> httpx.Proxy | None:
    """Return the proxy that ALL_PROXY names, where the address has none of its own kind: aiohttp looks no further."""
    url = httpx.URL(base_url or _PROVIDER)
    known = urllib.request.getproxies()
    found = known.get("all", "")
    if not found or url.scheme in known or is_loopback(str(url)) or urllib.request.proxy_bypass(url.host):
        return None
    address = found if "://" in found else f"http://{found}"
    return httpx.Proxy(address) if address.startswith("http://") else None


def normal_base_url(url: str) -> str:
    """Return `url` without the path that the SDK adds itself; a doubled path is a 404."""
    return re.sub(r"(/openai)?(/v1)?/*$", "", url.strip())
