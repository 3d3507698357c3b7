"""A server that fails in the way that the path names: ``python failing_server.py PORT``."""

from __future__ import annotations

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ADVERTISEMENT = "application/x-git-upload-pack-advertisement"
STATUS = {"401": 401, "404": 404, "500": 500}


class Handler(BaseHTTPRequestHandler):
    """Fails in the way that the first part of the path names."""

    def do_GET(self) -> None:  # its name in http.server
        way = self.path.split("/")[1]
        if way == "timeout":
            time.sleep(60)
            return
        self.send_response(STATUS.get(way, 200))
        self.send_header("Content-Type", ADVERTISEMENT)
        if way == "401":
            self.send_header("WWW-Authenticate", 'Basic realm="models"')
        content = bytes(range(256)) if way == "garbage" else b""
        if way != "slow":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        for _ in range(600 if way == "slow" else 0):
            self.wfile.write(b"0")
            time.sleep(0.1)

    def log_message(self, *_: object) -> None:
        """Write no log."""


if __name__ == "__main__":
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer.request_queue_size = 128
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
