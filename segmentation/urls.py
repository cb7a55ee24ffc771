"""Addresses of the archetype pages."""

from django.urls import path

from segmentation import views

urlpatterns = [
    path("archetypes/", views.archetype_list, name="archetypes"),
    path("archetypes/<str:archetype_id>/", views.archetype, name="archetype"),
    path("archetypes/<str:archetype_id>/name/", views.rename, name="archetype-rename"),
]
