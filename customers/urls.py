"""Addresses of the customer pages and of the imports. An id is the shop's own and may hold any character, a slash too."""

from django.urls import path

from customers import import_views, views

urlpatterns = [
    path("customers/", views.customer_list, name="customers"),
    path("customers/<path:customer_id>/why/", views.customer_why, name="customer-why"),
    path("customers/<path:customer_id>/orders/", views.orders, name="customer-orders"),
    path("customers/<path:customer_id>/", views.customer, name="customer"),
    path("imports/new/", import_views.import_new, name="import-new"),
    path("imports/<str:token>/", import_views.import_map, name="import-map"),
    path("imports/<str:token>/start/", import_views.import_start, name="import-start"),
    path("imports/<str:token>/rejects/", import_views.import_rejects, name="import-rejects"),
]
