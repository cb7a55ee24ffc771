from django.apps import AppConfig


class InsightsConfig(AppConfig):
    """What can be read; it keeps nothing."""

    name = "insights"
    verbose_name = "Insights"
