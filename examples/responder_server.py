"""A tiny endpoint with OpenAI's chat interface, to try a responder without a language model.

It understands nothing. It says the first passage of notes that it is given, with its number; else
what the last tool brought; else `--say`. `--call NAME --arguments JSON` makes it call a tool first.

    python examples/responder_server.py --port 8399
"""

from __future__ import annotations

import argparse
import json
import re
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PASSAGE = re.compile(r"^\[(\d+)\] .*?: (.*)$", re.MULTILINE)


def answer(request: dict[str, Any], options: argparse.Namespace) -> dict[str, Any] | str:
    """Words, or the delta of a call."""
    last = request["messages"][-1]
    if last["role"] == "tool":
        number, _, result = last["content"].partition("] ")
        return f"{result} {number}]"
    offered = [one["function"]["name"] for one in request.get("tools", [])]
    if options.call in offered:
        function = {"name": options.call, "arguments": options.arguments}
        return {"tool_calls": [{"index": 0, "id": "call-1", "function": function}]}
    content = last["content"]
    text = content if isinstance(content, str) else content[-1]["text"]
    found = PASSAGE.search(text.partition("Passages")[2])
    return f"{found[2]} [{found[1]}]" if found else options.say


def handler(options: argparse.Namespace) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            said = answer(request, options)
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            time.sleep(options.delay_ms / 1_000)
            pieces = re.findall(r"\s*\S+", said) if isinstance(said, str) else [said]
            try:
                for piece in pieces:
                    self.write({"content": piece} if isinstance(piece, str) else piece)
                    time.sleep(options.word_ms / 1_000)
                self.wfile.write(b"data: [DONE]\n\n")
            except ConnectionError:
                return  # Somebody talked over the reply.

        def write(self, delta: dict[str, Any]) -> None:
            chunk = {"choices": [{"index": 0, "delta": delta}]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()

        def log_message(self, format: str, *args: object) -> None:
            """What people are answered is nobody's log."""

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=8399, help="0 takes any that is free")
    parser.add_argument("--say", default="I have no note on that.")
    parser.add_argument("--call", default="", help="the tool that is called first")
    parser.add_argument("--arguments", default="{}")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="before the first word")
    parser.add_argument("--word-ms", type=float, default=0.0, help="after each word")
    options = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", options.port), handler(options))
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
