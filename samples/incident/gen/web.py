"""Ordinary requests of the week: what the load balancer and the API gateway are asked for."""

import random
from dataclasses import dataclass, field

from .base import DAY, HOUR, SECOND, WEEK_END, WEEK_START, busy_time, hexa, stream_rng, xray_root
from .people import Client, Customer, make_clients

FEED_CLIENT = Client("192.0.2.15", "stock-sync/1.4 (+https://feeds.lieferant-nord.net)", "https")
FEED_PATH = "/api/import?url=https%3A%2F%2Ffeeds.lieferant-nord.net%2Fstock.csv"
BODY_KINDS = {"create", "login", "profile", "newsletter"}


@dataclass
class Request:
    time: int  # when the front door received it
    client: Client
    port: int
    connection: str
    method: str
    path: str
    target: str  # web, orders, thumbnailer, catalog, redirect
    kind: str
    status: int
    root: str
    front: str = "alb"
    resource: str = ""
    received: int = 0
    sent: int = 0
    reused: bool = False
    customer: Customer | None = None
    logs: list[tuple[str, str]] = field(default_factory=list)  # (level, text) the function writes
    work_us: int = 0  # time the target takes
    lambda_id: str = ""
    gateway_id: str = ""
    extended_id: str = ""
    ended: int = 0  # set when the answer went out
    error_reason: str = "-"
    target_status: str = ""


