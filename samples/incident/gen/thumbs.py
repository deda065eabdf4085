"""The function thumbnailer: Python, quiet, and clean of personal data and secrets."""

from .base import Corpus, Event, busy_time, hexa, iso, moment, stream_rng, uuid4, SECOND, WEEK_END, REGION, HOUR
from .orders import filter_log_events
from .web import Request

GROUP = "/aws/lambda/thumbnailer"
# One event of several lines; the runtime indents with no-break spaces.
TRACEBACK = (
    "[ERROR] UnidentifiedImageError: cannot identify image file '/tmp/upload.webp'\nTraceback (most recent call last):\n"
    "\u00a0\u00a0File \"/var/task/handler.py\", line 41, in handler\n\u00a0\u00a0\u00a0\u00a0picture = Image.open(path)\n"
    "\u00a0\u00a0File \"/opt/python/PIL/Image.py\", line 3536, in open\n\u00a0\u00a0\u00a0\u00a0raise UnidentifiedImageError(msg)\n"
)


class Thumbnailer:
    def __init__(self) -> None:
        self.rng = stream_rng("thumbnailer")
        self.rows: list[tuple[str, int, str]] = []
        self.starts: list[tuple[int, str]] = []  # (us, stream) of each environment
        self.last = 0

    def run(self, gateway_requests: list[Request]) -> None:
        uploads = [min(busy_time(self.rng), WEEK_END - 60 * SECOND) for _ in range(60)]
        calls = sorted([(r.time, r) for r in gateway_requests] + [(time, None) for time in uploads], key=lambda call: call[0])
        for number, (time, request) in enumerate(calls):
            self._invoke(max(time + 6_000, self.last + 2_000), request, fails=number == 77)

    def _invoke(self, start: int, request: Request | None, fails: bool) -> None:
        rng = self.rng
        request_id = uuid4(rng)
        if request:
            request.lambda_id = request_id
        init = 0
        if not self.starts or start - self.last > HOUR or start - self.starts[-1][0] > 6 * HOUR:
            init = rng.randrange(230_000, 340_000)
            self.starts.append((start, f"{moment(start):%Y/%m/%d}/[$LATEST]{hexa(rng, 32)}"))
            runtime = f"INIT_START Runtime Version: python:3.12.v74\tRuntime Version ARN: arn:aws:lambda:{REGION}::runtime:{'4e0b7d1c93a8f265' * 4}\n"
            self._put(start, runtime)
            start += init
        took = rng.randrange(90_000, 900_000)
        self._put(start, f"START RequestId: {request_id} Version: $LATEST\n")
        middle = start + took // 2
        key = f"products/{rng.randrange(1000, 9800)}.webp"
        self._put(middle, TRACEBACK if fails else f"[INFO]\t{iso(middle, 3)}\t{request_id}\tthumbnail of {key}: 3 sizes, {rng.randrange(9, 90)} kB\n")
        self._put(start + took, f"END RequestId: {request_id}\n")
        first = f"\tInit Duration: {init / 1000:.2f} ms" if init else ""
        self._put(start + took, f"REPORT RequestId: {request_id}\tDuration: {took / 1000:.2f} ms\tBilled Duration: {-(-(took + init) // 1000)} ms"
                                f"\tMemory Size: 1024 MB\tMax Memory Used: {rng.randrange(110, 260)} MB{first}\t\n")
        self.last = start + took

    def _put(self, time: int, message: str) -> None:
        self.rows.append((self.starts[-1][1], time // 1000, message))

    def write(self, corpus: Corpus) -> None:
        corpus.put_file("logs/cloudwatch/thumbnailer/filter-log-events.json.gz", filter_log_events(stream_rng("thumb-ids"), self.rows))
        corpus.events += [Event("cloudwatch", GROUP, ms * 1000, text) for _, ms, text in self.rows]
