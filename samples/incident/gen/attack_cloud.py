"""Friday: the stolen credentials at work in the account, and the defender's answer."""

from typing import Any

from .attack import Story
from .base import ACCOUNT, CLOUD_IP, DAY, FRIDAY, REGION, ROLE, SECOND, at, iso, stream_rng
from .creds import Vault
from .orders import Environment
from .trail import Trail, cli_name
from .trail_week import BROWSER, EXPORTS, OFFICE, console_login, export_key

AGENT = "aws-cli/2.15.30 Python/3.11.8 Linux/6.5.0-28-generic exe/x86_64.ubuntu.22 prompt/off command/{}"
NEW_USER = "svc-backup"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
TRAIL_ARN = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/org-trail"
STOPPED, STARTED = at("2026-03-06 15:07:19"), at("2026-03-06 16:10:28")
SECOND_TRAIL_UNTIL = at("2026-03-06 15:30:00")
LAST_ATTACK = at("2026-03-06 15:24:31")


def clock(text: str) -> int:
    return at(f"2026-03-06 {text}")


class CloudAttack:
    def __init__(self, trail: Trail, vault: Vault, leaked: Environment, story: Story) -> None:
        self.trail, self.vault, self.story = trail, vault, story
        self.rng = stream_rng("attack-cloud")
        self.stolen_key = leaked.access_key
        self.stolen = trail.role(ROLE, "orders-api", leaked.access_key, leaked.created - SECOND, function=True)
        self.new_key = vault.access_key("AKIA", ordinary=False)
        self.new_user = trail.user(NEW_USER, self.new_key)

    def run(self) -> None:
        self._look_around()
        self._take_exports()
        self._stay()
        self._blind()
        self._use_new_key()
        self._defend()

    def _call(self, text: str, action: str, params: dict | None = None, response: dict | None = None, what: str = "",
              me: dict | None = None, read_only: bool = True, **more: Any) -> None:
        """One call from the attacker's machine; with `what` it becomes an item of the story."""
        identity = me or self.stolen
        name = action.split(":")[1]
        self.trail.call(clock(text), identity, CLOUD_IP, AGENT.format(cli_name(action)), action, params, response, read_only, **more)
        if what:
            match = {"source_ip": CLOUD_IP, "event_action": name, "access_key_id": identity["accessKeyId"], "user_arn": identity["arn"],
                     "event_outcome": "failure" if "errorCode" in more else "success"}
            if "errorCode" in more:
                match["error_code"] = more["errorCode"]
            self.story.tell(clock(text), "cloudtrail", what, **match)

    def _look_around(self) -> None:
        self._call("14:09:41", "sts:GetCallerIdentity", what="The function's credentials are used from outside the account for the first time.")
        self._call("14:10:03", "iam:ListAttachedRolePolicies", {"roleName": ROLE}, what="The attacker reads the role's policies and finds AdministratorAccess.")
        self._call("14:10:22", "iam:ListUsers")
        self._call("14:10:40", "iam:ListRoles")
        self._call("14:11:08", "s3:ListBuckets", {"Host": f"s3.{REGION}.amazonaws.com"})
        self._call("14:11:52", "secretsmanager:ListSecrets")
        self._call("14:12:17", "secretsmanager:GetSecretValue", {"secretId": "prod/db"}, what="The attacker reads the secret prod/db.")
        self._call("14:13:05", "ec2:DescribeInstances", {"instancesSet": {}, "filterSet": {}})
        self._call("14:13:31", "rds:DescribeDBClusters", {})
        self._call("14:14:02", "organizations:ListAccounts", what="Listing the organization's accounts is denied.", errorCode="AccessDeniedException",
                   errorMessage="You don't have permissions to access this resource.")

    def _take_exports(self) -> None:
        agent = AGENT.format("s3.sync")
        time = clock("14:15:36")
        self.trail.s3_data(time, self.stolen, CLOUD_IP, agent, "ListObjects", EXPORTS, "daily/", 9_214)
        objects = [(day, part) for day in range(-1, 4) for part in range(5)]
        for number, (day, part) in enumerate(objects):
            time += self.rng.randrange(3, 8) * SECOND
            key = export_key(FRIDAY + (day - 3) * DAY, part)
            self.trail.s3_data(time, self.stolen, CLOUD_IP, agent, "GetObject", EXPORTS, key, self.rng.randrange(3_000_000, 9_000_000))
            if number in (0, len(objects) - 1):
                which = "first" if number == 0 else "last"
                self.story.tell(time, "cloudtrail", f"The {which} of {len(objects)} objects is copied from {EXPORTS}.", source_ip=CLOUD_IP, event_action="GetObject",
                                access_key_id=self.stolen_key, event_outcome="success")

    def _stay(self) -> None:
        user_arn = f"arn:aws:iam::{ACCOUNT}:user/{NEW_USER}"
        user = {"path": "/", "userName": NEW_USER, "userId": self.trail.principal("AIDA", NEW_USER), "arn": user_arn, "createDate": "Mar 6, 2026, 2:31:12 PM"}
        self._call("14:31:12", "iam:CreateUser", {"userName": NEW_USER}, {"user": user}, f"A user {NEW_USER} is created.", read_only=False)
        key = {"accessKeyId": self.new_key, "status": "Active", "userName": NEW_USER, "createDate": "Mar 6, 2026, 2:31:44 PM"}
        self._call("14:31:44", "iam:CreateAccessKey", {"userName": NEW_USER}, {"accessKey": key}, f"A long-lived access key is made for {NEW_USER}.", read_only=False)
        self._call("14:32:20", "iam:AttachUserPolicy", {"userName": NEW_USER, "policyArn": ADMIN}, None, f"{NEW_USER} becomes an administrator.", read_only=False)

    def _blind(self) -> None:
        self._call("15:06:02", "cloudtrail:DescribeTrails", {"trailNameList": []})
        self._call("15:06:38", "cloudtrail:GetTrailStatus", {"name": TRAIL_ARN})
        self._call("15:07:19", "cloudtrail:StopLogging", {"name": TRAIL_ARN}, None, "The attacker stops the trail org-trail.", read_only=False)

    def _use_new_key(self) -> None:
        me = self.new_user
        self._call("15:09:55", "sts:GetCallerIdentity", what=f"The new key of {NEW_USER} is used, from the same address.", me=me)
        self._call("15:11:20", "secretsmanager:ListSecrets", me=me)
        self._call("15:13:47", "logs:DescribeLogGroups", {"logGroupNamePrefix": "/aws/lambda/"}, me=me)
        group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/orders-api:log-stream:"
        self._call("15:16:08", "logs:DeleteLogGroup", {"logGroupName": "/aws/lambda/orders-api"}, None, "Deleting the function's log group is denied by an organization policy.",
                   me=me, read_only=False, errorCode="AccessDenied",
                   errorMessage=f"User: {me['arn']} is not authorized to perform: logs:DeleteLogGroup on resource: {group} with an explicit deny in a service control policy")
        self._call("15:24:31", "ec2:DescribeInstances", {"instancesSet": {}, "filterSet": {}}, me=me)

    def _defend(self) -> None:
        """alice signs in while the trail stands still, so the first that is seen of her is StartLogging."""
        alice = self.trail.user("alice", self.vault.access_key("ASIA"), console_since=clock("16:07:02"))
        console_login(self.trail, clock("16:07:02"), "alice", OFFICE["alice"], "Success")
        for text, action, params in [
            ("16:10:28", "cloudtrail:StartLogging", {"name": TRAIL_ARN}),
            ("16:12:51", "iam:UpdateAccessKey", {"userName": NEW_USER, "accessKeyId": self.new_key, "status": "Inactive"}),
            ("16:14:09", "iam:PutRolePolicy", {"roleName": ROLE, "policyName": "AWSRevokeOlderSessions", "policyDocument": revoke_policy()}),
            ("16:15:33", "iam:DetachUserPolicy", {"userName": NEW_USER, "policyArn": ADMIN}),
            ("16:21:40", "lambda:UpdateFunctionConfiguration20150331v2", {"functionName": "orders-api", "description": "environments retired, INC-204"}),
        ]:
            self.trail.call(clock(text), alice, OFFICE["alice"], BROWSER, action, params, None, False, sessionCredentialFromConsole="true")
        self.story.tell(STARTED, "cloudtrail", "alice starts org-trail again from the console.", source_ip=OFFICE["alice"], event_action="StartLogging",
                        user_name="alice", event_outcome="success")


def revoke_policy() -> str:
    return ('{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["*"],"Resource":["*"],'
            f'"Condition":{{"DateLessThan":{{"aws:TokenIssueTime":"{iso(clock("16:14:09"), 3)}"}}}}}}]}}')

