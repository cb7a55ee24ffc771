from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, roles, the shop and the keys of the API."""

    name = "accounts"
    verbose_name = "People and keys"
