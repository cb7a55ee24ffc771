"""Signing in and out, the person's own account, and the keys of the API."""

from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import PasswordChangeForm
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods
from django.views.generic import TemplateView

from accounts.forms import KeyChangeForm, KeyForm
from accounts.models import ApiKey
from accounts.requests import only_admins

MANAGE_KEYS = "see and manage the keys of the API"


class SignIn(auth_views.LoginView):
    """The door. Somebody who is already in goes on to where they wanted to be."""

    template_name = "accounts/login.html"
    redirect_authenticated_user = True


class Account(TemplateView):
    """Who I am here, and what I may do."""

    template_name = "accounts/account.html"


class ChangePassword(auth_views.PasswordChangeView):
    """A new password for myself; my other sessions end, this one goes on."""

    template_name = "accounts/password.html"
    success_url = reverse_lazy("account")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        """Say that it is done."""
        messages.success(self.request, "Your password is changed. Other devices are signed out.")
        return super().form_valid(form)


@require_GET
def key_list(request: HttpRequest) -> HttpResponse:
    """All keys, newest first, without their secrets. Two queries."""
    only_admins(request, MANAGE_KEYS)
    page = Paginator(ApiKey.objects.select_related("created_by"), 50).get_page(request.GET.get("page"))
    now = timezone.now()
    return render(request, "accounts/keys.html", {"page": page, "keys": [(key, key.state_at(now)) for key in page]})


@require_http_methods(["GET", "POST"])
def key_new(request: HttpRequest) -> HttpResponse:
    """Ask what a new key may do, make it, and show it this once."""
    person = only_admins(request, MANAGE_KEYS)
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _shown_once(request, *form.issue(person))
    return render(request, "accounts/key_new.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def key_change(request: HttpRequest, prefix: str) -> HttpResponse:
    """Another name, other web pages, other limits; they count from the next request."""
    only_admins(request, MANAGE_KEYS)
    key = _key_or_404(prefix)
    former_name = key.name
    form = KeyChangeForm(request.POST or None, instance=key)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, f"The key “{key.name}” is changed.")
        return redirect("keys")
    context = {"form": form, "key": key, "name": former_name}
    return render(request, "accounts/key_change.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def key_rotate(request: HttpRequest, prefix: str) -> HttpResponse:
    """Say what will happen (GET), then make the successor and show it this once (POST)."""
    person = only_admins(request, MANAGE_KEYS)
    key = _working_key(prefix)
    if request.method == "GET":
        return render(request, "accounts/key_rotate.html", {"key": key})
    return _shown_once(request, *key.rotate(timezone.now(), created_by=person), former=key)


@require_http_methods(["GET", "POST"])
def key_revoke(request: HttpRequest, prefix: str) -> HttpResponse:
    """Ask whether to end the key (GET), and do it (POST)."""
    only_admins(request, MANAGE_KEYS)
    key = _working_key(prefix)
    if request.method == "GET":
        return render(request, "accounts/key_revoke.html", {"key": key})
    key.revoke(timezone.now())
    messages.success(request, f"The key “{key.name}” is revoked. Whoever sends it is refused from now on.")
    return redirect("keys")


def _key_or_404(prefix: str) -> ApiKey:
    key = ApiKey.objects.filter(prefix=prefix).first() if "\0" not in prefix else None
    if key is None:
        raise Http404("There is no key that begins like this.")
    return key


def _working_key(prefix: str) -> ApiKey:
    key = _key_or_404(prefix)
    if not key.works_at(timezone.now()):
        raise Http404(f"The key “{key.name}” has ended already; make a new one.")
    return key


def _shown_once(request: HttpRequest, key: ApiKey, secret: str, former: ApiKey | None = None) -> HttpResponse:
    """The answer itself holds the key, not a page to come back to: nothing but this ever knows it."""
    context = {"key": key, "secret": secret, "former": former}
    response = render(request, "accounts/key_shown.html", context)
    response["Cache-Control"] = "no-store"
    return response
