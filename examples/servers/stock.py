"""A little HTTP server with an OpenAPI document, to try `scrimp run --openapi` with.

python examples/servers/stock.py 8399
scrimp run "How many apples are there?" --openapi http://127.0.0.1:8399/openapi.json
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STOCK = {"apples": 12, "pears": 3}
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Stock", "version": "1"},
    "servers": [{"url": "/"}],
    "paths": {
        "/stock/{fruit}": {
            "get": {
                "operationId": "stock_of",
                "summary": "How many pieces of a fruit are in stock.",
                "parameters": [
                    {"name": "fruit", "in": "path", "required": True, "schema": {"enum": ["apples", "pears"]}}
                ],
            }
        }
    },
}


class Stock(BaseHTTPRequestHandler):
    """Answers with the document, or with what is in stock."""

    def do_GET(self) -> None:
        fruit = self.path.rpartition("/")[2]
        known = DOCUMENT if fruit == "openapi.json" else {"count": STOCK[fruit]} if fruit in STOCK else None
        body = json.dumps(known if known is not None else {"error": f"no {fruit} here"}).encode()
        self.send_response(200 if known is not None else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8399
    ThreadingHTTPServer(("127.0.0.1", port), Stock).serve_forever()
