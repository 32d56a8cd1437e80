import base64
import hashlib
import hmac
import os
import re
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 5 * 60  # seconds


def verify(secret, headers, body):
    """Raises ValueError unless a delivery is Labhook's and recent. The body is that of the wire, to the byte."""
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    if len(key) < 24:
        raise ValueError("the secret is no whsec_ one")
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not re.fullmatch("[0-9]{1,11}", timestamp) or abs(time.time() - int(timestamp)) > TOLERANCE:
        raise ValueError("the timestamp is missing, or too old or new")
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    want = b"v1," + base64.b64encode(digest)
    for item in headers.get("webhook-signature", "").split():  # several while the secret is rotated
        if hmac.compare_digest(item.encode(), want):  # in constant time
            return
    raise ValueError("no signature matches")


class Receiver(BaseHTTPRequestHandler):
    timeout = 30

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        if not 0 <= length <= 1 << 20:
            self.send_error(413)
            return
        try:
            verify(os.environ["LABHOOK_SECRET"], self.headers, self.rfile.read(length))
        except ValueError as error:
            self.send_error(401, str(error))
            return
        # A webhook-id that was seen before is a repetition. Answer first and work later.
        self.send_response(204)
        self.end_headers()


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Receiver).serve_forever()
