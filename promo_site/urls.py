"""The addresses of the site; the desk's own are in promotions/urls.py."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from promo_site.health import healthz
from promotions.pages import sign_in

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/password/", sign_in.ChangePassword.as_view(), name="password_change"),
    path("healthz/", healthz, name="healthz"),
    path("", include("promotions.urls")),
]
