import os
import time

kept = []


def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/eat":
        kept.append(b"x" * (450 << 20))
    if path.endswith("ms"):
        time.sleep(int(path[1:-2]) / 1000)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"pid %d\n" % os.getpid()]
