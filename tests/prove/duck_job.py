"""DuckDB doing `import`'s job on one file: `duck_job.py FORMAT WAY FILE OUT`.

The same native columns, typed, and the raw line, into Parquet with zstd, on two threads. WAY is one of
`WAYS[FORMAT]`: `split` reads whole lines and cuts them by SQL, `join` reads the file twice, once as lines
and once by DuckDB's own CSV reader, side by side (no reader gives both). Prints {"seconds", "rows"}.
For JSON the text of each record is read and turned into a struct (`struct`), or read twice (`join`).
DuckDB is spared what it cannot do in one pass: normalised addresses, common columns, event ids, sorting
by time, multi-line messages.
"""

import json
import sys
import time

ALB = """type time elb client target request_processing_time:d target_processing_time:d
response_processing_time:d elb_status_code:i target_status_code:i received_bytes:i sent_bytes:i request user_agent
ssl_cipher ssl_protocol target_group_arn trace_id domain_name chosen_cert_arn matched_rule_priority:i
request_creation_time:t actions_executed redirect_url error_reason target_port_list target_status_code_list
classification classification_reason conn_trace_id transformed_host transformed_uri request_transform_status ip_address"""
VPC = """version:i account_id interface_id srcaddr dstaddr srcport:i dstport:i protocol:i packets:i bytes:i start:e end:e action log_status"""
S3 = """bucket_owner bucket time remote_ip requester request_id operation key request_uri http_status:i error_code bytes_sent:i
object_size:i total_time:i turn_around_time:i referer user_agent version_id host_id signature_version cipher_suite authentication_type
host_header tls_version access_point_arn acl_required source_region"""
CF = """date time x_edge_location sc_bytes:i c_ip cs_method cs_host cs_uri_stem sc_status:i cs_referer cs_user_agent cs_uri_query cs_cookie
x_edge_result_type x_edge_request_id x_host_header cs_protocol cs_bytes:i time_taken:d x_forwarded_for ssl_protocol ssl_cipher
x_edge_response_result_type cs_protocol_version fle_status fle_encrypted_fields c_port:i time_to_first_byte:d x_edge_detailed_result_type
sc_content_type sc_content_len:i sc_range_start:i sc_range_end:i"""
QUOTED = {
    "request", "user_agent", "trace_id", "domain_name", "chosen_cert_arn", "actions_executed", "redirect_url", "error_reason", "target_port_list",
    "target_status_code_list", "classification", "classification_reason", "transformed_host", "transformed_uri", "request_transform_status",
}  # fmt: skip
CLOUDTRAIL = {
    "eventVersion": "VARCHAR", "userIdentity": "STRUCT(type VARCHAR, principalId VARCHAR, arn VARCHAR, accountId VARCHAR, accessKeyId VARCHAR, userName VARCHAR, invokedBy VARCHAR, sessionContext JSON)",
    "eventTime": "TIMESTAMP", "eventSource": "VARCHAR", "eventName": "VARCHAR", "awsRegion": "VARCHAR", "sourceIPAddress": "VARCHAR", "userAgent": "VARCHAR", "errorCode": "VARCHAR",
    "errorMessage": "VARCHAR", "requestParameters": "JSON", "responseElements": "JSON", "additionalEventData": "JSON", "requestID": "VARCHAR", "eventID": "VARCHAR", "readOnly": "BOOLEAN",
    "resources": "JSON", "eventType": "VARCHAR", "managementEvent": "BOOLEAN", "recipientAccountId": "VARCHAR", "eventCategory": "VARCHAR", "tlsDetails": "JSON",
}  # fmt: skip
WAF = {
    "timestamp": "BIGINT", "formatVersion": "INTEGER", "webaclId": "VARCHAR", "terminatingRuleId": "VARCHAR", "terminatingRuleType": "VARCHAR", "action": "VARCHAR",
    "terminatingRuleMatchDetails": "JSON", "httpSourceName": "VARCHAR", "httpSourceId": "VARCHAR", "ruleGroupList": "JSON", "rateBasedRuleList": "JSON", "nonTerminatingMatchingRules": "JSON",
    "requestHeadersInserted": "JSON", "responseCodeSent": "INTEGER",
    "httpRequest": "STRUCT(clientIp VARCHAR, country VARCHAR, headers JSON, uri VARCHAR, args VARCHAR, httpVersion VARCHAR, httpMethod VARCHAR, requestId VARCHAR, scheme VARCHAR, host VARCHAR)",
    "labels": "JSON", "ja3Fingerprint": "VARCHAR", "ja4Fingerprint": "VARCHAR", "requestBodySize": "BIGINT", "requestBodySizeInspectedByWAF": "BIGINT",
}  # fmt: skip
APIGATEWAY = {
    "requestId": "VARCHAR", "extendedRequestId": "VARCHAR", "ip": "VARCHAR", "caller": "VARCHAR", "user": "VARCHAR", "requestTime": "VARCHAR", "requestTimeEpoch": "BIGINT", "httpMethod": "VARCHAR",
    "resourcePath": "VARCHAR", "path": "VARCHAR", "status": "INTEGER", "protocol": "VARCHAR", "responseLength": "BIGINT", "responseLatency": "BIGINT", "integrationLatency": "VARCHAR",
    "userAgent": "VARCHAR", "apiId": "VARCHAR", "stage": "VARCHAR", "domainName": "VARCHAR", "authorizerPrincipalId": "VARCHAR", "errorMessage": "VARCHAR", "xrayTraceId": "VARCHAR",
}  # fmt: skip
WAYS = {
    "alb": ["split", "join"],
    "vpcflow": ["split", "join"],
    "s3access": ["split", "join"],
    "cloudfront": ["split", "join"],
    "cloudwatch": ["split"],
    "apigateway": ["struct", "join"],
    "waf": ["struct", "join"],
    "cloudtrail": ["struct"],
    "cloudtrail-jsonl": ["struct", "join"],
}


