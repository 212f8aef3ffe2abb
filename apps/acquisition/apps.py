from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AcquisitionConfig(AppConfig):
    name = "apps.acquisition"
    label = "acquisition"
    verbose_name = _("Data acquisition")
    default_auto_field = "django.db.models.BigAutoField"
