"""Lines of applications that print no secret and much that looks like one: ids, digests, cursors, keys of objects."""

import base64
import json
import random
import string

ALNUM = string.ascii_letters + string.digits
BASE32 = string.ascii_uppercase + "234567"


class Ordinary:
    """The same seed gives the same lines."""

    def __init__(self, seed=1):
        self.random = random.Random(seed)

    def text(self, count, of=ALNUM):
        return "".join(self.random.choices(of, k=count))

    def hexes(self, count):
        return f"{self.random.getrandbits(4 * count):0{count}x}"

    def uuid(self):
        return f"{self.hexes(8)}-{self.hexes(4)}-4{self.hexes(3)}-a{self.hexes(3)}-{self.hexes(12)}"

    def blob(self, count):
        return base64.b64encode(self.random.randbytes(count)).decode()

    def account(self):
        return "".join(self.random.choices(string.digits, k=12))

    def field(self):
        """One key and its value, as JSON."""
        pick = self.random
        kinds = [
            ("requestId", self.uuid()), ("x-amzn-RequestId", self.uuid()), ("traceId", self.hexes(32)), ("spanId", self.hexes(16)),
            ("sha256", self.hexes(64)), ("md5", self.hexes(32)), ("commit", self.hexes(40)), ("ETag", f'"{self.hexes(32)}"'),
            ("nextToken", self.blob(90)), ("NextContinuationToken", self.blob(45)), ("clientToken", self.uuid()), ("idempotencyKey", self.uuid()),
            ("versionId", self.text(32, ALNUM + "._")), ("s3Key", f"uploads/{self.hexes(2)}/{self.uuid()}/{self.text(8)}.json"), ("cacheKey", f"user:{self.hexes(32)}"),
            ("imageDigest", f"sha256:{self.hexes(64)}"), ("pod", f"checkout-{self.hexes(10)}-{self.text(5, string.ascii_lowercase + string.digits)}"),
            ("cursor", self.blob(24)), ("correlationId", self.uuid()), ("eni", f"eni-0{self.hexes(16)}"), ("roleId", f"AROA{self.text(17, BASE32)}"),
            ("arn", f"arn:aws:iam::{self.account()}:role/service-role/app-{self.hexes(8)}"), ("accountId", self.account()),
            ("epochMillis", pick.randint(1_700_000_000_000, 1_800_000_000_000)), ("messageId", self.uuid()), ("MD5OfBody", self.hexes(32)),
            ("receiptHandle", self.blob(150)), ("shardIterator", self.blob(200)), ("sequenceNumber", "".join(pick.choices(string.digits, k=56))),
            ("partitionKey", self.hexes(24)), ("ulid", "01" + self.text(24, "0123456789ABCDEFGHJKMNPQRSTVWXYZ")), ("nonce", self.blob(16)),
            ("tokenCount", pick.randint(10, 4000)), ("publicKey", self.blob(65)), ("kid", self.text(24)), ("keyId", self.uuid()), ("secretName", "prod/db/" + self.hexes(6)),
            ("passwordPolicy", "min-length-12"), ("tokenType", "Bearer"), ("secretArn", f"arn:aws:secretsmanager:eu-west-1:{self.account()}:secret:prod/db-{self.text(6)}"),
            ("build", f"v{pick.randint(1, 9)}.{pick.randint(0, 40)}.{pick.randint(0, 99)}+{self.hexes(7)}"), ("container", self.hexes(64)), ("session", f"i-0{self.hexes(16)}"),
            ("fingerprint", ":".join(self.hexes(2) for _ in range(20))), ("userAgent", "aws-sdk-go/1.44.122 (go1.20; linux; amd64) exec-env/AWS_Lambda_go1.x"),
            ("integrity", f"sha512-{self.blob(64)}"), ("body", self.blob(pick.randint(20, 300))), ("query", f"SELECT id FROM orders WHERE hash = '{self.hexes(40)}'"),
            ("xAmzId2", self.blob(56)), ("transactionHash", "0x" + self.hexes(64)), ("distribution", "E" + self.text(13, string.ascii_uppercase + string.digits)),
        ]  # fmt: skip
        return pick.choice(kinds)

    def line(self):
        pick = self.random
        stamp = f"2026-03-{pick.randint(1, 28):02d}T{pick.randint(0, 23):02d}:{pick.randint(0, 59):02d}:{pick.randint(0, 59):02d}.{pick.randint(0, 999):03d}Z"
        kind = pick.random()
        if kind < 0.6:
            item = {"timestamp": stamp, "level": pick.choice(["INFO", "DEBUG", "WARN"])} | dict(self.field() for _ in range(pick.randint(2, 8)))
            return json.dumps({"message": json.dumps(item)} if pick.random() < 0.3 else item, separators=(",", ":"))
        name, value = self.field()
        texts = [
            f"{stamp} {self.uuid()} INFO {name}={value} done in {pick.randint(1, 900)} ms",
            f"[{stamp}] GET /v1/items/{self.uuid()}?page={pick.randint(1, 90)}&{name}={value} 200",
            f"{stamp} Failed password for invalid user admin from 203.0.113.{pick.randint(1, 250)} port {pick.randint(1024, 65000)} ssh2",
            f"{stamp} WARN token expired for session {self.uuid()}, refreshing; key rotated at {pick.randint(1_700_000_000, 1_800_000_000)}",
            f"{stamp} DEBUG cache miss key={self.hexes(40)} ttl={pick.randint(1, 900)}",
            f"{stamp} pulling image {self.account()}.dkr.ecr.eu-west-1.amazonaws.com/shop@sha256:{self.hexes(64)}",
            f"{stamp} checkout github.com/acme/shop at {self.hexes(40)}; datadog agent {pick.randint(6, 7)}.{pick.randint(1, 60)}.0 sent {pick.randint(1, 90)} spans",
            f"{stamp} secret prod/db rotated, version {self.uuid()}; api key id {self.text(10, string.ascii_lowercase + string.digits)} used",
            f"{stamp} X-Amzn-Trace-Id: Root=1-{self.hexes(8)}-{self.hexes(24)};Parent={self.hexes(16)};Sampled=1",
            f"{stamp} user agent {pick.choice(['okhttp/4.12.0', 'Slackbot 1.0 (+https://api.slack.com/robots)', 'facebookexternalhit/1.1', 'Datadog/Synthetics', 'Stripe/1.0 (+https://stripe.com/docs/webhooks)', 'GitHub-Hookshot/' + self.hexes(7), 'TwilioProxy/1.1', 'PagerDuty-Webhook/V3.0'])} id={self.uuid()} etag={self.hexes(32)}",
        ]  # fmt: skip
        return pick.choice(texts)


def write(path, size, seed=1):
    """Writes `size` bytes of lines."""
    make, written = Ordinary(seed), 0
    with open(path, "w") as file:
        while written < size:
            text = "".join(make.line() + "\n" for _ in range(1000))
            file.write(text)
            written += len(text)
    return written
