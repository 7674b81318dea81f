"""Speaks sd_notify by hand: $GATE is a FIFO that it waits at before READY=1,
then it says WATCHDOG=1 until there is a file silent. It takes its time to end,
also of its own accord: while there is a file leaving."""
import os
import signal
import socket
import sys
import time


def tell(text):
    address = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.connect("\0" + address[1:] if address.startswith("@") else address)
        s.send(text.encode())


def end(*_):
    tell("STOPPING=1\nEXTEND_TIMEOUT_USEC=20000000")
    time.sleep(1.5)
    print("ended", flush=True)
    sys.exit(0)


signal.signal(signal.SIGTERM, end)
print("watchdog", os.environ.get("WATCHDOG_USEC"), flush=True)
tell("STATUS=warming up")
open(os.environ["GATE"]).close()
tell("READY=1\nSTATUS=serving")
print("ready", os.getpid(), flush=True)
while True:
    if not os.path.exists("silent"):
        tell("WATCHDOG=1")
    if os.path.exists("leaving"):
        tell("STOPPING=1")
        while os.path.exists("leaving"):
            time.sleep(0.1)
        sys.exit(0)
    time.sleep(0.1)
