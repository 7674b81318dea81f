import os
import time

sick = os.environ.get("SICK", "")


def app(environ, start_response):
    global sick
    path = environ["PATH_INFO"]
    if sick == "500" and os.path.exists("well"):
        sick = ""
    if sick == "hang":
        time.sleep(3600)
    status = "500 Internal Server Error" if sick else "200 OK"
    if path.startswith("/sick/"):
        sick = path[len("/sick/"):]
    if path.endswith("ms"):
        time.sleep(int(path[1:-2]) / 1000)
    start_response(status, [("Content-Type", "text/plain")])
    return [b"pid %d\n" % os.getpid()]
