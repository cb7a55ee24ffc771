from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Long work."""

    name = "jobs"
    verbose_name = "Long work"