def names(text):
    """(name, type letter) of each column: i whole number, d decimal, t ISO time, e epoch seconds."""
    return [(each.partition(":")[0], each.partition(":")[2]) for each in text.split()]


def typed(value, letter):
    return {
        "i": f"TRY_CAST({value} AS BIGINT)",
        "d": f"TRY_CAST({value} AS DOUBLE)",
        "t": f"TRY_CAST({value} AS TIMESTAMP)",
        "e": f"to_timestamp(TRY_CAST({value} AS BIGINT))",
        "": f"nullif({value}, '-')",
    }[letter]


def whole_lines(path, skip=0):
    # 0x01 never occurs, so a line is one value.
    return (
        f"read_csv('{path}', columns={{'raw': 'VARCHAR'}}, delim='\\x01', quote='', escape='', header=false, auto_detect=false, "
        f"skip={skip}, max_line_size=16777216, strict_mode=false)"
    )


def by_reader(path, columns, delim, quote, skip):
    kinds = {"i": "BIGINT", "d": "DOUBLE", "t": "TIMESTAMP", "e": "BIGINT", "": "VARCHAR"}
    told = ", ".join(f"'{name}': '{kinds[letter]}'" for name, letter in columns)
    return (
        f"read_csv('{path}', columns={{{told}}}, delim='{delim}', quote='{quote}', escape='{quote}', header=false, auto_detect=false, nullstr='-', "
        f"skip={skip}, max_line_size=16777216, null_padding=true, strict_mode=false)"
    )


