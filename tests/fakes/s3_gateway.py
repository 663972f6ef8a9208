"""Lets a client read from an S3 server under a key that the server does not know.

The command line tools of AWS have one key for everything that a command asks. What they ask of S3 is signed
here anew, with the key of the server's user; nothing else is changed.
"""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import urllib3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.fakes.s3_server import S3Server

_KEPT = ("content-type", "content-encoding", "etag", "last-modified")


@contextlib.contextmanager
def running(server: S3Server) -> Iterator[str]:
    """Yield the URL of a gateway to `server`."""
    pool = urllib3.PoolManager()
    signer = S3SigV4Auth(Credentials(server.access_key, server.secret_key), "s3", "us-east-1")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            request = AWSRequest("GET", server.endpoint + self.path)
            request.context["payload_signing_enabled"] = True
            signer.add_auth(request)
            prepared = request.prepare()
            answer = pool.request("GET", prepared.url, headers=dict(prepared.headers), decode_content=False)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() in _KEPT or name.lower().startswith("x-amz-"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.data)))
            self.end_headers()
            self.wfile.write(answer.data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as gateway:
        serving = threading.Thread(target=gateway.serve_forever, daemon=True)
        serving.start()
        try:
            yield f"http://127.0.0.1:{gateway.server_port}"
        finally:
            gateway.shutdown()
            serving.join(10)
