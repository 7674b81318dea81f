# A server that loads everything and forks before it serves, as gunicorn --preload and uWSGI do.
import os, signal
data = bytearray(os.urandom(1 << 20)) * 100
for _ in range(4):
    if os.fork() == 0:
        break
os.write(1, b'up\n')  # in one piece: the others write, too
signal.pause()
