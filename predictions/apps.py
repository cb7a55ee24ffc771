from django.apps import AppConfig


class PredictionsConfig(AppConfig):
    """What customers will do. Listens for recorded orders."""

    name = "predictions"
    verbose_name = "Predictions"

    def ready(self) -> None:
        """Listen for recorded orders."""
        from predictions import receivers  # noqa: F401
