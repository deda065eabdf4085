"""The load balancer's access log: one line per request, as of 2026 with 34 fields."""

from .base import ACCOUNT, HOST, HOUR, REGION, SECOND, WEEK_END, WEEK_START, Corpus, Event, alnum, hexa, iso, moment, stream_rng
from .bodies import ORDERS_GROUP
from .web import Request

NAME = "app/shop/0123456789abcdef"
NODE = "192.0.2.250"
WEB_GROUP = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/shop-web/4c2a8e90b7d31f56"
CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/2f6b1d0e-94c7-4e1a-8d35-7b60a9c4e812"
WEB_TARGET = "10.0.3.40:8080"
STEP = 6 * HOUR


class BalancerLog:
    def __init__(self) -> None:
        self.rng = stream_rng("alb")
        self.lines: list[tuple[int, str]] = []

    def add(self, request: Request) -> None:
        if not request.ended:
            request.ended = request.time + request.work_us + self.rng.randrange(1_000, 3_000)
        self.lines.append((request.ended, self._line(request)))

    def add_malformed(self, now: int) -> None:
        """Something that was no HTTP came in on port 80."""
        line = (f"http {iso(now)} {NAME} 203.0.113.140:40001 - -1 -1 -1 400 - 0 272 "
                f'"- http://shop-1203948576.{REGION}.elb.amazonaws.com:80- -" "-" - - - "-" "-" "-" - {iso(now - 1_000)} '
                f'"-" "-" "-" "-" "-" "-" "-" TID_{hexa(self.rng, 32)} "-" "-" "-" {NODE}')
        self.lines.append((now, line))

    def _line(self, r: Request) -> str:
        fields = self._head(r) + self._request_fields(r) + self._tail(r)
        # A few nodes still wrote the shape of 2023 to 2025, which ends with conn_trace_id.
        if self.rng.random() > 0.012:
            fields += ['"-"', '"-"', '"-"', NODE]
        return " ".join(fields)

    def _head(self, r: Request) -> list[str]:
        took = r.ended - r.time
        times = [f"{0.001 + took % 3 / 1000:.3f}", f"{max(took / SECOND - 0.003, 0.001):.3f}", "0.000"]
        target = WEB_TARGET if r.target == "web" else "-"
        if r.target == "redirect" or r.error_reason != "-":
            times = ["-1"] * 3
        return [r.client.kind, iso(r.ended), NAME, f"{r.client.ip}:{r.port}", target, *times, str(r.status), self._target_status(r),
                str(r.received), str(r.sent)]

    def _request_fields(self, r: Request) -> list[str]:
        scheme, port = ("http", 80) if r.client.kind == "http" else ("https", 443)
        version = "HTTP/2.0" if r.client.kind == "h2" else "HTTP/1.1"
        group = {"web": WEB_GROUP, "orders": ORDERS_GROUP}.get(r.target, "-")
        agent = r.client.agent.replace('"', "\\x22")
        return [f'"{r.method} {scheme}://{HOST}:{port}{r.path} {version}"', f'"{agent}"', r.client.cipher, r.client.protocol, group, f'"Root={r.root}"']

    def _tail(self, r: Request) -> list[str]:
        plain = r.client.kind == "http"
        domain, certificate = ("-", "-") if plain else (HOST, "session-reused" if r.reused else CERTIFICATE)
        actions = "redirect" if r.target == "redirect" else "forward"
        redirect = f"https://{HOST}:443{r.path}" if r.target == "redirect" else "-"
        priority = {"orders": "10", "web": "0", "redirect": "0"}[r.target]
        target = WEB_TARGET if r.target == "web" else "-"
        status = self._target_status(r) if r.target == "web" else "-"
        return [f'"{domain}"', f'"{certificate}"', priority, iso(r.time), f'"{actions}"', f'"{redirect}"', f'"{r.error_reason}"',
                f'"{target}"', f'"{status}"', '"-"', '"-"', r.connection]

    def _target_status(self, r: Request) -> str:
        if r.target == "redirect" or r.error_reason != "-" or (r.target == "web" and r.status == 503):
            return "-"
        return str(r.status)

    def write(self, corpus: Corpus) -> None:
        self.lines.sort(key=lambda line: line[0])
        for begin in range(WEEK_START, WEEK_END, STEP):
            end = begin + STEP
            chosen = [line for time, line in self.lines if begin <= time < end]
            stamp = moment(end)
            name = f"{ACCOUNT}_elasticloadbalancing_{REGION}_app.shop.0123456789abcdef_{stamp:%Y%m%dT%H%MZ}_{NODE}_{alnum(self.rng, 8, 'abcdefghijklmnopqrstuvwxyz0123456789')}.log.gz"
            corpus.put_file(f"logs/alb/AWSLogs/{ACCOUNT}/elasticloadbalancing/{REGION}/{stamp:%Y/%m/%d}/{name}", "\n".join(chosen) + "\n")
        corpus.events += [Event("alb", "alb", time, line) for time, line in self.lines]
