"""A proxy of the environment stands before the provider, whatever variable names it, and never before this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from ketl.errors import RunError
from ketl.provider.groq import GroqClient
from ketl.provider.protocol import Reply
from tests.client.wire import CALL, KEY, Answer, complete, completion
from tests.guard import NetworkGuard

VARIABLES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")
HOST = "groq.made-up.example"
PLAIN, SECURE = f"http://{HOST}", f"https://{HOST}"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    yield


def through(monkeypatch: pytest.MonkeyPatch, base_url: str, **environment: str) -> list[str]:
    """Return what a proxy of this machine is asked for, `{}` in the environment standing for its address."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head.split("\r\n")[0])
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def go() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        for name, value in environment.items():
            monkeypatch.setenv(name, value.format(f"127.0.0.1:{server.sockets[0].getsockname()[1]}"))
        client = GroqClient(KEY, base_url)
        try:
            with pytest.raises(RunError):
                await client.complete(CALL)
        finally:
            await client.close()
            server.close()

    asyncio.run(go())
    return asked


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("address", ["http://{}", "http://me:hidden@{}"])
# How the SDK's transport hands over name and password is its own affair.
@pytest.mark.filterwarnings("ignore:.*(BasicAuth|proxy_auth):DeprecationWarning")
def test_a_plain_address_goes_through_the_proxy(monkeypatch: pytest.MonkeyPatch, name: str, address: str) -> None:
    assert through(monkeypatch, PLAIN, **{name: address}) == [f"POST {PLAIN}/openai/v1/chat/completions HTTP/1.1"]


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_an_encrypted_address_goes_through_the_proxy_s_tunnel(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert through(monkeypatch, SECURE, **{name: "http://{}"}) == [f"CONNECT {HOST}:443 HTTP/1.1"]


def test_the_proxy_of_an_address_s_own_kind_goes_before_the_one_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = through(monkeypatch, PLAIN, HTTP_PROXY="http://{}", ALL_PROXY="http://127.0.0.1:1")
    assert asked == [f"POST {PLAIN}/openai/v1/chat/completions HTTP/1.1"]


@pytest.mark.parametrize("exempt", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize("who", [HOST, ".made-up.example", "made-up.example", "*", f"localhost, {HOST}"])
@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
def test_a_host_that_is_exempt_is_asked_directly(
    monkeypatch: pytest.MonkeyPatch, network: NetworkGuard, name: str, who: str, exempt: str
) -> None:
    assert through(monkeypatch, PLAIN, **{name: "http://{}", exempt: who}) == []
    assert set(network.refused) == {HOST}
    network.refused.clear()


@pytest.mark.parametrize("name", VARIABLES[:6])
@pytest.mark.parametrize("proxy", ["http://127.0.0.1:1", "socks5://127.0.0.1:1", "127.0.0.1:1"])
@pytest.mark.parametrize("exempt", ["", "groq.com"])
def test_this_machine_is_never_asked_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch, name: str, proxy: str, exempt: str
) -> None:
    monkeypatch.setenv(name, proxy)
    monkeypatch.setenv("NO_PROXY", exempt)
    assert isinstance(complete(Answer(200, completion('{"a": "靴下"}'))), Reply)
