"""Addresses of outgoing webhooks."""

from django.urls import path

from integrations import views

urlpatterns = [
    path("settings/webhooks/", views.webhook_list, name="webhooks"),
    path("settings/webhooks/new/", views.webhook_new, name="webhook-new"),
    path("settings/webhooks/deliveries/<str:delivery_id>/", views.delivery, name="webhook-delivery"),
    path("settings/webhooks/deliveries/<str:delivery_id>/replay/", views.delivery_replay, name="webhook-replay"),
    path("settings/webhooks/<str:webhook_id>/", views.webhook, name="webhook"),
    path("settings/webhooks/<str:webhook_id>/edit/", views.webhook_edit, name="webhook-edit"),
    path("settings/webhooks/<str:webhook_id>/test/", views.webhook_test, name="webhook-test"),
    path("settings/webhooks/<str:webhook_id>/switch/", views.webhook_switch, name="webhook-switch"),
    path("settings/webhooks/<str:webhook_id>/rotate/", views.webhook_rotate, name="webhook-rotate"),
    path("settings/webhooks/<str:webhook_id>/secret/", views.webhook_secret, name="webhook-secret"),
    path("settings/webhooks/<str:webhook_id>/delete/", views.webhook_delete, name="webhook-delete"),
]
