"""The addresses of the site; the desk's own are in promotions/urls.py."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from promo_site.health import healthz
from promotions.pages import provider, sign_in

urlpatterns = [
    path("admin/login/", sign_in.admin_sign_in),
    path("admin/", admin.site.urls),
    path("accounts/login/", sign_in.SignIn.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/password/", sign_in.ChangePassword.as_view(), name="password_change"),
    path("accounts/provider/", provider.begin, name="provider"),
    path("accounts/provider/callback/", provider.callback, name="provider_callback"),
    path("accounts/provider/sign-out/", provider.sign_out, name="provider_sign_out"),
    path("healthz/", healthz, name="healthz"),
    path("", include("promotions.urls")),
]
