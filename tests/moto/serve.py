"""A moto server with logs in it, for tests of `logsift pull`.

    serve.py logs STREAMS EVENTS    three groups; doubles included
    serve.py s3 OBJECTS             a bucket `logs` with every key layout; a twelfth of each lies in the window
    serve.py export                 a group whose events are older than half a day, a bucket `exports`
    serve.py account                users, keys, stages: what `discover` and `credentials` look at

Prints its port and a line of JSON with the truth, then serves until stdin ends. `GET /counts` tells how many requests
of each kind came.
"""

import datetime
import gzip
import json
import os
import random
import sys
import threading
import time
from collections import Counter

os.environ.update(AWS_ACCESS_KEY_ID="AKIAEXAMPLE", AWS_SECRET_ACCESS_KEY="none", AWS_DEFAULT_REGION="eu-central-1")

import boto3  # noqa: E402
from moto.server import DomainDispatcherApplication, create_backend_app  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

REGION, ACCOUNT = "eu-central-1", "111122223333"
os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT
UTC = datetime.timezone.utc
FROM = datetime.datetime(2026, 3, 2, 10, tzinfo=UTC)
TO = datetime.datetime(2026, 3, 2, 12, tzinfo=UTC)


class Counting:
    """Counts requests by what they ask for."""

    def __init__(self, app):
        self.app, self.counts = app, Counter()

    def __call__(self, environ, start_response):
        path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        if path == "/counts":
            body = json.dumps(self.counts).encode()
            start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
            return [body]
        target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        listing = environ["REQUEST_METHOD"] + (" list" if "list-type" in query else " object" if path.count("/") > 1 else "")
        self.counts[target or listing] += 1
        return self.app(environ, start_response)


def logs(streams, events):
    """Puts events; the truth is a list of [group, stream, milliseconds, message]."""
    from moto.logs.models import logs_backends

    backend, chance = logs_backends[ACCOUNT][REGION], random.Random(7)
    now, truth = int(time.time() * 1000), []
    groups = ["/aws/lambda/orders", "/aws/lambda/pay", "/app/web"]
    for group in groups:
        backend.create_log_group(group, {})
    per = events // streams
    for number in range(streams):
        group, name = groups[number % 3], f"2026/11/22/[$LATEST]{number:032x}"
        backend.create_log_stream(group, name)
        at, batch = now - 6 * 3_600_000, []
        for line in range(per):
            at += chance.choice([0, 0, 1, 500, 2000])
            text = chance.choice(["same line", "START RequestId: x", '{"a":1}', f"line {line} é"])
            batch.append({"timestamp": at, "message": text})
        backend.put_log_events(group, name, batch)
        truth += [[group, name, event["timestamp"], event["message"]] for event in batch]
    return {"events": truth}


def stamp(time, form="%Y%m%dT%H%MZ"):
    return time.strftime(form)


FIVE = datetime.timedelta(minutes=5)
ALB = ('http {time} app/shop/0123456789abcdef 198.51.100.7:40000 10.0.0.9:80 0.001 0.002 0.000 200 200 34 366 '
       '"GET http://shop.example:80/{n} HTTP/1.1" "curl/8.1" - - arn:aws:elasticloadbalancing:eu-central-1:111122223333:'
       'targetgroup/t/0123456789abcdef "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 {time} "forward" "-" "-" '
       '"10.0.0.9:80" "200" "-" "-"')


def content(start, digits):
    """One line with a time of its own; what it is of matters less than that it is found."""
    return (ALB.format(time=start.strftime("%Y-%m-%dT%H:%M:%S.000000Z"), n=digits) + "\n").encode()