def alb_split(path):
    columns = names(ALB)
    pattern = " ".join('"([^"]*)"' if name in QUOTED else "([^ ]*)" for name, _ in columns)
    listed = ", ".join(f"'{name}'" for name, _ in columns)
    out = [typed(f'f."{name}"', "t" if name == "time" else letter) + f' AS "{name}"' for name, letter in columns if name not in ("client", "target")]
    for end in ("client", "target"):
        out.append(f"nullif(regexp_extract(f.\"{end}\", '^(.*):', 1), '') AS {end}_ip")
        out.append(f"TRY_CAST(regexp_extract(f.\"{end}\", ':([0-9]+)$', 1) AS INTEGER) AS {end}_port")
    return f"SELECT raw, {', '.join(out)} FROM (SELECT raw, regexp_extract(raw, '^{pattern}', [{listed}]) AS f FROM {whole_lines(path)})"


def alb_join(path):
    columns = [(name, "t" if name == "time" else letter) for name, letter in names(ALB)]
    out = [f'c."{name}"' for name, _ in columns if name not in ("client", "target")]
    for end in ("client", "target"):
        out.append(f"nullif(regexp_extract(c.\"{end}\", '^(.*):', 1), '') AS {end}_ip")
        out.append(f"TRY_CAST(regexp_extract(c.\"{end}\", ':([0-9]+)$', 1) AS INTEGER) AS {end}_port")
    return f"SELECT l.raw, {', '.join(out)} FROM {whole_lines(path)} l POSITIONAL JOIN {by_reader(path, columns, ' ', chr(34), 0)} c"


def parted(path, columns, delim, skip):
    """Lines cut at each delimiter; no quoting."""
    out = [typed(f"s[{at}]", letter) + f' AS "{name}"' for at, (name, letter) in enumerate(columns, 1)]
    return f"SELECT raw, {', '.join(out)} FROM (SELECT raw, string_split(raw, {delim}) AS s FROM {whole_lines(path, skip)})"


def vpcflow_join(path):
    columns = names(VPC)
    out = [f'to_timestamp(c."{name}") AS "{name}"' if letter == "e" else f'c."{name}"' for name, letter in columns]
    return f"SELECT l.raw, {', '.join(out)} FROM {whole_lines(path, 1)} l POSITIONAL JOIN {by_reader(path, columns, ' ', '', 1)} c"


def s3access_split(path):
    columns = names(S3)
    pattern = " ".join({"time": r"\[([^]]*)\]", "request_uri": '"?([^"]*)"?', "referer": '"?([^"]*)"?', "user_agent": '"?([^"]*)"?'}.get(name, "([^ ]*)") for name, _ in columns)
    listed = ", ".join(f"'{name}'" for name, _ in columns)
    out = ["try_strptime(f.time, '%d/%b/%Y:%H:%M:%S %z') AS time" if name == "time" else typed(f'f."{name}"', letter) + f' AS "{name}"' for name, letter in columns]
    return f"SELECT raw, {', '.join(out)} FROM (SELECT raw, regexp_extract(raw, '^{pattern}', [{listed}]) AS f FROM {whole_lines(path)})"


def s3access_join(path):
    columns = names(S3.replace("time remote_ip", "time1 time2 remote_ip"))
    out = [f'c."{name}"' for name, _ in columns if name not in ("time1", "time2")]
    out.append("try_strptime(c.time1 || ' ' || c.time2, '[%d/%b/%Y:%H:%M:%S %z]') AS time")
    return f"SELECT l.raw, {', '.join(out)} FROM {whole_lines(path)} l POSITIONAL JOIN {by_reader(path, columns, ' ', chr(34), 0)} c"


def cloudfront_join(path):
    columns = names(CF)
    out = ['TRY_CAST(c."date" || \' \' || c."time" AS TIMESTAMP) AS time'] + [f'c."{name}"' for name, _ in columns if name not in ("date", "time")]
    return f"SELECT l.raw, {', '.join(out)} FROM {whole_lines(path, 2)} l POSITIONAL JOIN {by_reader(path, columns, chr(9), '', 2)} c"


