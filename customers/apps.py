from django.apps import AppConfig


class CustomersConfig(AppConfig):
    """Customers and orders."""

    name = "customers"
    verbose_name = "Customers and orders"
