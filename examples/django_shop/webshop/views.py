"""The shop takes orders."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from webshop.confirmations import confirm
from webshop.models import Order


@require_POST
def order(request: HttpRequest) -> HttpResponse:
    """Take an order; its customer does not wait for the mail, and hears of no trouble with it."""
    try:
        validate_email(request.POST["email"])
    except ValidationError as error:
        return HttpResponse(error.message, status=422)
    with transaction.atomic():
        taken = Order.objects.create(
            email=request.POST["email"], goods=request.POST["goods"], due=timezone.now()
        )
        transaction.on_commit(lambda: confirm(taken), robust=True)
    return HttpResponse("Thank you for your order.", status=201)
