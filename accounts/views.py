"""Signing in and out, the person's own account, and the keys of the API."""

from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods
from django.views.generic import TemplateView

from accounts.forms import KeyChangeForm, KeyForm, SignInForm
from accounts.models import ApiKey, NotRotated
from accounts.once import new_token, once
from accounts.requests import only_admins
from accounts.shown_once import is_waiting, put_away, taken_out

MANAGE_KEYS = "see and manage the keys of the API"


class SignIn(auth_views.LoginView):
    """The door. Somebody who is already in goes on to where they wanted to be."""

    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """The form once more, as 429 with `Retry-After` after too many wrong passwords."""
        response = super().form_invalid(form)
        if isinstance(form, SignInForm) and form.wait:
            response.status_code, response.headers["Retry-After"] = 429, str(form.wait)
        return response


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
    """Ask what a new key may do, make it, and go on to the page that shows it."""
    person = only_admins(request, MANAGE_KEYS)
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return once(request, person, lambda: to_the_key(request, *form.issue(person)))
    context = {"form": form, "once": new_token()}
    return render(request, "accounts/key_new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def key_change(request: HttpRequest, prefix: str) -> HttpResponse:
    """Another name, other web pages, other limits; they count from the next request."""
    only_admins(request, MANAGE_KEYS)
    key = _key_or_404(prefix)
    former_name = key.name
    form = KeyChangeForm(request.POST or None, instance=key)
    if request.method == "POST" and form.is_valid():
        form.save_changes()
        messages.success(request, f"The key “{key.name}” is changed.")
        return redirect("keys")
    context = {"form": form, "key": key, "name": former_name}
    return render(request, "accounts/key_change.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def key_rotate(request: HttpRequest, prefix: str) -> HttpResponse:
    """Say what will happen (GET), then make the successor and go on to the page that shows it (POST)."""
    person = only_admins(request, MANAGE_KEYS)
    key, now = _working_key(prefix), timezone.now()
    if request.method == "GET" and key.state_at(now) == "works":
        return render(request, "accounts/key_rotate.html", {"key": key})
    if request.method == "GET":
        successor = key.after()
        if successor and is_waiting(request, successor):  # of two clicks the second is refused, and leads here
            return redirect("key-shown", successor.prefix)
        messages.error(request, key.why_not_rotated(now))
        return redirect("keys")
    try:
        successor, secret = key.rotate(now, created_by=person)
    except NotRotated:
        return redirect("key-rotate", key.prefix)
    return to_the_key(request, successor, secret)


@require_GET
def key_shown(request: HttpRequest, prefix: str) -> HttpResponse:
    """The key, once, to whoever has just made it, on a page that nothing may keep; it changes nothing when loaded again."""
    only_admins(request, MANAGE_KEYS)
    key = _key_or_404(prefix)
    secret = taken_out(request, key)
    if not secret:
        messages.info(request, "A key is shown once. If nobody has copied it, rotate it.")
        return redirect("keys")
    former = key.before()
    works = former is not None and former.works_at(timezone.now())
    context = {"key": key, "secret": secret, "former": former if works else None}
    response = render(request, "accounts/key_shown.html", context)
    response["Cache-Control"] = "no-store"
    return response


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


def to_the_key(request: HttpRequest, key: ApiKey, secret: str) -> HttpResponseRedirect:
    """To the page that shows the key this once."""
    put_away(request, key, secret)
    return HttpResponseRedirect(reverse("key-shown", args=[key.prefix]))
