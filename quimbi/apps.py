"""The composition root as a Django app: it brings the checks."""

from django.apps import AppConfig


class QuimbiConfig(AppConfig):
    """Registers what production refuses."""

    name = "quimbi"

    def ready(self) -> None:
        """Django calls this once every app is loaded."""
        from quimbi import checks  # noqa: F401
