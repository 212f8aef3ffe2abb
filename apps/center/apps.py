from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CenterConfig(AppConfig):
    name = "apps.center"
    label = "center"
    verbose_name = _("Management center")
    default_auto_field = "django.db.models.BigAutoField"
