"""Answers with its pid on $PORT, and tells its metrics at /metrics in the text
format, written by hand."""
import asyncio
import os

requests = 0

METRICS = """# HELP desk_requests_total Requests that were answered.
# TYPE desk_requests_total counter
desk_requests_total {requests}
# HELP desk_threads Threads in use.
# TYPE desk_threads gauge
desk_threads 1
# HELP desk_size_bytes Size of the answers.
# TYPE desk_size_bytes histogram
desk_size_bytes_bucket{{le="5"}} 0
desk_size_bytes_bucket{{le="+Inf"}} {requests}
desk_size_bytes_sum {size}
desk_size_bytes_count {requests}
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
