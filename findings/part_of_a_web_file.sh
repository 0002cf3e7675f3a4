#!/usr/bin/env bash
# fsspec: where a web server sends whole files, a part of a file is the whole file.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check fsspec==2026.9.0 aiohttp==3.14.5

venv/bin/python - <<'PY'
import functools
import http.server
import platform
import sys
import threading

import aiohttp
import fsspec

print(f"fsspec {fsspec.__version__}, aiohttp {aiohttp.__version__}")
print(f"A file of 10240 bytes, served by http.server of Python {platform.python_version()}, which")
print("answers a Range header with 200 and the whole file, as HTTP allows (RFC 9110, 14.2).")
print()
data = bytes(range(256)) * 40
with open("data.bin", "wb") as file:
    file.write(data)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory="."))
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/data.bin"
storage = fsspec.filesystem("http")

part = storage.cat_file(url, start=100, end=110)
print(f"cat_file(url, start=100, end=110): {len(part)} bytes, without an error")
parts = storage.cat_ranges([url, url], [0, 5], [5, 10])
print(f"cat_ranges of two parts of 5 bytes: {[len(part) for part in parts]} bytes")
try:
    with storage.open(url) as file:
        file.seek(100)
        opened = f"{len(file.read(10))} bytes"
except ValueError as error:
    opened = f"ValueError: {error}"
print(f"open(url), seek(100), read(10): {opened}")
server.shutdown()

print()
print("Expected: bytes 100 to 109 of what came, or the error that open() gives.")
if part == data and parts == [data, data] and opened.startswith("ValueError"):
    print("Seen:     the whole file passes for the part: a member of a tar, read so, is garbage.")
    sys.exit(0)
print("This has changed: a part is a part, or an error.")
sys.exit(1)
PY
