from django.apps import AppConfig


class SegmentationConfig(AppConfig):
    """Listens for recorded orders."""

    name = "segmentation"
    verbose_name = "Segmentation"

    def ready(self) -> None:
        """Listen for recorded orders."""
        from segmentation import receivers  # noqa: F401
