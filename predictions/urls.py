"""Addresses of the trust page."""

from django.urls import path

from predictions import views

urlpatterns = [
    path("predictions/", views.trust_page, name="trust"),
    path("predictions/learn/", views.learn, name="trust-learn"),
]
