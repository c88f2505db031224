"""`python -m scrimp.testing.billing --port 0`: run the server; its address is the first line, as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from scrimp.testing.billing.server import BillingApp


def main() -> None:
    """Serve on this machine until standard input ends or the process is killed."""
    parser = argparse.ArgumentParser(prog="python -m scrimp.testing.billing", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--size", type=int, default=4, help="bytes of text per token; 1 is the worst case")
    parser.add_argument("--prices", default="{}", help='dollars per million tokens, as JSON: {"fresh": "1", ...}')
    parser.add_argument("--key", default="", help="the API key it takes; any without")
    options = parser.parse_args()
    app = BillingApp(options.size, json.loads(options.prices), options.key)
    asyncio.run(_serve(app, options.port))


async def _serve(app: BillingApp, port: int) -> None:
    server = await asyncio.start_server(app.serve, "127.0.0.1", port)
    sys.stdout.write(json.dumps({"port": server.sockets[0].getsockname()[1]}) + "\n")
    sys.stdout.flush()
    async with server:
        # Whoever started this holds the other end of standard input: when it dies, so does the server.
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


if __name__ == "__main__":
    main()
