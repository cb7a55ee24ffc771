from django.apps import AppConfig

from customers.importing.facts import register_later


class SupportConfig(AppConfig):
    """Adds tickets and messages to what can be imported."""

    name = "support"
    verbose_name = "Support"

    def ready(self) -> None:
        """Have the loader learn of tickets before its first import."""
        register_later("support.importing.tell_the_loader")
