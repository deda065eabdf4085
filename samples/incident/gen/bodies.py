"""Request bodies of customers, and the event objects in which orders-api logs them whole."""

import json
from typing import Any

from .base import ACCOUNT, HOST, REGION, stream_rng
from .creds import Vault
from .people import Customer
from .web import Request

ORDERS_GROUP = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/orders-api/9d1f0c6e2b7a4853"
API_ID, API_STAGE = "k3x9p2m7qa", "v1"


class Bodies:
    """Most orders are paid by a provider's reference; a handful carry numbers they should not."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.rng = stream_rng("bodies")
        self.orders = 0
        cards = [("4539", 16), ("5312", 16), ("4716", 16), ("3714", 15), ("4485", 16)]
        payments = [("card", vault.card(*card)) for card in cards] + [("iban", vault.iban_de()), ("ssn", vault.ssn())]
        # Every few orders one of these, in this order.
        self.special = {4 + 6 * place: payment for place, payment in enumerate(payments)}
        self.passwords = [
            "Kastanie!Regen48", "m8Qz_tulpenbeet", "Fjord7Schubkarre?", "9gelbeRadler#oben", "Birkenweg!3laterne",
            "zaunkoenig_Tal61", "Haferflocke+77dorf", "vierMoewen%kai5", "Blechkuchen.1904", "Nebelhorn&12pfad"]

    def make(self, kind: str, customer: Customer) -> dict[str, Any]:
        if kind == "login":
            return {"email": customer.email, "password": self.vault.password(self.passwords.pop(0)), "remember": True}
        if kind == "profile":
            return {"name": customer.name, "email": customer.email, "phone": customer.phone, "language": "de"}
        if kind == "newsletter":
            return {"email": customer.email, "list": "weekly"}
        return self._order(customer)

    def _order(self, customer: Customer) -> dict[str, Any]:
        self.orders += 1
        items = [{"sku": f"SKU-{self.rng.randrange(1000, 9800)}", "qty": self.rng.randrange(1, 4)} for _ in range(self.rng.randrange(1, 4))]
        body = {"items": items, "customer": {"name": customer.name, "email": customer.email, "phone": customer.phone}}
        kind, value = self.special.get(self.orders, ("provider", ""))
        if kind == "card":
            expiry = f"{self.rng.randrange(1, 13):02d}/{self.rng.randrange(27, 31)}"
            body["payment"] = {"type": "card", "cardNumber": value, "expiry": expiry, "holder": customer.name}
        elif kind == "iban":
            body["payment"] = {"type": "sepa", "iban": value, "holder": customer.name}
        elif kind == "ssn":
            body["payment"] = {"type": "invoice"}
            body["export"] = {"country": "US", "ssn": value}
        else:
            body["payment"] = {"type": "provider", "intent": f"pi_{self.rng.getrandbits(64):016x}"}
        return body


def logged_event(request: Request, vault: Vault, body: dict[str, Any]) -> str:
    """The text behind `console.log("event", JSON.stringify(event))`."""
    body_text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    event = alb_event(request, vault) if request.front == "alb" else gateway_event(request, vault)
    event |= {"body": body_text, "isBase64Encoded": False}
    return "event " + json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def alb_event(request: Request, vault: Vault) -> dict[str, Any]:
    headers = {"accept": "application/json", "accept-language": "de-DE,de;q=0.9"}
    if request.kind != "login":
        headers["authorization"] = f"Bearer {request.customer.bearer(vault, request.time)}"
    headers |= {
        "content-type": "application/json", "host": HOST, "user-agent": request.client.agent,
        "x-amzn-trace-id": f"Root={request.root}", "x-forwarded-for": request.client.ip,
        "x-forwarded-port": "443", "x-forwarded-proto": "https",
    }
    return {"requestContext": {"elb": {"targetGroupArn": ORDERS_GROUP}}, "httpMethod": request.method,
            "path": request.path, "queryStringParameters": {}, "headers": headers}


def gateway_event(request: Request, vault: Vault) -> dict[str, Any]:
    headers = {"Accept": "application/json"}
    if request.kind != "newsletter":
        headers["Authorization"] = f"Bearer {request.customer.bearer(vault, request.time)}"
    headers |= {
        "Content-Type": "application/json", "Host": "api." + HOST, "User-Agent": request.client.agent,
        "X-Amzn-Trace-Id": f"Root={request.root}", "X-Forwarded-For": request.client.ip,
        "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https",
    }
    context = {"accountId": ACCOUNT, "apiId": API_ID, "stage": API_STAGE, "requestId": request.gateway_id,
               "extendedRequestId": request.extended_id,
               "resourcePath": request.resource, "httpMethod": request.method,
               "identity": {"sourceIp": request.client.ip, "userAgent": request.client.agent, "caller": None, "user": None}}
    return {"resource": request.resource, "path": request.resource, "httpMethod": request.method, "headers": headers,
            "queryStringParameters": None, "requestContext": context}