def layouts():
    """Name of each layout, and its key for five minutes that begin at `s`, with number and hex digits."""
    end = lambda s: s + FIVE
    day = "%Y/%m/%d"
    yield "alb", lambda s, n, x: f"AWSLogs/{ACCOUNT}/elasticloadbalancing/{REGION}/{end(s):{day}}/{ACCOUNT}_elasticloadbalancing_{REGION}_app.shop.0123456789abcdef_{stamp(end(s))}_10.0.0.9_{x[:8]}.log.gz"
    yield "vpc", lambda s, n, x: f"AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/{s:{day}/%H}/{ACCOUNT}_vpcflowlogs_{REGION}_fl-0123456789abcdef0_{stamp(s)}_{x[:8]}.log.gz"
    yield "vpc-hive", lambda s, n, x: f"hive/AWSLogs/aws-account-id={ACCOUNT}/aws-service=vpcflowlogs/aws-region={REGION}/year={s:%Y}/month={s:%m}/day={s:%d}/hour={s:%H}/{ACCOUNT}_vpcflowlogs_{REGION}_fl-0123456789abcdef0_{stamp(s)}_{x[:8]}.log.gz"
    yield "cloudtrail", lambda s, n, x: f"trail/AWSLogs/o-abcdefghij/{ACCOUNT}/CloudTrail/{REGION}/{s + 2 * FIVE:{day}}/{ACCOUNT}_CloudTrail_{REGION}_{stamp(s + 2 * FIVE)}_{x}.json.gz"
    yield "waf", lambda s, n, x: f"aws-waf-logs-shop/AWSLogs/{ACCOUNT}/WAFLogs/{REGION}/acl/{s:{day}/%H/%M}/{ACCOUNT}_waflogs_{REGION}_acl_{stamp(s)}_{x[:8]}.log.gz"
    yield "cloudfront", lambda s, n, x: f"cf/E2EXAMPLE{n % 2}.{s:%Y-%m-%d-%H}.{x[:8]}.gz"
    yield "s3", lambda s, n, x: f"access/{s + 12 * FIVE:%Y-%m-%d-%H-%M-%S}-{x.upper()}"
    yield "s3-partitioned", lambda s, n, x: f"partitioned/{ACCOUNT}/{REGION}/shop/{s:{day}}/{s:%Y-%m-%d}-00-00-00-{x.upper()}"
    yield "firehose", lambda s, n, x: f"fire/{end(s):{day}/%H}/apigw-1-{end(s):%Y-%m-%d-%H-%M-%S}-0f1e2d3c-0000-1111-2222-{x[:12]}.gz"
    yield "config", lambda s, n, x: f"AWSLogs/{ACCOUNT}/Config/{REGION}/{s.year}/{s.month}/{s.day}/ConfigSnapshot/{ACCOUNT}_Config_{REGION}_ConfigSnapshot_{stamp(s, '%Y%m%dT%H%M%SZ')}_{x}.json.gz"
    yield "dns", lambda s, n, x: f"AWSLogs/{ACCOUNT}/vpcdnsquerylogs/vpc-0123/{end(s):{day}}/vpc-0123_vpcdnsquerylogs_{ACCOUNT}_{stamp(end(s))}_{x[:8]}.log.gz"
    yield "network-activity", lambda s, n, x: f"AWSLogs/{ACCOUNT}/CloudTrail-NetworkActivity/{REGION}/{s + FIVE:{day}}/{ACCOUNT}_CloudTrail-NetworkActivity_{REGION}_{stamp(s + FIVE)}_{x}.json.gz"