class Shop:
    """Draws the ordinary requests; their bodies are made where they are logged."""

    def __init__(self, customers: list[Customer]) -> None:
        self.rng = stream_rng("web")
        self.clients = make_clients()
        self.customers = customers

    def alb_week(self) -> list[Request]:
        requests: list[Request] = []
        for _ in range(1_020):
            requests += self._visit(busy_time(self.rng))
        for _ in range(38):
            requests.append(self._plain_http(busy_time(self.rng)))
        for day in range(7):
            requests.append(self._feed(WEEK_START + day * DAY + 3 * HOUR + self.rng.randrange(SECOND)))
        return sorted((r for r in requests if r.time < WEEK_END - 120 * SECOND), key=lambda r: r.time)

    def _visit(self, now: int) -> list[Request]:
        """One connection: some pages with their assets, perhaps calls of the orders API."""
        rng = self.rng
        client = rng.choice(self.clients)
        port, connection = rng.randrange(1_025, 65_000), f"TID_{hexa(rng, 32)}"
        customer = rng.choice(self.customers)
        reused = rng.random() < 0.4
        requests = []
        for _ in range(rng.choices([1, 2, 3, 4, 5, 7, 9, 12], [10, 14, 16, 16, 14, 12, 10, 8])[0]):
            request = self._api_call(now, client, customer) if rng.random() < 0.094 else self._page(now, client)
            request.port, request.connection, request.reused = port, connection, reused
            requests.append(request)
            now += int(rng.expovariate(1 / 4) * SECOND) + 90_000
        return requests

    def _page(self, now: int, client: Client) -> Request:
        rng = self.rng
        path = rng.choices(
            ["/", f"/products/{rng.randrange(1000, 9800)}", f"/assets/app.{'3f9c21' if rng.random() < .7 else 'b07e55'}.js",
             "/assets/shop.css", f"/images/products/{rng.randrange(1000, 9800)}.webp", "/search?q=" + rng.choice(["lampe", "regal+eiche", "teppich", "sessel%20gr%C3%BCn"]),
             "/cart", "/favicon.ico", "/robots.txt", "/alte-seite.html"],
            [16, 26, 12, 10, 24, 8, 7, 3, 2, 2])[0]
        status = 200
        if path.startswith(("/assets", "/images")) and rng.random() < 0.55:
            status = 304
        elif path == "/alte-seite.html" or (path.startswith("/products") and rng.random() < 0.02):
            status = 404
        elif rng.random() < 0.003:
            status = rng.choice([500, 502, 503])
        sent = {304: rng.randrange(180, 260), 404: 1_312, 200: int(rng.lognormvariate(9.2, 0.9))}.get(status, rng.randrange(250, 600))
        return self._request(now, client, "GET", path, "web", "page", status, sent, work=int(rng.lognormvariate(9.6, 0.7)))

    def _plain_http(self, now: int) -> Request:
        client = Client(self.rng.choice(self.clients).ip, self.rng.choice(self.clients[8:]).agent, "http", "-", "-")
        path = self.rng.choice(["/", "/", "/index.html", "/products/4711"])
        return self._request(now, client, "GET", path, "redirect", "redirect", 301, self.rng.randrange(300, 380), work=0)

    def _feed(self, now: int) -> Request:
        """The supplier's nightly stock import: the reason why /api/import exists at all."""
        size = self.rng.randrange(18_000, 31_000)
        request = self._request(now, FEED_CLIENT, "GET", FEED_PATH, "orders", "import", 200, 340, work=self.rng.randrange(1_100_000, 1_900_000))
        request.logs = [("INFO", f"import fetched {size} bytes from https://feeds.lieferant-nord.net/stock.csv"),
                        ("INFO", f"import applied, rows={size // 61}")]
        return request

    def _api_call(self, now: int, client: Client, customer: Customer) -> Request:
        rng = self.rng
        kind = rng.choices(["list", "item", "cart", "create", "profile", "login"], [40, 26, 20, 9, 3, 2])[0]
        path = {"list": "/api/orders", "item": f"/api/orders/{rng.randrange(70_000, 79_999)}", "cart": "/api/cart",
                "create": "/api/orders", "profile": "/api/profile", "login": "/api/login"}[kind]
        method = {"create": "POST", "login": "POST", "profile": "PUT"}.get(kind, "GET")
        return self._finish_call(self._request(now, client, method, path, "orders", kind, 200, 0, 0), customer)

    def _finish_call(self, request: Request, customer: Customer) -> Request:
        rng = self.rng
        request.customer = customer
        request.status = {"create": 201, "profile": 204}.get(request.kind, 200)
        if request.kind == "item" and rng.random() < 0.06:
            request.status = 404
        elif request.kind in ("list", "cart") and rng.random() < 0.03:
            request.status = 401
        request.work_us = int(rng.lognormvariate(11.4, 0.6))
        request.sent = rng.randrange(220, 380) if request.status in (201, 204, 401, 404) else rng.randrange(420, 5_200)
        request.logs = ordinary_lines(rng, request)
        if request.kind in BODY_KINDS:
            request.received += 700
        return request

    def _request(self, now: int, client: Client, method: str, path: str, target: str, kind: str,
                 status: int, sent: int, work: int) -> Request:
        rng = self.rng
        return Request(now, client, rng.randrange(1_025, 65_000), f"TID_{hexa(rng, 32)}", method, path, target, kind, status,
                       xray_root(rng, now), received=rng.randrange(60, 900), sent=sent, work_us=work)

    # API Gateway ----------------------------------------------------------------------------

    def gateway_week(self) -> list[Request]:
        requests = [self._gateway_call(busy_time(self.rng)) for _ in range(1_490)]
        return sorted((r for r in requests if r.time < WEEK_END - 120 * SECOND), key=lambda r: r.time)

    def _gateway_call(self, now: int) -> Request:
        rng = self.rng
        client = rng.choice(self.clients[:26])
        target = rng.choices(["orders", "thumbnailer", "catalog"], [27, 9, 64])[0]
        kind, method, resource = {
            "orders": lambda: rng.choices(
                [("list", "GET", "/orders"), ("item", "GET", "/orders/{id}"), ("create", "POST", "/orders"), ("newsletter", "POST", "/newsletter")],
                [52, 38, 7, 3])[0],
            "thumbnailer": lambda: ("thumb", "POST", "/thumbnails"),
            "catalog": lambda: rng.choices(
                [("page", "GET", "/catalog"), ("page", "GET", "/catalog/{sku}"), ("page", "OPTIONS", "/catalog/{sku}")], [5, 12, 2])[0],
        }[target]()
        path = "/v1" + resource.replace("{id}", str(rng.randrange(70_000, 79_999))).replace("{sku}", f"SKU-{rng.randrange(1000, 9800)}")
        request = self._request(now, client, method, path, target, kind, 200, rng.randrange(40, 4_800), rng.randrange(9_000, 60_000))
        request.front, request.resource = "apigw", resource
        if target == "orders":
            return self._finish_call(request, rng.choice(self.customers))
        request.status = rng.choices([200, 304, 404, 403, 429, 500], [900, 30, 30, 8, 4, 3])[0]
        if target == "thumbnailer":
            request.status = 200
        return request


def ordinary_lines(rng: random.Random, request: Request) -> list[tuple[str, str]]:
    """What orders-api says about itself; whole events come on top where it logs bodies."""
    who = request.customer.subject
    if request.status == 401:
        return [("WARN", "token expired, answering 401")]
    lines = {
        "list": [("INFO", f"list orders customer={who} count={rng.randrange(0, 9)}")],
        "item": [("INFO", f"get order id={request.path.rsplit('/', 1)[1]} customer={who} found={str(request.status == 200).lower()}")],
        "cart": [("INFO", f"cart customer={who} items={rng.randrange(0, 6)}")],
        "create": [("INFO", f"order created id={rng.randrange(70_000, 79_999)} total={rng.randrange(900, 39_900) / 100:.2f} EUR customer={who}")],
        "profile": [("INFO", f"profile updated customer={who}")],
        "login": [("INFO", f"login ok customer={who}")],
        "newsletter": [("INFO", "newsletter double opt-in sent")],
    }[request.kind]
    if request.kind == "create" and rng.random() < 0.3:
        lines.append(("INFO", f"confirmation mail queued to {request.customer.email}"))
    if rng.random() < 0.12:
        lines.insert(0, ("DEBUG", f"db pool size=4 waiting={rng.randrange(0, 2)}"))
    return lines
