"""A request as a page's view receives it, and whether it comes from somebody who may do what it asks."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import User


class PageRequest(HttpRequest):
    """After the middleware: somebody is signed in, and `htmx` is true when only a part of the page is asked for."""

    user: User
    htmx: HtmxDetails


def only_who_may_change_data(request: HttpRequest, what: str) -> User:
    """The person who asks, if a marketer or an admin; else `PermissionDenied`, whose sentence names `what` they may do."""
    if not (isinstance(request.user, User) and request.user.may_change_data):
        raise PermissionDenied(f"Only marketers and admins may {what}; ask one of them to do it.")
    return request.user


def only_admins(request: HttpRequest, what: str) -> User:
    """The person who asks, if an admin; else `PermissionDenied`, whose sentence names `what` they may do."""
    if not (isinstance(request.user, User) and request.user.is_admin):
        raise PermissionDenied(f"Only admins may {what}; ask one of them to do it.")
    return request.user
