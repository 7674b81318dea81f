import os


async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": ("worker " + os.environ["NODE_APP_INSTANCE"]).encode()})
