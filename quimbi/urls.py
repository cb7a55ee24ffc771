"""Every page's address."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from insights.views import growth, home
from quimbi.views import demo_load, demo_remove

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home, name="home"),
    path("growth/", growth, name="growth"),
    path("", include("quimbi.api_urls")),
    path("", include("accounts.urls")),
    path("", include("support.urls")),
    path("", include("customers.urls")),
    path("", include("segmentation.urls")),
    path("", include("predictions.urls")),
    path("", include("jobs.urls")),
    path("", include("integrations.urls")),
    path("demo/load/", demo_load, name="demo-load"),
    path("demo/remove/", demo_remove, name="demo-remove"),
    path("admin/", admin.site.urls),
]

handler400 = "quimbi.api_errors.bad_request"
handler404 = "quimbi.views.not_found"
handler500 = "quimbi.api_errors.server_error"
