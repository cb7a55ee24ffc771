"""The site for a WSGI server: `gunicorn quimbi.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "quimbi.settings")

application = get_wsgi_application()

from quimbi.checks import stop_if_unfit  # noqa: E402  (needs the settings)

stop_if_unfit(serves_pages=True)
