"""The pages."""

from django.contrib.auth.views import PasswordResetConfirmView, PasswordResetView
from django.urls import path

from webshop.views import order

PAGE = {"template_name": "form.html", "success_url": "/"}

urlpatterns = [
    path("order", order),
    path("password", PasswordResetView.as_view(**PAGE)),
    path(
        "password/<uidb64>/<token>", PasswordResetConfirmView.as_view(**PAGE), name="password_reset_confirm"
    ),
]
