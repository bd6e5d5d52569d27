"""An origin that checks the session token itself. All it knows of the worker is where its public keys are."""

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit
from urllib.request import urlopen

import jwt

JWKS_URL = os.environ.get("JWKS_URL", "http://localhost:8787/auth/.well-known/jwks.json")
ISSUER = JWKS_URL.removesuffix("/.well-known/jwks.json")
SITE = "{0.scheme}://{0.netloc}".format(urlsplit(JWKS_URL))


class Keys:
    """The worker's public keys: fetched once, kept, and looked for again when a token names one not seen yet."""

    KEPT = 300  # seconds after which they are fetched anew
    COOLDOWN = 30  # seconds between two requests, whatever tokens say and whatever the worker answers

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys: dict = {}
        self.asked = self.fetched = float("-inf")
        self.lock = threading.Lock()

    def find(self, kid: object):
        with self.lock:
            now = time.monotonic()
            wanted = kid not in self.keys or now - self.fetched > self.KEPT
            if wanted and now - self.asked > self.COOLDOWN:
                self.asked = now
                self._fetch(now)
            return self.keys.get(kid)

    def _fetch(self, now: float) -> None:
        try:
            with urlopen(self.url, timeout=5) as answer:
                found = jwt.PyJWKSet.from_dict(json.loads(answer.read(65536))).keys
        except (OSError, ValueError, jwt.PyJWTError):
            return  # The keys there are go on while the worker does not answer.
        self.keys = {key.key_id: key.key for key in found}
        self.fetched = now


KEYS = Keys(JWKS_URL)


def cookies_named(name: str, header: str) -> list[str]:
    """The cookies of one name. http.cookies gives up at the first cookie it does not understand."""
    pairs = (pair.strip().partition("=") for pair in header.split(";"))
    values = dict.fromkeys(value for found, _, value in pairs if found == name)
    # Browsers send two at most; more is somebody's attempt to keep us busy.
    return list(values)[:4]


def verified(token: str) -> dict | None:
    try:
        header = jwt.get_unverified_header(token)
        kid = header.get("kid")
        key = KEYS.find(kid) if isinstance(kid, str) else None
        if key is None or header.get("typ") != "session+jwt":
            return None
        return jwt.decode(
            token,
            key,
            algorithms=["ES256"],
            issuer=ISSUER,
            audience=SITE,
            leeway=60,  # No two clocks agree, and a token is used in the second it was signed.
            options={"require": ["exp", "iss", "aud", "sub", "sid"]},
        )
    except (jwt.PyJWTError, ValueError, TypeError):
        return None


def session_of(cookies: str) -> dict | None:
    """Who is asking; nobody where two sessions are sent, of which one must have been planted.

    The cookie is __Secure-vipps-session where SESSION_COOKIE_DOMAIN is set.
    """
    claims = (verified(token) for token in cookies_named("__Host-vipps-session", cookies))
    sessions = {each["sid"]: each for each in claims if each is not None}
    return next(iter(sessions.values())) if len(sessions) == 1 else None


class Origin(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        session = session_of("; ".join(self.headers.get_all("Cookie", [])))
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
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Origin)
    print(f"http://localhost:{server.server_port}", flush=True)
    server.serve_forever()
