"""Python's websockets against a raw topic: sends each kind of message there is, and checks what comes back.

Usage: echo_client.py URL plain|deflate. Prints the agreed extension, or "none", when all was right.
"""

import asyncio
import sys

import websockets

MIB = 1024 * 1024
PATIENCE = {"open_timeout": 60, "close_timeout": 60}  # seconds


async def main(url, compression):
    async with websockets.connect(url, compression=compression, max_size=2 * MIB, **PATIENCE) as socket:
        agreed = ", ".join(extension.name for extension in socket.extensions) or "none"
        text = "héllo 🛰 " * 100
        for message in (text, text.encode(), "", b"", "x" * MIB, bytes(range(256)) * (MIB // 256)):
            await socket.send(message)
            assert await socket.recv() == message
        await socket.send(["frag", "men", "", "ted 🛰"])
        assert await socket.recv() == "fragmented 🛰"
        await socket.send([b"\x00", b"\xff" * 1000])
        assert await socket.recv() == b"\x00" + b"\xff" * 1000
        await (await socket.ping(b"are you there?"))
        await socket.close(4321, "bye")
        assert socket.close_code == 4321, socket.close_code
    async with websockets.connect(url, compression=compression, **PATIENCE) as socket:
        try:
            # Refused by its length, which the first bytes carry: the answer may come before the whole is sent.
            await socket.send("x" * (MIB + 1))
            await socket.recv()
            raise AssertionError("too large, and not refused")
        except websockets.ConnectionClosed as closed:
            assert closed.rcvd.code == 1009, closed
    print(agreed)


asyncio.run(main(sys.argv[1], None if sys.argv[2] == "plain" else "deflate"))
