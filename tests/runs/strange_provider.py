"""A provider that is one function from a request to an answer, on a thread and a socket of this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Mapping[str, str], object]


@contextmanager
def provider(answer: Callable[[str, str, Any, str], Answer]) -> Iterator[str]:
    """Serve `answer(method, path, body, key)` and yield the address; a body that is bytes is sent as it is."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            key = str(self.headers.get("authorization", "")).removeprefix("Bearer ")
            status, headers, value = answer(self.command, self.path, body, key)
            raw = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response_only(status)
            for name, said in {"Content-Type": "application/json", "Content-Length": str(len(raw)), **headers}.items():
                self.send_header(name, said)
            self.end_headers()
            self.wfile.write(raw)

        do_POST = do_GET  # noqa: N815 - the name that the library looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
