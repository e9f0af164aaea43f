"""A Hugging Face on loopback, for signing in only: OpenID Connect with a signed identity."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, CLIENT_SECRET = "spacebot-test", "no-secret-this-opens-nothing"


@dataclass
class Provider:
    """Signs in the user of `sub` and `name` without asking. `redirects` are where it led back."""

    sub: str = "64d2"
    name: str = "ada"
    url: str = ""
    redirects: list[str] = field(default_factory=list)
    _key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))
    _nonces: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        """What Hugging Face sets in a Space whose header has hf_oauth."""
        return {
            "OAUTH_CLIENT_ID": CLIENT,
            "OAUTH_CLIENT_SECRET": CLIENT_SECRET,
            "OAUTH_SCOPES": "openid profile",
            "OPENID_PROVIDER_URL": self.url,
        }

    async def discovery(self, _: web.Request) -> web.Response:
        """Where everything is."""
        places = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/oauth/authorize",
            "token_endpoint": f"{self.url}/oauth/token",
            "userinfo_endpoint": f"{self.url}/oauth/userinfo",
            "jwks_uri": f"{self.url}/oauth/jwks",
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return web.json_response(places)

    async def jwks(self, _: web.Request) -> web.Response:
        """The key that identities are signed with."""
        return web.json_response({"keys": [self._key.as_dict(private=False)]})

    async def authorize(self, request: web.Request) -> web.Response:
        """Redirect back with a code."""
        asked = request.query
        assert asked["client_id"] == CLIENT
        code = f"code-{len(self._nonces)}"
        self._nonces[code] = asked["nonce"]
        mark = "&" if "?" in asked["redirect_uri"] else "?"
        back = asked["redirect_uri"] + mark + urlencode({"code": code, "state": asked["state"]})
        self.redirects.append(back)
        raise web.HTTPFound(back)

    async def token(self, request: web.Request) -> web.Response:
        """An identity for a code."""
        arguments = await request.post()
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": self.sub,
            "preferred_username": self.name,
            "name": self.name.title(),
            "profile": f"{self.url}/{self.name}",
            "picture": "",
            "nonce": self._nonces.pop(str(arguments["code"])),
            "iat": now,
            "exp": now + 600,
        }
        identity = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self._key)
        token = {"access_token": "x", "token_type": "bearer", "expires_in": 600}
        return web.json_response(token | {"id_token": identity})


@asynccontextmanager
async def hugging_face() -> AsyncIterator[Provider]:
    """Serve a provider until the block ends."""
    provider = Provider()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", provider.discovery)
    app.router.add_get("/oauth/jwks", provider.jwks)
    app.router.add_get("/oauth/authorize", provider.authorize)
    app.router.add_post("/oauth/token", provider.token)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield provider
    finally:
        await runner.cleanup()
