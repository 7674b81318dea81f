# What the server did goes to $RECORD, as in handler.js.
import os


def note(what):
    with open(os.environ["RECORD"], "a") as record:
        record.write("%s %d\n" % (what, os.getpid()))


def when_ready(server):
    note("start")


def worker_int(worker):
    pass


def on_exit(server):
    note("handler")
    note("exit")
