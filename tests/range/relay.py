"""A way in for programs outside the namespaces: run inside the platform's by `Range.forward`.

It inherits a listening socket that was opened outside (a port of the machine's loopback, or a
unix socket). A socket belongs to the namespace it was opened in, a new connection to that of the
process: so what knocks there comes out of the platform's address, and the machine's network is
unchanged.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress

MOST_AT_ONCE = 64


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()


async def relay(fileno: int, host: str, port: int) -> None:
    """Pass every connection that arrives on the inherited socket on to `host`:`port`."""
    places = asyncio.Semaphore(MOST_AT_ONCE)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with places:
            try:
                far_reader, far_writer = await asyncio.open_connection(host, port)
                await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
                far_writer.close()
            except OSError:
                pass  # the victim refuses: so does the relay
            finally:
                writer.close()

    listener = socket.socket(fileno=fileno)
    is_unix = listener.family == socket.AF_UNIX
    start = asyncio.start_unix_server if is_unix else asyncio.start_server
    server = await start(serve, sock=listener)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(relay(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
