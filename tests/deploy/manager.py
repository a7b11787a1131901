"""manager.py FILE SOCKET COMMAND…: a service manager for tests. Binds SOCKET (a path, or @name), runs COMMAND with
NOTIFY_SOCKET, appends what it is told to FILE, one datagram a line, hands SIGTERM on, and ends with COMMAND's code."""

import os
import signal
import socket
import subprocess
import sys
import threading

file, name, command = sys.argv[1], sys.argv[2], sys.argv[3:]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind("\0" + name[1:] if name.startswith("@") else name)


def listen():
    with open(file, "a", encoding="utf-8") as told:
        while True:
            told.write(receiver.recv(4096).decode().replace("\n", ";") + "\n")
            told.flush()


threading.Thread(target=listen, daemon=True).start()
children = []
signal.signal(signal.SIGTERM, lambda *_: [child.terminate() for child in children])
children.append(subprocess.Popen(command, env={**os.environ, "NOTIFY_SOCKET": name}))
code = children[0].wait()
# What was sent before the end is in the socket by then: the listener has it when its queue is empty.
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
    last.sendto(b"ENDED", "\0" + name[1:] if name.startswith("@") else name)
while "ENDED\n" not in open(file, encoding="utf-8").read():
    threading.Event().wait(0.02)
sys.exit(code)
