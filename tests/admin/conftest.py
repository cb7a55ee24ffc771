"""An admin who is signed in, and where rows are listed and shown."""

import pytest
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import User


@pytest.fixture
def admin_client_of_ours(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("ada", role="admin"))
    return client


def listed(model: type[Model]) -> str:
    """The address of a model's list."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def page_of(row: Model) -> str:
    """The address of a row's page."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[quote(row.pk)])
