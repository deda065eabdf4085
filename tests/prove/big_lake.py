"""A lake of many events: flow logs, load balancer logs and CloudTrail of 30 days, made by DuckDB, piped into `import -`.

`python big_lake.py BINARY LAKE EVENTS`: 85 % flows, 12 % requests, 3 % calls; and the sample incident, which lies in the
middle of the 30 days.
"""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
START, DAYS = "TIMESTAMP '2026-02-20 00:00:00'", 30
SHARES = {"vpcflow": 0.85, "alb": 0.12, "cloudtrail": 0.03}

# One of some 14 million outside addresses, of which those with small numbers are far busier; one of 250 inside.
OUTSIDE = "concat_ws('.', 11 + h % 7, (h >> 8) % 200, (h >> 16) % (1 + (h >> 24) % 250), 1 + (h >> 32) % 40)"
INSIDE = "concat_ws('.', '10.0', (h >> 40) % 5, 10 + (h >> 44) % 50)"
TIME = f"{START} + INTERVAL (i * ({DAYS * 86_400_000_000} // n)) MICROSECOND"
EPOCH = f"(epoch({START}) + i * {DAYS * 86_400} // n)::BIGINT"

LINES = {
    "vpcflow": f"""concat_ws(' ', '2 111122223333', 'eni-0a1b2c3d4e5f60' || (700 + h % 200), {OUTSIDE}, {INSIDE},
        1024 + (h >> 20) % 60000, [443, 80, 22, 5432, 8080, 53][1 + (h >> 50) % 6], 6, 1 + (h >> 12) % 90,
        40 + (h >> 18) % 90000, {EPOCH}, {EPOCH} + 1 + (h >> 5) % 60, if((h >> 55) % 9 = 0, 'REJECT', 'ACCEPT'), 'OK')""",
    "alb": f"""concat('https ', strftime({TIME}, '%Y-%m-%dT%H:%M:%S.%fZ'), ' app/web/50dc6c495c0c9188 ', {OUTSIDE}, ':',
        1024 + (h >> 20) % 60000, ' ', {INSIDE}, ':8080 0.001 0.0', 10 + h % 90, ' 0.000 ', s, ' ', s, ' ', 100 + (h >> 9) % 900, ' ',
        200 + (h >> 11) % 9000, ' "GET https://shop.example.com:443/', ['cart', 'items', 'api/orders', 'login', 'search'][1 + (h >> 33) % 5],
        '?page=', (h >> 36) % 50, ' HTTP/2.0" "Mozilla/5.0 (X11; Linux x86_64) Gecko/', 100 + (h >> 45) % 20,
        '" TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/web/73e2d6bc24d8a067 "Root=1-',
        printf('%08x', {EPOCH}), '-', printf('%024x', h), '" "shop.example.com" "session-reused" 1 ',
        strftime({TIME}, '%Y-%m-%dT%H:%M:%S.%fZ'), ' "forward" "-" "-" "-" "', s, '" "-" "-" TID_', printf('%032x', h))""",
    "cloudtrail": f"""concat('{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","principalId":"AROAEXAMPLE0000000000:app',
        h % 40, '","arn":"arn:aws:sts::111122223333:assumed-role/app-role/app', h % 40, '","accountId":"111122223333","accessKeyId":"ASIA',
        upper(printf('%016x', h % 4000)), '"}},"eventTime":"', strftime({TIME}, '%Y-%m-%dT%H:%M:%SZ'), '","eventSource":"s3.amazonaws.com","eventName":"',
        ['GetObject', 'PutObject', 'ListObjects', 'HeadObject'][1 + (h >> 33) % 4], '","awsRegion":"eu-central-1","sourceIPAddress":"',
        {INSIDE}, '","userAgent":"[Boto3/1.34.0]","requestParameters":{{"bucketName":"shop-data","key":"', h % 100000,
        '.csv"}},"responseElements":null,"requestID":"', printf('%032x', h), '","eventID":"', uuid(),
        '","readOnly":true,"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"111122223333","eventCategory":"Data"}}')""",
}


def stream(table, count):
    """A process that writes the table's lines in order of time."""
    query = f"""SET enable_progress_bar = false; SET preserve_insertion_order = true; COPY (SELECT {LINES[table]} FROM (
        SELECT i, {count} AS n, h, CASE WHEN (h >> 48) % 50 = 0 THEN 502 WHEN (h >> 48) % 17 = 0 THEN 404 ELSE 200 END AS s
        FROM (SELECT i, (hash(i) >> 3)::BIGINT AS h FROM range({count}) t(i)))) TO '/dev/stdout'
        (FORMAT csv, HEADER false, DELIMITER '\\x01', QUOTE '', ESCAPE '')"""
    return subprocess.Popen([sys.executable, "-c", f"import duckdb; duckdb.sql({query!r})"], stdout=subprocess.PIPE)


def build(binary, lake, events):
    """Makes the lake; counts of each import, which must have no rejects."""
    for table, share in SHARES.items():
        source = stream(table, int(events * share))
        command = [binary, "--quiet", "--lake", lake, "import", "-", "--format", table, "--output-format", "json"]
        done = subprocess.run(command, stdin=source.stdout, capture_output=True, check=True)
        assert source.wait() == 0
        tally = json.loads(done.stdout)["tally"]
        assert not tally["rejects"] and tally["events"] == {table: int(events * share)}, tally
    incident(binary, lake)


def incident(binary, lake):
    """The sample incident, every group under its own name, and a scan of its logs for findings."""
    logs = ROOT / "samples/incident/logs"
    groups = json.loads((ROOT / "samples/incident/truth.json").read_text())["log_groups"]
    run = lambda *args: subprocess.run([binary, "--quiet", "--lake", lake, *args], check=True, stdout=subprocess.DEVNULL)
    run("import", logs / "alb", logs / "vpcflow", logs / "cloudtrail")
    for folder, about in groups.items():
        run("import", "--log-group", about["log_group"], "--account", "111122223333", "--region", "eu-central-1", logs / folder)


if __name__ == "__main__":
    build(sys.argv[1], sys.argv[2], int(sys.argv[3]))
