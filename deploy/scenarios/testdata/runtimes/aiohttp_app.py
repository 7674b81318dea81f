import os

from aiohttp import web


async def answer(request):
    return web.Response(text="worker " + os.environ["NODE_APP_INSTANCE"])


app = web.Application()
app.router.add_get("/", answer)
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), print=None)
