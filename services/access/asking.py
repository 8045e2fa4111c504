"""Who asks: the one dependency with which a route of the framework names the scope that it needs."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.access.bearers import Bearers
from services.access.credential import Credential, Scope

_bearer: Final = HTTPBearer(auto_error=False, scheme_name="apiKey", description="An API key, `rsn_live_…`")


def asker(bearers: Bearers, clock: Callable[[], datetime], scope: Scope) -> Callable[..., Credential]:
    """A dependency: the credential of the request, which carries ``scope``. It raises Refused where there is none."""

    def holder(
        request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer, scopes=[scope])]
    ) -> Credential:
        authorization = request.headers.get("authorization")
        credential = bearers.check(authorization.encode("latin-1") if authorization else None, clock())
        request.state.credential = credential
        credential.require(scope)
        return credential

    return holder
