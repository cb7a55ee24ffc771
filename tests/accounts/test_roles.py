"""The role is the permission."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts.models import User
from accounts.requests import only_who_may_change_data

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("role", "is_staff", "may_change_data"), [("agent", False, False), ("marketer", False, True), ("admin", True, True)]
)
def test_the_role_says_what_a_person_may_do(role, is_staff, may_change_data):
    person = User.objects.create_user("p", role=role, is_staff=True)  # what a caller says about staff does not matter
    assert (person.is_staff, person.may_change_data) == (is_staff, may_change_data)
    assert person.has_perm("customers.view_order") is is_staff
    assert person.has_module_perms("customers") is is_staff


def test_a_superuser_may_everything_whatever_the_role():
    person = User.objects.create_superuser("root", role="agent")
    assert person.is_staff
    assert person.has_perm("customers.view_order")


def test_losing_the_role_closes_the_admin_with_the_same_save():
    person = User.objects.create_user("p", role="admin")
    person.role = "agent"
    person.save(update_fields=["role"])
    person = User.objects.get()
    assert not person.is_staff
    assert not person.has_perm("customers.view_order")


def test_a_role_taken_away_in_bulk_leaves_no_permission():
    User.objects.create_user("p", role="admin")
    User.objects.update(role="agent")
    assert not User.objects.get().has_perm("customers.view_order")


def test_somebody_inactive_may_nothing():
    assert not User.objects.create_user("p", role="admin", is_active=False).has_perm("customers.view_order")


def request_of(person):
    request = HttpRequest()
    request.user = person
    return request


@pytest.mark.parametrize("role", ["marketer", "admin"])
def test_marketers_and_admins_may_change_data(role):
    person = User.objects.create_user("p", role=role)
    assert only_who_may_change_data(request_of(person), "import files") is person


@pytest.mark.parametrize("person", [User(role="agent"), AnonymousUser()])
def test_others_are_told_who_may(person):
    with pytest.raises(PermissionDenied, match="Only marketers and admins may import files; ask one of them to do it"):
        only_who_may_change_data(request_of(person), "import files")