def s3(objects):
    """The truth: keys whose events lie in the window, and keys that are far from it."""
    from moto.s3.models import s3_backends

    backend, chance = s3_backends[ACCOUNT]["aws"], random.Random(11)
    backend.create_bucket("logs", REGION)
    needed, far = [], []
    all_layouts = list(layouts())
    for name, key in all_layouts:
        for number in range(objects // len(all_layouts)):
            inside = number < objects // len(all_layouts) // 16
            while True:
                # Half of what is outside lies on the days around.
                span = 2 * 24 * 12 if number % 2 else 60 * 24 * 12
                start = FROM + FIVE * (chance.randrange(24) if inside else chance.randrange(-span, span))
                if inside or not FROM - datetime.timedelta(minutes=1) < start < TO:
                    break
            digits = f"{chance.randrange(16**16):016x}"
            path, body = key(start, number, digits), content(start, digits)
            backend.put_object("logs", path, body if name.startswith("s3") else gzip.compress(body))
            if inside:
                needed.append(path)
            elif not FROM - datetime.timedelta(days=1) < start < TO + datetime.timedelta(days=1):
                far.append(path)
    return {"needed": needed, "far": far, "from": FROM.isoformat(), "to": TO.isoformat(), "objects": objects}


def account(port):
    """Users and keys, log groups, an API without access logs, a role in another account, an organisation."""
    here = {"endpoint_url": f"http://127.0.0.1:{port}", "region_name": REGION}
    iam, groups = boto3.client("iam", **here), boto3.client("logs", **here)
    iam.create_user(UserName="deploy")
    iam.create_user(UserName="ada")
    iam.create_login_profile(UserName="ada", Password="made-up-1")
    keys = [iam.create_access_key(UserName="deploy")["AccessKey"]["AccessKeyId"] for _ in range(2)]
    iam.update_access_key(UserName="deploy", AccessKeyId=keys[1], Status="Inactive")
    api = boto3.client("apigateway", **here)
    rest = api.create_rest_api(name="shop")["id"]
    root = api.get_resources(restApiId=rest)["items"][0]["id"]
    api.put_method(restApiId=rest, resourceId=root, httpMethod="GET", authorizationType="NONE")
    api.put_integration(restApiId=rest, resourceId=root, httpMethod="GET", type="MOCK")
    api.create_deployment(restApiId=rest, stageName="prod")
    for name in ["/aws/lambda/kept", "/aws/lambda/short", f"API-Gateway-Execution-Logs_{rest}/prod"]:
        groups.create_log_group(logGroupName=name)
    groups.put_retention_policy(logGroupName="/aws/lambda/short", retentionInDays=7)
    organization = boto3.client("organizations", **here)
    organization.create_organization(FeatureSet="ALL")
    return {"keys": keys, "api": rest, "accounts": [a["Id"] for a in organization.list_accounts()["Accounts"]]}


def export():
    """Events to be exported. moto's own tasks put the objects under another id, cut the milliseconds off and are done
    at once; these are as AWS documents them."""
    import gzip as packer

    from moto.logs.exceptions import LimitExceededException
    from moto.logs.models import ExportTask, LogsBackend, logs_backends
    from moto.s3.models import s3_backends

    def create(self, taskName, logGroupName, destination, destinationPrefix, fromTime, to):
        if any(task.status["code"] in ("PENDING", "RUNNING") for task in self.export_tasks.values()):
            raise LimitExceededException()
        task_id = f"00000000-0000-4000-8000-{len(self.export_tasks):012}"
        task = ExportTask(task_id, taskName, logGroupName, destination, destinationPrefix, fromTime, to)
        task.status = {"code": "PENDING", "message": "Pending"}
        self.export_tasks[task_id] = task
        bucket = s3_backends[self.account_id][self.partition]
        for name, stream in self.groups[logGroupName].streams.items():
            lines = [
                datetime.datetime.fromtimestamp(event.timestamp / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
                + f"{event.timestamp % 1000:03}Z {event.message}\n"
                for event in stream.events if fromTime <= event.timestamp <= to
            ]
            key = f"{destinationPrefix}/{task_id}/{name.replace('/', '-')}/000000.gz"
            bucket.put_object(destination, key, packer.compress("".join(lines).encode()))
        return task_id

    def describe(self, task_id):
        steps = {"PENDING": "RUNNING", "RUNNING": "COMPLETED"}
        for task in self.export_tasks.values():
            task.status = {**task.status, "code": steps.get(task.status["code"], task.status["code"])}
        return [task for task in self.export_tasks.values() if task_id in (None, task.task_id)]

    LogsBackend.create_export_task, LogsBackend.describe_export_tasks = create, describe
    backend = logs_backends[ACCOUNT][REGION]
    s3_backends[ACCOUNT]["aws"].create_bucket("exports", REGION)
    backend.create_log_group("/app/web", {})
    start, truth = int(time.time() * 1000) - 30 * 3_600_000, []
    for name in ["web-1", "web-2"]:
        backend.create_log_stream("/app/web", name)
        texts = ["same line", "same line", "first\n  second", '{"a":1}', "é"] * 200
        batch = [{"timestamp": start + line // 2 * 1017, "message": text} for line, text in enumerate(texts)]
        backend.put_log_events("/app/web", name, batch)
        truth += [["/app/web", name, event["timestamp"], event["message"]] for event in batch]
    return {"events": truth}


def main():
    app = Counting(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    worlds = {"logs": logs, "s3": s3, "account": account, "export": export}
    numbers = [server.server_port] if sys.argv[1] == "account" else map(int, sys.argv[2:])
    truth = worlds[sys.argv[1]](*numbers)
    print(server.server_port, flush=True)
    print(json.dumps(truth), flush=True)
    sys.stdin.read()


main()
