"""A receiver of webhooks: a real server on loopback that checks signatures by its own reading of the specification."""

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_SECONDS = 300


def is_signed(secrets, headers, body):
    """Standard Webhooks, "Verifying webhook authenticity": any signature of version 1 by any secret in force, not too old."""
    if abs(time.time() - int(headers["webhook-timestamp"])) > TOLERANCE_SECONDS:
        return False
    content = headers["webhook-id"].encode() + b"." + headers["webhook-timestamp"].encode() + b"." + body
    passed = [part.split(",", 1)[1] for part in headers["webhook-signature"].split(" ") if part.startswith("v1,")]
    for secret in secrets:
        key = base64.b64decode(secret.split("_", 1)[1])
        expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        if any(hmac.compare_digest(expected, each) for each in passed):
            return True
    return False


class Receiver:
    """Answers with `statuses` in their order, the last of them for ever; keeps what was sent."""

    def __init__(self):
        self.statuses = [204]
        self.headers = {}
        self.answer_body = b""
        self.hangs = self.drips = self.breaks_off = False
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.received = []
        self.lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20

            def do_POST(self):
                receiver.take(self)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.over = threading.Event()
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def port(self):
        return self.server.server_address[1]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hooks"

    def take(self, request):
        body = request.rfile.read(int(request.headers["content-length"]))
        with self.lock:
            self.received.append((dict(request.headers.items()), request.path, body))
            status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if self.hangs:
            self.over.wait(30)
        if self.hangs or self.breaks_off:
            request.close_connection = True
            return
        self.may_answer.wait(60)
        try:
            self.answer(request, status)
        except OSError:  # whoever asked has hung up
            request.close_connection = True

    def answer(self, request, status):
        request.send_response(status)
        for name, value in self.headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(self.answer_body)))
        request.end_headers()
        for byte in self.answer_body if self.drips else ():
            request.wfile.write(bytes([byte]))
            request.wfile.flush()
            if self.over.wait(0.05):
                return
        if not self.drips:
            request.wfile.write(self.answer_body)

    @property
    def messages(self):
        return [json.loads(body) for _, _, body in self.received]

    def is_signed_by(self, *secrets, at=-1):
        headers, _, body = self.received[at]
        return is_signed(secrets, {name.lower(): value for name, value in headers.items()}, body)

    def close(self):
        self.over.set()
        self.may_answer.set()
        self.server.shutdown()
        self.server.server_close()
