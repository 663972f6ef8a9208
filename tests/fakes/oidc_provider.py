"""A real OpenID Connect provider (oidc-provider-mock) behind TLS, and how a client gets its ID tokens."""

import base64
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import oidc_provider_mock
import urllib3
from werkzeug.serving import make_server

from deploy.pki.authority import Authority
from tests.fakes.issuer import server_tls

_REDIRECT = "https://client.example/callback"


@dataclass(frozen=True)
class OidcProvider:
    """A provider that is up."""

    url: str
    _http: urllib3.PoolManager

    def set_user(self, subject: str, claims: Mapping[str, Any]) -> None:
        """Say what the provider knows of a user."""
        answer = self._http.request("PUT", f"{self.url}/users/{subject}", json=dict(claims))
        assert answer.status == 204, answer.data

    def id_token(self, subject: str, client_id: str) -> str:
        """Log a user in by the authorization code flow and return the client's ID token."""
        query = urlencode(
            {
                "client_id": client_id,
                "redirect_uri": _REDIRECT,
                "response_type": "code",
                "scope": "openid email",
            }
        )
        agreed = self._http.request(
            "POST", f"{self.url}/oauth2/authorize?{query}", fields={"sub": subject}, redirect=False
        )
        assert agreed.status == 302, agreed.data
        code = parse_qs(urlsplit(agreed.headers["Location"]).query)["code"][0]
        basic = base64.b64encode(f"{client_id}:secret".encode()).decode()
        answer = self._http.request(
            "POST",
            f"{self.url}/oauth2/token",
            fields={"grant_type": "authorization_code", "code": code, "redirect_uri": _REDIRECT},
            encode_multipart=False,
            headers={"Authorization": f"Basic {basic}"},
        )
        assert answer.status == 200, answer.data
        token: str = answer.json()["id_token"]
        return token


@contextmanager
def oidc_provider(authority: Authority, folder: Path, address: str) -> Iterator[OidcProvider]:
    """Run a provider at an address until the context ends."""
    tls = server_tls(authority, folder, "localhost", address)
    server = make_server(address, 0, oidc_provider_mock.app(), threaded=True, ssl_context=tls)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    ca = folder / "ca.pem"
    ca.write_bytes(authority.certificate)
    http = urllib3.PoolManager(ca_certs=str(ca))
    try:
        yield OidcProvider(f"https://{address}:{server.server_port}", http)
    finally:
        http.clear()
        server.shutdown()
        server.server_close()
        thread.join(5)
