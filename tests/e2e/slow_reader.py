"""A subscriber of the full protocol (JSON) whose machine has little room for what it does not read.

Usage: slow_reader.py PORT SUBSCRIBE, a request as JSON. Prints `ready` when it is subscribed, reads nothing until a line comes in,
then prints each message of the broker as a line, until a line `end` comes in.
"""

import json
import select
import socket
import struct
import sys

MASK = b"\x01\x02\x03\x04"


def handshake(port):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # before it connects: it is the TCP window's limit
    connection.connect(("127.0.0.1", port))
    lines = ["GET /ws HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: ringcast.v1.json", "", ""]
    connection.sendall("\r\n".join(lines).encode())
    return connection


class Frames:
    def __init__(self, connection):
        self.connection = connection
        self.bytes = b""

    def more(self):
        got = self.connection.recv(65536)
        assert got, "the broker closed the connection"
        self.bytes += got

    def head(self):
        while b"\r\n\r\n" not in self.bytes:
            self.more()
        head, self.bytes = self.bytes.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 101"), head

    def parse(self):
        """(opcode, payload), or None while it is not whole. Nothing here is fragmented."""
        if len(self.bytes) < 2:
            return None
        size, head = self.bytes[1], 2
        if size == 126:
            head = 4
            size = struct.unpack(">H", self.bytes[2:4])[0] if len(self.bytes) >= 4 else 65536
        if len(self.bytes) < head + size:
            return None
        frame = (self.bytes[0] & 15, self.bytes[head:head + size])
        self.bytes = self.bytes[head + size:]
        return frame

    def next(self):
        while (frame := self.parse()) is None:
            self.more()
        return frame


def main(port, subscribe):
    connection = handshake(port)
    frames = Frames(connection)
    frames.head()
    request = subscribe.encode()
    assert len(request) < 126
    connection.sendall(bytes([0x81, 0x80 | len(request)]) + MASK + bytes(b ^ MASK[i % 4] for i, b in enumerate(request)))
    assert "subscribed" in json.loads(frames.next()[1])
    print("ready", flush=True)
    sys.stdin.readline()
    while True:
        frame = frames.parse()
        if frame is None:
            ready, _, _ = select.select([connection, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            frames.more()
        elif frame[0] == 1:
            print(frame[1].decode(), flush=True)


main(int(sys.argv[1]), sys.argv[2])
