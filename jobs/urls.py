"""Addresses of long work."""

from django.urls import path

from jobs import views

urlpatterns = [
    path("jobs/", views.job_list, name="jobs"),
    path("jobs/<uuid:job_id>/", views.job_page, name="job"),
    path("jobs/<uuid:job_id>/cancel/", views.job_cancel, name="job-cancel"),
    path("jobs/<uuid:job_id>/again/", views.job_again, name="job-again"),
    path("jobs/<uuid:job_id>/log/", views.job_log, name="job-log"),
]
