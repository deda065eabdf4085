"""CloudTrail records, by formats/cloudtrail.md."""

from .values import AnyOf, Expect, address, iso, member, snake


def record(item, _context):
    top = {}
    for name, value in item.items():
        if name != "eventTime" or iso(value):
            top[snake(name)] = iso(value) if name == "eventTime" else member(value)
    if "timeWindow" in item:
        return Expect(top, {"event_action": AnyOf(item.get("eventType"), None)} if item.get("eventName") else {})
    return Expect(top, common_columns(item))


def common_columns(item):
    who = item.get("userIdentity") or {}
    # What is no time is none; CloudWatch may know a better one, which the facts do not settle.
    common = {"event_time": iso(item.get("eventTime"))} if iso(item.get("eventTime")) else {}
    common |= {"region": item.get("awsRegion"), "source_ip": address(item.get("sourceIPAddress"))}
    accounts = {account for account in (item.get("recipientAccountId"), who.get("accountId")) if account}
    if accounts:
        common["account_id"] = AnyOf(*accounts) if len(accounts) > 1 else accounts.pop()
    for column, value in (
        ("user_arn", who.get("arn")),
        ("access_key_id", who.get("accessKeyId")),
        ("event_action", item.get("eventName")),
        ("error_code", item.get("errorCode")),
        ("user_agent", item.get("userAgent")),
        ("request_id", item.get("requestID")),
    ):
        if value:
            common[column] = value
    if who.get("userName") and who["userName"] != "HIDDEN_DUE_TO_SECURITY_REASONS":
        common["user_name"] = who["userName"]
    arn = who.get("arn", "")
    if who.get("type") == "AssumedRole" and arn.count("/") == 2 and ":assumed-role/" in arn:
        common["session_name"] = arn.rsplit("/", 1)[1]
    answer = item.get("responseElements")
    answer = answer if isinstance(answer, dict) else {}
    if item.get("eventType") != "AwsCloudTrailInsight" and item.get("eventName"):
        failed = bool(item.get("errorCode")) or "Failure" in (answer.get("ConsoleLogin"), answer.get("CheckMfa"))
        common["event_outcome"] = "failure" if failed else "success"
    return common
