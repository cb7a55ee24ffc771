"""Addresses of a customer's tickets. They stand before those of customers, whose ids may hold a slash."""

from django.urls import path

from support import views

urlpatterns = [
    path("customers/<path:customer_id>/tickets/", views.tickets, name="customer-tickets"),
    path("tickets/<int:ticket_pk>/", views.ticket, name="customer-ticket"),
]
