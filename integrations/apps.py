from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """Other systems: what we send them."""

    name = "integrations"
    verbose_name = "Integrations"
