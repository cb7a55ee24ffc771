"""A form that is sent twice does its work once, and both answers lead to the same page.

The page puts a token into its form, another one each time that it is opened. The first who sends the form writes down, in one
transaction with the work, that this token has been used for these values and where it led. Whoever sends the same again, by a
second click or by going back, waits for that and is led there too. With other values it is another form, and does its work.
"""

import hashlib
import secrets
from collections.abc import Callable
from urllib.parse import urlencode

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponseRedirect
from django.utils import timezone

from accounts.models import IdempotentAnswer, User

FIELD = "once"


def new_token() -> str:
    """What a page puts into the field `once` of its form."""
    return secrets.token_urlsafe(16)


def once(request: HttpRequest, person: User, work: Callable[[], HttpResponseRedirect]) -> HttpResponseRedirect:
    """Where `work` leads, done now or when the same form was sent before. Three short writes more.

    The session is stored with the work, so that the page it leads to finds there what `work` has put into it. What `work`
    raises undoes all of it, and the form can be sent again. A form without a token does its work each time.
    """
    if not request.POST.get(FIELD):
        return work()
    sent = f"{request.path}?{urlencode(sorted(request.POST.lists()), doseq=True)}"
    # Kept beside the answers to repeated writes of the API, whose rows go after a day, under a caller of its own.
    name = {"caller": f"form:{person.pk}", "key": hashlib.sha256(sent.encode(errors="surrogatepass")).hexdigest()}
    with transaction.atomic():
        try:
            with transaction.atomic():
                first = IdempotentAnswer.objects.create(**name, asked=f"POST {request.path}"[:300], created_at=timezone.now())
        except IntegrityError:  # whoever was first has ended by now: the database let us wait for that
            return HttpResponseRedirect(IdempotentAnswer.objects.get(**name).body)
        answer = work()
        request.session.save()
        request.session.modified = False  # saved once more at the end, it would bring back what the next page takes out
        first.status, first.body = answer.status_code, answer.url
        first.save(update_fields=["status", "body"])
    return answer
