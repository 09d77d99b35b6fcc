"""The settings of the site; who logs in at Amazon SES is told by the environment."""

import os

SECRET_KEY = os.environ.get("WEBSHOP_SECRET_KEY", "for development only")
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("WEBSHOP_DB", "webshop.db")}
}
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "webshop"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
ROOT_URLCONF = "webshop.urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
USE_TZ = True

EMAIL_HOST = "email-smtp.eu-west-1.amazonaws.com"
EMAIL_PORT = 587
EMAIL_USE_TLS = True
EMAIL_HOST_USER = os.environ.get("WEBSHOP_SES_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("WEBSHOP_SES_PASSWORD", "")
EMAIL_TIMEOUT = 30
DEFAULT_FROM_EMAIL = "Webshop <orders@shop.example>"
