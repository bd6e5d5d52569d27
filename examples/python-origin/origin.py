"""An origin that checks the session token itself. All it knows of the worker is where its public keys are."""

import json
import os
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import jwt

JWKS_URL = os.environ.get("JWKS_URL", "http://localhost:8787/auth/.well-known/jwks.json")
ISSUER = JWKS_URL.removesuffix("/.well-known/jwks.json")
SITE = "{0.scheme}://{0.netloc}".format(urlsplit(JWKS_URL))
# Keeps the keys for five minutes and looks again when a token names a key it has not seen.
KEYS = jwt.PyJWKClient(JWKS_URL, lifespan=300, timeout=5)


def session_of(cookies: str) -> dict | None:
    """Who is asking. The cookie is __Secure-vipps-session where SESSION_COOKIE_DOMAIN is set."""
    cookie = SimpleCookie(cookies).get("__Host-vipps-session")
    if cookie is None:
        return None
    try:
        if jwt.get_unverified_header(cookie.value).get("typ") != "session+jwt":
            return None
        return jwt.decode(
            cookie.value,
            KEYS.get_signing_key_from_jwt(cookie.value).key,
            algorithms=["ES256"],
            issuer=ISSUER,
            audience=SITE,
            options={"require": ["exp", "iss", "aud", "sub", "sid"]},
        )
    except jwt.PyJWTError:
        return None


class Origin(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        session = session_of(self.headers.get("Cookie", ""))
        body = (
            {"error": "log in first"}
            if session is None
            else {"account": session["sub"], "name": session.get("name")}
        )
        self.send_response(401 if session is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Origin).serve_forever()
