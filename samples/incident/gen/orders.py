"""The function orders-api: its execution environments, its log streams, its export objects."""

import json
import random
from dataclasses import dataclass, field

from .base import HOUR, MARK, MINUTE, REGION, Corpus, Event, at, hexa, iso, moment, stream_rng, uuid4
from .bodies import Bodies, logged_event
from .creds import Vault
from .web import BODY_KINDS, Request

GROUP = "/aws/lambda/orders-api"
RUNTIME_ARN = f"arn:aws:lambda:{REGION}::runtime:6b9f1f3a0d2e4c5877a9c1d3e5f70819a2b4c6d8e0f1a3b5c7d9e1f3051729ab"
IDLE_LIMIT, LIFE_LIMIT = 100 * MINUTE, 6 * HOUR
# On Friday the defender changes the function's configuration, which retires all environments.
RETIRED_AT = at("2026-03-06 16:21:40")
DATABASE_HOST = "shop-prod.cluster-c3kq9x7mzt2b.eu-central-1.rds.amazonaws.com"
STACK = """TypeError: Cannot read properties of undefined (reading 'sku')
    at toLine (/var/task/src/orders/lines.js:27:31)
    at Array.map (<anonymous>)
    at createOrder (/var/task/src/orders/create.js:58:24)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)
    at async Runtime.handler (/var/task/src/index.js:41:18)"""


@dataclass
class Environment:
    """One execution environment = one log stream = one set of temporary credentials."""

    created: int
    stream: str
    access_key: str
    session_token: str
    secret_key: str = ""  # made only for the one that is printed
    busy_until: int = 0
    calls: list[Request] = field(default_factory=list)
    lines: list[tuple[int, str]] = field(default_factory=list)  # (ms, message)

    def serves(self, now: int) -> bool:
        if self.created < RETIRED_AT <= now:
            return False
        return self.busy_until < now < min(self.busy_until + IDLE_LIMIT, self.created + LIFE_LIMIT)


