"""A server that fails as the path specifies: ``python failing_server.py PORT``."""

from __future__ import annotations

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ADVERTISEMENT = "application/x-git-upload-pack-advertisement"
STATUS = {"401": 401, "404": 404, "500": 500}


class Handler(BaseHTTPRequestHandler):
    """Fails as the first part of the path specifies."""

    def do_GET(self) -> None:  # its name in http.server
        failure = self.path.split("/")[1]
        if failure == "timeout":
            time.sleep(60)
            return
        self.send_response(STATUS.get(failure, 200))
        self.send_header("Content-Type", ADVERTISEMENT)
        if failure == "401":
            self.send_header("WWW-Authenticate", 'Basic realm="models"')
        content = bytes(range(256)) if failure == "garbage" else b""
        if failure != "slow":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        for _ in range(600 if failure == "slow" else 0):
            self.wfile.write(b"0")
            time.sleep(0.1)

    def log_message(self, *_: object) -> None:
        """Write no log."""


if __name__ == "__main__":
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer.request_queue_size = 128
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
