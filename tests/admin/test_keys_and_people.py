"""Keys and people in the Django admin: a key is shown once, and nobody makes or becomes a superuser."""

import pytest
from django.urls import reverse

from accounts.models import ApiKey, User
from tests.admin.conftest import listed, page_of

pytestmark = pytest.mark.django_db


# --- Keys --------------------------------------------------------------------------------------------------------------


def test_a_new_key_is_shown_once_and_kept_nowhere(admin_client_of_ours):
    form = {"name": "dashboard", "scopes": ["read"], "origins": '["https://shop.example"]'}
    answer = admin_client_of_ours.post(reverse("admin:accounts_apikey_add"), form, follow=True)
    row = ApiKey.objects.get()
    assert answer.redirect_chain == [(f"/settings/keys/{row.prefix}/copy/", 302)]
    assert "no-store" in answer["Cache-Control"]
    secret = next(
        word for word in answer.content.decode().replace("<", " ").replace(">", " ").split() if word.startswith(row.prefix)
    )
    assert ApiKey.digest_of(secret) == row.digest
    assert (row.scopes, row.origins, row.created_by.username) == (["read"], ["https://shop.example"], "ada")
    for page in (listed(ApiKey), page_of(row), reverse("admin:index")):
        assert secret not in admin_client_of_ours.get(page).content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"name": ""},
        {"origins": '"x"'},
        {"origins": "{"},
        {"scopes": ["read", "query"], "origins": '["https://shop.example"]'},
    ],
)
def test_a_wrong_key_is_not_made(admin_client_of_ours, wrong):
    form = {"name": "dashboard", "scopes": ["read"], "origins": "[]", **wrong}
    assert admin_client_of_ours.post(reverse("admin:accounts_apikey_add"), form).status_code == 200
    assert not ApiKey.objects.exists()


def test_keys_are_revoked_and_rotated_from_the_list(admin_client_of_ours):
    row, _ = ApiKey.issue("dashboard", ["read"])
    answer = admin_client_of_ours.post(listed(ApiKey), {"action": "rotate", "_selected_action": [row.pk]}, follow=True)
    assert "The old key works until" in answer.content.decode()
    assert ApiKey.objects.count() == 2
    answer = admin_client_of_ours.post(listed(ApiKey), {"action": "rotate", "_selected_action": [row.pk]}, follow=True)
    assert "was replaced already; rotate its successor" in answer.content.decode()
    assert ApiKey.objects.count() == 2
    admin_client_of_ours.post(listed(ApiKey), {"action": "revoke", "_selected_action": [row.pk]})
    assert ApiKey.objects.get(pk=row.pk).revoked_at is not None
    admin_client_of_ours.post(listed(ApiKey), {"action": "rotate", "_selected_action": [row.pk]})
    assert ApiKey.objects.count() == 2


# --- People ------------------------------------------------------------------------------------------------------------


def test_an_admin_makes_people_with_a_role(admin_client_of_ours):
    form = {"username": "mia", "role": "marketer", "password1": "a-long-passphrase-9", "password2": "a-long-passphrase-9"}
    assert admin_client_of_ours.post(reverse("admin:accounts_user_add"), form).status_code == 302
    mia = User.objects.get(username="mia")
    assert (mia.role, mia.is_staff, mia.has_usable_password()) == ("marketer", False, True)


def test_an_admin_makes_no_superuser_and_takes_over_none(admin_client_of_ours):
    root = User.objects.create_superuser("root")
    mia = User.objects.create_user("mia", role="marketer")
    form = {"username": "mia", "role": "admin", "is_active": "on", "is_superuser": "on"}
    admin_client_of_ours.post(page_of(mia), form)
    mia.refresh_from_db()
    assert (mia.role, mia.is_superuser) == ("admin", False)
    assert admin_client_of_ours.post(page_of(root), form).status_code == 403
    password = reverse("admin:auth_user_password_change", args=[root.pk])
    assert admin_client_of_ours.post(password, {"password1": "x", "password2": "x"}).status_code == 403
