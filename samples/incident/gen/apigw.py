"""API Gateway access logs: the REST API writes JSON, the old HTTP API stage CLF."""

import json

from .base import Corpus, Event, SECOND, WEEK_END, base64_id, busy_time, clf_time, hexa, stream_rng, uuid4
from .orders import export_text
from .web import Request

GROUP, OLD_GROUP = "/shop/apigw-access", "/shop/apigw-access-v2"


class GatewayLog:
    def __init__(self) -> None:
        self.rng = stream_rng("apigw")
        self.rows: list[tuple[int, str, str]] = []  # (ms, stream, message)
        self.streams = [hexa(self.rng, 32) for _ in range(4)]

    def name(self, request: Request) -> None:
        """Gives the ids, which the function sees in its event, before it runs."""
        request.gateway_id, request.extended_id = uuid4(self.rng), base64_id(self.rng, 11)

    def add(self, r: Request) -> None:
        row = {
            "requestId": r.gateway_id, "extendedRequestId": r.extended_id, "ip": r.client.ip, "caller": "-", "user": "-",
            "requestTime": clf_time(r.time), "httpMethod": r.method, "resourcePath": r.resource, "status": str(r.status),
            "protocol": "HTTP/1.1", "responseLength": str(r.sent), "xrayTraceId": r.root,
            "integrationRequestId": r.lambda_id or "-", "userAgent": r.client.agent,
        }
        self.rows.append((r.time // 1000, self.rng.choice(self.streams), json.dumps(row, separators=(",", ":"))))

    def write(self, corpus: Corpus) -> None:
        export(corpus, GROUP, "logs/cloudwatch/apigw-access/0c4d9b7e-2a61-4f83-b5d0-7e9a1c3f6b24", self.rows)
        export(corpus, OLD_GROUP, "logs/cloudwatch/apigw-access-v2/e81f3a5c-6d70-4b92-8c4e-19a7d2f0b563", self._old_rows())

    def _old_rows(self) -> list[tuple[int, str, str]]:
        rng, rows, stream = self.rng, [], hexa(self.rng, 32)
        for _ in range(300):
            now = min(busy_time(rng), WEEK_END - SECOND)
            route = rng.choices(["GET /v0/stock", "GET /v0/stock/{sku}", "POST /v0/reservations", "$default"], [40, 40, 10, 4])[0]
            method = "GET" if route == "$default" else route.split(" ")[0]
            status = 404 if route == "$default" else rng.choices([200, 404, 500, 429], [94, 3, 2, 1])[0]
            # An HTTP API has one request id only, and writes it in both places.
            request_id = base64_id(rng, 11)
            ip = f"192.0.2.{rng.choice([31, 32, 33, 47, 90])}"
            rows.append((now // 1000, stream, f'{ip} - - [{clf_time(now)}] "{method} {route} HTTP/1.1" {status} {rng.randrange(20, 3_000)} {request_id} {request_id}'))
        return rows


def export(corpus: Corpus, group: str, base: str, rows: list[tuple[int, str, str]]) -> None:
    rows.sort(key=lambda row: row[0])
    for stream in sorted({row[1] for row in rows}):
        corpus.put_file(f"{base}/{stream}/000000.gz", export_text([(ms, text) for ms, name, text in rows if name == stream]))
    corpus.events += [Event("apigateway", group, ms * 1000, text) for ms, _, text in rows]
