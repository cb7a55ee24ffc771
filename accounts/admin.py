"""People, the shop and API keys in the Django admin."""

from typing import TYPE_CHECKING

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import Group
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from accounts.admin_rules import AnyModelAdmin, LargeTableAdmin, ReadOnlyAdmin
from accounts.forms import ChangesOfKey
from accounts.models import ApiKey, CustomerRead, DayCount, IdempotentAnswer, MinuteCount, NotRotated, Shop, User
from accounts.shown_once import put_away
from customers.importing.validity import judge_again
from customers.metrics import settle

if TYPE_CHECKING:  # generic for the type checker only
    PlainUserAdmin = UserAdmin[User]
else:
    PlainUserAdmin = UserAdmin

admin.site.unregister(Group)  # the role is the permission
admin.site.site_header = admin.site.site_title = "Quimbi administration"


@login_not_required
def the_one_door(request: HttpRequest) -> HttpResponse:
    """Send to the site's own page for signing in, where wrong passwords are counted.

    Raises `PermissionDenied` for somebody who is in already, and would be sent to and fro.
    """
    if request.user.is_authenticated and not admin.site.has_permission(request):
        raise PermissionDenied("Only admins may open the administration; ask one of them to do it.")
    return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index"))


admin.site.login = the_one_door  # type: ignore[method-assign,assignment]


@admin.register(User)
class PersonAdmin(PlainUserAdmin):
    """Who may sign in, and as what. Only a superuser makes or changes a superuser."""

    list_display = ("username", "email", "first_name", "last_name", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("May do", {"fields": ("role", "is_active", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "role", "usable_password", "password1", "password2")}),
    )
    filter_horizontal = ()

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Dates, and for all but superusers the power over everything."""
        return ("last_login", "date_joined", *(() if request.user.is_superuser else ("is_superuser",)))

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """An admin may not take over a superuser's account."""
        return super().has_change_permission(request, obj) and (not (obj and obj.is_superuser) or request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Deactivate people instead: what they did stays theirs."""
        return False


@admin.register(Shop)
class ShopAdmin(AnyModelAdmin):
    """The one shop. Another currency changes which orders count, so their customers' figures are counted again."""

    list_display = ("name", "currency", "time_zone", "churn_days")
    search_fields = ("name",)
    list_filter = ("currency",)
    fields = ("name", "currency", "time_zone", "churn_days", "is_demo")
    readonly_fields = ("is_demo",)

    def save_model(self, request: HttpRequest, obj: Shop, form: "forms.ModelForm[Shop]", change: bool) -> None:
        """Store, and judge the orders again if the currency is another: a shop changes it once, before it begins."""
        super().save_model(request, obj, form, change)
        if "currency" in form.changed_data:
            judge_again(obj)
            settle(timezone.now())

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Once: a deployment has one shop."""
        return super().has_add_permission(request) and not Shop.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Shop | None = None) -> bool:
        """Nobody."""
        return False


class ApiKeyForm(ChangesOfKey):
    """A key's name, scopes, origins and limits."""

    scopes = forms.MultipleChoiceField(choices=ApiKey.Scope, widget=forms.CheckboxSelectMultiple, initial=[ApiKey.Scope.READ])
    origins = forms.JSONField(required=False, initial=list, help_text=ApiKey._meta.get_field("origins").help_text)

    def clean_origins(self) -> list[str]:
        """An empty field is an empty list."""
        return self.cleaned_data["origins"] or []


@admin.register(ApiKey)
class ApiKeyAdmin(LargeTableAdmin):
    """Keys by their public prefix. The key itself is shown once, on the site's own page, and kept nowhere."""

    form = ApiKeyForm
    list_display = ("name", "prefix", "scope_names", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("created_at", "expires_at", "revoked_at")
    list_select_related = ("created_by",)
    search_fields = ("name", "prefix__startswith")
    sortable_by = ("name", "created_at", "expires_at", "last_used_at")
    fields = (
        "name", "scopes", "origins", "requests_a_minute", "customers_a_day", "expires_at",
        "prefix", "family", "created_at", "created_by", "last_used_at", "harvest_stopped_at", "revoked_at",
    )  # fmt: skip
    readonly_fields = (
        "scopes", "expires_at", "prefix", "family", "created_at", "created_by", "last_used_at", "harvest_stopped_at",
        "revoked_at",
    )  # fmt: skip
    actions = ("revoke", "rotate")

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        """A new key has no past."""
        return self.fields if obj else ("name", "scopes", "origins")

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        """Another scope or a longer life is another key: whoever has this one got it for what it may do today."""
        return self.readonly_fields if obj else ()

    @admin.display(description="scopes")
    def scope_names(self, key: ApiKey) -> str:
        """The scopes as the command line names them."""
        return ", ".join(key.scopes)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: "forms.ModelForm[ApiKey]", change: bool) -> None:
        """A new key is issued and its secret kept on the request, until it is known where to go on."""
        if isinstance(form, ChangesOfKey) and change:
            form.save_changes()
            return
        row, request.issued_secret = ApiKey.issue(  # type: ignore[attr-defined]
            obj.name,
            obj.scopes,
            origins=obj.origins,
            created_by=request.user,  # type: ignore[arg-type]
        )
        obj.pk, obj.prefix = row.pk, row.prefix

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """Go on to the page that shows the key."""
        return self._to_the_key(request, obj, request.issued_secret)  # type: ignore[attr-defined]

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """Revoke instead: a log may name the key."""
        return False

    @admin.action(description="Revoke the chosen keys now")
    def revoke(self, request: HttpRequest, keys: models.QuerySet[ApiKey]) -> None:
        """They stop working with the next request."""
        count = keys.filter(revoked_at=None).update(revoked_at=timezone.now())
        self.message_user(request, f"Revoked: {count}.")

    @admin.action(description="Rotate the chosen key: a new one now, the old one for another 24 hours")
    def rotate(self, request: HttpRequest, keys: models.QuerySet[ApiKey]) -> HttpResponse | None:
        """One key at a time, because each is shown once."""
        chosen = list(keys[:2])
        if len(chosen) != 1:
            self.message_user(request, "Choose one key; each new key is shown once.", messages.ERROR)
            return None
        try:
            row, secret = chosen[0].rotate(timezone.now(), created_by=request.user)  # type: ignore[arg-type]
        except NotRotated as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return None
        return self._to_the_key(request, row, secret)

    def _to_the_key(self, request: HttpRequest, key: ApiKey, secret: str) -> HttpResponse:
        put_away(request, key, secret)
        return redirect("key-shown", key.prefix)


@admin.register(MinuteCount)
class MinuteCountAdmin(ReadOnlyAdmin):
    """Requests of this minute and tries to sign in, where no Redis counts them."""

    list_display = ("caller", "minute", "requests")
    search_fields = ("caller__startswith",)


@admin.register(DayCount)
class DayCountAdmin(ReadOnlyAdmin):
    """How many different customers a key has read today; where Redis counts them, about how many."""

    list_display = ("caller", "day", "customers")
    search_fields = ("caller__startswith",)


@admin.register(CustomerRead)
class CustomerReadAdmin(ReadOnlyAdmin):
    """What that number was counted from; customers are digests."""

    list_display = ("caller", "day", "customer")
    search_fields = ("caller__startswith",)


@admin.register(IdempotentAnswer)
class IdempotentAnswerAdmin(ReadOnlyAdmin):
    """Writes of the last day that were sent with an `Idempotency-Key`. What was answered is for who asked."""

    list_display = ("caller", "key", "asked", "status", "created_at")
    search_fields = ("caller__startswith",)
    exclude = ("body", "digest", "claim")