class OrdersApi:
    def __init__(self, vault: Vault) -> None:
        self.vault, self.bodies = vault, Bodies(vault)
        self.rng = stream_rng("orders-api")
        self.environments: list[Environment] = []
        self.leaked: Environment | None = None
        self.again: Environment | None = None
        self.stack_written = False
        self.doubled = False
        self.environ_time = 0

    def run(self, requests: list[Request]) -> None:
        """Gives each request to a free environment, then writes the lines of all in time order."""
        placed = [(request, self._place(request)) for request in sorted(requests, key=lambda r: r.time)]
        self._choose_again()
        for request, (environment, start, init_us) in placed:
            self._write_invocation(request, environment, start, init_us)

    def _place(self, request: Request) -> tuple[Environment, int, int]:
        # The slack keeps START after the previous REPORT also where both fall into one millisecond.
        start = request.time + self.rng.randrange(3_000, 14_000)
        free = [e for e in self.environments if e.serves(start - 5_000)]
        init_us = 0
        if free:
            environment = free[0]
        else:
            init_us = self.rng.randrange(380_000, 720_000)
            environment = self._open(start)
            start += init_us
        request.lambda_id = uuid4(self.rng)
        request.ended = start + request.work_us + self.rng.randrange(1_500, 4_000)
        environment.busy_until = start + request.work_us
        environment.calls.append(request)
        if request.kind == "environ":
            self._leak(environment)
        return environment, start, init_us

    def _open(self, now: int) -> Environment:
        stream = f"{moment(now):%Y/%m/%d}/[$LATEST]{hexa(self.rng, 32)}"
        environment = Environment(now, stream, self.vault.access_key("ASIA"), self.vault.session_token(420))
        self.environments.append(environment)
        return environment

    def _leak(self, environment: Environment) -> None:
        self.leaked, environment.secret_key = environment, self.vault.secret_key()
        self.vault.tell("aws-access-key-id", environment.access_key)
        self.vault.tell("aws-session-token", environment.session_token)

    def _choose_again(self) -> None:
        """The stream that is delivered a second time: an ordinary one with a whole body in it."""
        begin = at("2026-03-04 09:00:00")
        fitting = (e for e in self.environments if e.created >= begin and len(e.calls) >= 10 and any(c.kind == "create" for c in e.calls))
        self.again = next(fitting)

    # Lines ----------------------------------------------------------------------------------

    def _write_invocation(self, request: Request, environment: Environment, start: int, init_us: int) -> None:
        out = environment.lines
        if init_us:
            out.append(((start - init_us) // 1000, f"INIT_START Runtime Version: nodejs:20.v98\tRuntime Version ARN: {RUNTIME_ARN}\n"))
            if environment is self.environments[0]:
                self._dump_configuration(out, (start - init_us // 4) // 1000)
        out.append((start // 1000, f"START RequestId: {request.lambda_id} Version: $LATEST\n"))
        for ms, level, text in self._application_lines(request, environment, start):
            out.append((ms, f"{iso(ms * 1000, 3)}\t{request.lambda_id}\t{level}\t{text}\n"))
        end = (start + request.work_us) // 1000
        if request.kind == "ssrf-timeout":
            out.append((end, f"{iso(end * 1000, 3)} {request.lambda_id} Task timed out after 60.00 seconds\n\n"))
        out.append((end, f"END RequestId: {request.lambda_id}\n"))
        out.append((end, self._report(request, init_us)))

    def _application_lines(self, request: Request, environment: Environment, start: int) -> list[tuple[int, str, str]]:
        lines = list(request.logs)
        if request.kind in BODY_KINDS:
            lines.insert(0, ("INFO", logged_event(request, self.vault, self.bodies.make(request.kind, request.customer))))
        if request.kind == "environ":
            lines.append(("INFO", environ_line(environment)))
            self.environ_time = (start + request.work_us * len(lines) // (len(lines) + 1)) // 1000 * 1000
        if request.kind == "create" and not self.stack_written and start > at("2026-03-03 10:00:00"):
            self.stack_written = True
            request.status, lines[1:] = 500, [("ERROR", STACK)]
        timed = []
        # The call that hangs says so at its beginning.
        work_us = 30_000 if request.kind == "ssrf-timeout" else request.work_us
        for place, (level, text) in enumerate(lines, 1):
            timed.append(((start + work_us * place // (len(lines) + 1)) // 1000, level, text))
        if environment is self.again and request.kind == "create" and not self.doubled:
            self.doubled = True
            # Two equal messages in one millisecond: a second import has to keep both, and add none.
            timed += [(timed[-1][0], "WARN", "payment provider slow, trying again")] * 2
        return timed

    def _dump_configuration(self, out: list[tuple[int, str]], ms: int) -> None:
        """The cold start error of Monday: the module prints all variables it was configured with."""
        uri = self.vault.database_uri("orders_app", DATABASE_HOST)
        settings = {
            "NODE_ENV": "production", "LOG_BODIES": "true", "DATABASE_URL": uri, "STRIPE_SECRET_KEY": self.vault.stripe_key(),
            "GITHUB_TOKEN": self.vault.github_token(), "SLACK_BOT_TOKEN": self.vault.slack_token(), "FEATURE_FLAGS": "{pickup:true",
        }
        dump = json.dumps(settings, ensure_ascii=False, separators=(",", ":"))
        out.append((ms, f"{iso(ms * 1000, 3)}\tundefined\tERROR\tconfig: FEATURE_FLAGS is not valid JSON, going on with defaults. env={dump}\n"))

    def _report(self, request: Request, init_us: int) -> str:
        used, segment = self.rng.randrange(96, 148), hexa(self.rng, 16)
        duration = request.work_us / 1000
        # Since August 2025 the time of the INIT phase is billed too.
        billed = -(-(request.work_us + init_us) // 1000)
        parts = [f"REPORT RequestId: {request.lambda_id}", f"Duration: {duration:.2f} ms", f"Billed Duration: {billed} ms",
                 "Memory Size: 512 MB", f"Max Memory Used: {used} MB"]
        if init_us:
            parts.append(f"Init Duration: {init_us / 1000:.2f} ms")
        if request.kind == "ssrf-timeout":
            parts.append("Status: timeout")
        trace = f"XRAY TraceId: {request.root}\tSegmentId: {segment}\tSampled: true\t"
        return "\t".join(parts) + "\t\n" + trace + "\n"

    # Files ----------------------------------------------------------------------------------

    def export(self, corpus: Corpus) -> None:
        task = "5f0e7c1a-8b42-4d39-9a6e-2c7d1b3f4e58"
        base = "logs/cloudwatch/orders-api"
        corpus.put_file(f"{base}/aws-logs-write-test", "Permission Check Successful")
        for environment in self.environments:
            lines = sorted(environment.lines, key=lambda line: line[0])
            corpus.events += [Event("cloudwatch", GROUP, ms * 1000, text) for ms, text in lines]
            folder = environment.stream.replace("/", "-")
            corpus.put_file(f"{base}/{task}/{folder}/000000.gz", export_text(lines))
        self._deliver_again(corpus)

    def _deliver_again(self, corpus: Corpus) -> None:
        lines = sorted(self.again.lines, key=lambda line: line[0])
        text = filter_log_events(stream_rng("again"), [(self.again.stream, ms, message) for ms, message in lines])
        corpus.put_file("logs/cloudwatch/orders-api-again/filter-log-events.json.gz", text)


def environ_line(environment: Environment) -> str:
    """What /api/import prints of /proc/self/environ; it stops before the shop's own variables."""
    variables = {
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs20.x", "AWS_DEFAULT_REGION": REGION,
        "AWS_LAMBDA_LOG_STREAM_NAME": environment.stream, "AWS_REGION": REGION, "PWD": "/var/task", "_HANDLER": "src/index.handler",
        "TZ": ":UTC", "LAMBDA_TASK_ROOT": "/var/task", "LANG": "en_US.UTF-8", "AWS_ACCESS_KEY_ID": environment.access_key,
        "AWS_SECRET_ACCESS_KEY": environment.secret_key, "AWS_SESSION_TOKEN": environment.session_token,
        "AWS_LAMBDA_LOG_GROUP_NAME": GROUP, "AWS_LAMBDA_FUNCTION_NAME": "orders-api", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    }
    text = "\0".join(f"{name}={value}" for name, value in variables.items()) + "\0"
    shown = json.dumps(text, ensure_ascii=False)
    length = len(text.replace(MARK, "").encode())
    return f"import fetched 3164 bytes from file:///proc/self/environ, first {length}: {shown}"


def export_text(lines: list[tuple[int, str]]) -> str:
    """An export object: stamp, blank, message; a message's own newline shows as an empty line."""
    return "".join(f"{iso(ms * 1000, 3)} {message}\n" for ms, message in lines)


def filter_log_events(rng: random.Random, rows: list[tuple[str, int, str]]) -> str:
    """The output of `aws logs filter-log-events`; event ids begin with the time, as real ones do."""
    events = []
    for number, (stream, ms, message) in enumerate(sorted(rows, key=lambda row: row[1])):
        event_id = (ms << 144) | (number << 112) | rng.getrandbits(112)
        # The runtime hands over its lines in batches, which share one time of arrival.
        events.append({"logStreamName": stream, "timestamp": ms, "message": message,
                       "ingestionTime": (ms // 5_000 + 1) * 5_000 + 137, "eventId": f"{event_id:056d}"})
    return json.dumps({"events": events, "searchedLogStreams": []}, ensure_ascii=False, indent=4) + "\n"
