import os


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("worker " + os.environ["NODE_APP_INSTANCE"]).encode()]
