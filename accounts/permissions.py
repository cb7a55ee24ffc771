"""What a caller of the API may do. A key may what its scopes say; a person who is signed in may what the role says."""

from typing import TYPE_CHECKING, ClassVar

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import ApiKey, User

if TYPE_CHECKING:  # rest_framework.views itself imports the default permissions
    from rest_framework.views import APIView


def scopes_of(request: Request) -> frozenset[str]:
    """The scopes of the key, or those that the signed-in person's role amounts to; empty for nobody.

    `read:pii` holds `read`: who may see a name may see the figures beside it.
    """
    if isinstance(request.auth, ApiKey):
        scopes = set(request.auth.scopes)
    elif isinstance(request.user, User) and request.user.is_active:
        scopes = {ApiKey.Scope.READ, ApiKey.Scope.READ_PII, ApiKey.Scope.QUERY}
        if request.user.may_change_data:
            scopes.add(ApiKey.Scope.WRITE_CAMPAIGNS)
        if request.user.is_admin:
            scopes.add(ApiKey.Scope.WRITE_WEBHOOKS)
    else:
        return frozenset()
    return frozenset(scopes | {ApiKey.Scope.READ} if ApiKey.Scope.READ_PII in scopes else scopes)


def caller_of(request: Request) -> str:
    """Who asks, for repeated writes: a key by its prefix, a person by number; empty for nobody.

    A key that replaced another one does not hear what that one was answered, for it may have been replaced because it leaked.
    """
    return request.auth.prefix if isinstance(request.auth, ApiKey) else _person(request)


def counted_as(request: Request) -> str:
    """Whom limits are counted for: a key with those that it replaced, so that together they may not ask for more than one."""
    return request.auth.family if isinstance(request.auth, ApiKey) else _person(request)


def _person(request: Request) -> str:
    return f"person:{request.user.pk}" if isinstance(request.user, User) and request.user.is_active else ""


class HasScope(BasePermission):
    """Lets in whoever has `scope`; nobody at all while a subclass has not named one."""

    scope: ClassVar[str] = ""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Whether the caller has the scope; the answer to a key without it names the scope."""
        self.message = f"This needs the scope {self.scope}; yours does not have it."
        return bool(self.scope) and self.scope in scopes_of(request)


class CanRead(HasScope):
    """Figures and profiles without contact data."""

    scope = ApiKey.Scope.READ


class CanManageWebhooks(HasScope):
    """Other systems that are told what happened here; their addresses may hold secrets of theirs."""

    scope = ApiKey.Scope.WRITE_WEBHOOKS
