"""Answers with its pid on $PORT, and tells its metrics at /metrics in the text
format, written by hand."""
import asyncio
import os

requests = 0

METRICS = """# HELP shop_requests_total Requests that were answered.
# TYPE shop_requests_total counter
shop_requests_total {requests}
# HELP shop_threads Threads in use.
# TYPE shop_threads gauge
shop_threads 1
# HELP shop_size_bytes Size of the answers.
# TYPE shop_size_bytes histogram
shop_size_bytes_bucket{{le="5"}} 0
shop_size_bytes_bucket{{le="+Inf"}} {requests}
shop_size_bytes_sum {size}
shop_size_bytes_count {requests}
"""


async def answer(reader, writer):
    global requests
    request = await reader.readuntil(b"\r\n\r\n")
    if request.startswith(b"GET /metrics "):
        text = METRICS.format(requests=requests, size=10 * requests)
    else:
        await asyncio.sleep(0.002)
        requests += 1
        text = "pid %d\n" % os.getpid()
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    writer.write((head % len(text) + text).encode())
    await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", int(os.environ["PORT"]))
    await server.serve_forever()


asyncio.run(main())
