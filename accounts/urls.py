"""Addresses of signing in, of the account and of the keys."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts import views

urlpatterns = [
    path("login/", views.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("account/", views.Account.as_view(), name="account"),
    path("account/password/", views.ChangePassword.as_view(), name="account-password"),
    path("settings/keys/", views.key_list, name="keys"),
    path("settings/keys/new/", views.key_new, name="key-new"),
    path("settings/keys/<str:prefix>/", views.key_change, name="key-change"),
    path("settings/keys/<str:prefix>/copy/", views.key_shown, name="key-shown"),
    path("settings/keys/<str:prefix>/rotate/", views.key_rotate, name="key-rotate"),
    path("settings/keys/<str:prefix>/revoke/", views.key_revoke, name="key-revoke"),
]