def cloudwatch_split(path):
    return f"""SELECT raw, TRY_CAST(left(raw, 24) AS TIMESTAMP) AS timestamp, substr(raw, 26) AS message,
      nullif(regexp_extract(raw, 'RequestId: ([0-9a-f-]+)', 1), '') AS request_id,
      TRY_CAST(regexp_extract(raw, 'Duration: ([0-9.]+) ms', 1) AS DOUBLE) AS duration,
      TRY_CAST(regexp_extract(raw, 'Max Memory Used: ([0-9]+) MB', 1) AS INTEGER) AS max_memory_used
      FROM {whole_lines(path)}"""


def json_columns(kinds, of):
    out = []
    for name, kind in kinds.items():
        if kind.startswith("STRUCT("):
            out += [f'{of}."{name}"."{inner.split()[0]}" AS "{name}_{inner.split()[0]}"' for inner in kind[7:-1].split(", ")]
        elif name in ("timestamp", "requestTimeEpoch"):
            out.append(f'to_timestamp({of}."{name}" / 1000.0) AS "{name}"')
        elif name == "requestTime":
            out.append(f"try_strptime({of}.\"{name}\", '%d/%b/%Y:%H:%M:%S %z') AS \"{name}\"")
        else:
            out.append(f'{of}."{name}"')
    return ", ".join(out)


def structure(kinds):
    """The shape for from_json, as JSON."""
    shape = {}
    for name, kind in kinds.items():
        shape[name] = dict(inner.split() for inner in kind[7:-1].split(", ")) if kind.startswith("STRUCT(") else kind
    return json.dumps(shape)


def json_struct(path, kinds, records=False):
    objects = f"read_json_objects('{path}', format='newline_delimited', maximum_object_size=67108864)"
    if records:
        objects = f"(SELECT unnest(from_json(json->'Records', '[\"JSON\"]')) AS json FROM read_json_objects('{path}/*', format='unstructured', maximum_object_size=67108864))"
    return f"SELECT raw, {json_columns(kinds, 'r')} FROM (SELECT json::VARCHAR AS raw, from_json(json, '{structure(kinds)}') AS r FROM {objects})"


def json_join(path, kinds):
    told = ", ".join(f"'{name}': '{kind}'" for name, kind in kinds.items())
    reader = f"read_json('{path}', columns={{{told}}}, format='newline_delimited', maximum_object_size=67108864)"
    return f"SELECT l.raw, {json_columns(kinds, 'c')} FROM {whole_lines(path)} l POSITIONAL JOIN {reader} c"


def query(name, way, path):
    kinds = {"apigateway": APIGATEWAY, "waf": WAF}.get(name, CLOUDTRAIL)
    return {
        ("alb", "split"): lambda: alb_split(path),
        ("alb", "join"): lambda: alb_join(path),
        ("vpcflow", "split"): lambda: parted(path, names(VPC), "' '", 1),
        ("vpcflow", "join"): lambda: vpcflow_join(path),
        ("s3access", "split"): lambda: s3access_split(path),
        ("s3access", "join"): lambda: s3access_join(path),
        ("cloudfront", "split"): lambda: parted(path, names(CF), "chr(9)", 2),
        ("cloudfront", "join"): lambda: cloudfront_join(path),
        ("cloudwatch", "split"): lambda: cloudwatch_split(path),
        ("cloudtrail", "struct"): lambda: json_struct(path, kinds, records=True),
    }.get((name, way), lambda: json_struct(path, kinds) if way == "struct" else json_join(path, kinds))()


def main():
    import duckdb

    name, way, path, out = sys.argv[1:5]
    base = duckdb.connect(config={"threads": 2, "preserve_insertion_order": way == "join"})
    start = time.perf_counter()
    rows = base.execute(f"COPY ({query(name, way, path)}) TO '{out}' (FORMAT parquet, COMPRESSION zstd)").fetchone()[0]
    print(json.dumps({"seconds": time.perf_counter() - start, "rows": rows}))


if __name__ == "__main__":
    main()
