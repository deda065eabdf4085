"""The account's ordinary week in CloudTrail: the function's own calls, people, CI, nightly jobs."""

from .base import ACCOUNT, DAY, FUNCTION_ARN, HOUR, LAMBDA_IP, MINUTE, REGION, ROLE, SECOND, WEEK_START, hexa, iso, stream_rng
from .creds import Vault
from .orders import Environment, OrdersApi
from .thumbs import Thumbnailer
from .trail import Trail, cli_name, expiry, pick

SDK_AGENT = ("aws-sdk-js/3.958.0 ua/2.1 os/linux#5.10.245 lang/js md/nodejs#20.19.6 api/{0}#3.958.0 exec-env/AWS_Lambda_nodejs20.x m/b,E,e")
CI_AGENT = "aws-cli/2.32.30 md/awscrt#0.29.2 ua/2.1 os/linux#6.11.0 md/arch#x86_64 lang/python#3.13.11 md/pyimpl#CPython cfg/retry-mode#standard md/prompt#off md/command#{}"
BROWSER = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36"
OFFICE = {"alice": "192.0.2.14", "bob": "192.0.2.16"}
CI_IP = "192.0.2.201"
EXPORTS = "shop-customer-exports"
VPCE = "vpce-0b7d2f4a6c8e01935"
BROWSING = {
    "ec2:DescribeInstances": 8, "ec2:DescribeSecurityGroups": 6, "ec2:DescribeVpcs": 4, "lambda:ListFunctions20150331": 8,
    "lambda:GetFunction20150331v2": 8, "lambda:GetAccountSettings20160819": 3, "logs:DescribeLogGroups": 10, "logs:DescribeLogStreams": 10,
    "logs:FilterLogEvents": 6, "monitoring:DescribeAlarms": 8, "monitoring:GetMetricData": 12, "rds:DescribeDBClusters": 5,
    "elasticloadbalancing:DescribeLoadBalancers": 4, "elasticloadbalancing:DescribeTargetHealth": 4, "cloudformation:DescribeStacks": 5,
    "iam:ListRoles": 2, "iam:GetRole": 2, "iam:ListUsers": 1, "cloudtrail:DescribeTrails": 1, "s3:ListBuckets": 4,
}
PARAMETERS = {
    "ec2:DescribeInstances": {"instancesSet": {}, "filterSet": {}}, "ec2:DescribeSecurityGroups": {"securityGroupSet": {}, "filterSet": {}},
    "lambda:GetFunction20150331v2": {"functionName": "orders-api"}, "logs:DescribeLogStreams": {"logGroupName": "/aws/lambda/orders-api", "orderBy": "LastEventTime", "descending": True},
    "logs:FilterLogEvents": {"logGroupName": "/aws/lambda/orders-api", "interleaved": True}, "iam:GetRole": {"roleName": ROLE},
    "rds:DescribeDBClusters": {"dBClusterIdentifier": "shop-prod"}, "cloudformation:DescribeStacks": {"stackName": "shop"},
    "s3:ListBuckets": {"Host": f"s3.{REGION}.amazonaws.com"},
}


class OrdinaryWeek:
    def __init__(self, trail: Trail, vault: Vault) -> None:
        self.trail, self.vault = trail, vault
        self.rng = stream_rng("trail-week")

    def run(self, orders: OrdersApi, thumbs: Thumbnailer) -> None:
        for environment in orders.environments:
            self._environment(environment, own_use=environment is not orders.leaked)
        for start, _ in thumbs.starts:
            self._assume(start - SECOND, "lambda.amazonaws.com", "thumbnailer-role", "thumbnailer")
        for day in range(7):
            self._nightly_export(WEEK_START + day * DAY + 2 * HOUR + self.rng.randrange(9 * MINUTE))
            self._config_service(WEEK_START + day * DAY)
            if day < 5:
                self._people(day)
                self._deployments(day)

    # The function ---------------------------------------------------------------------------

    def _environment(self, e: Environment, own_use: bool) -> None:
        rng, trail = self.rng, self.trail
        trail.assume_by_service(e.created - SECOND, "lambda.amazonaws.com", ROLE, "orders-api", e.access_key, e.session_token)
        if not own_use:
            return
        me = trail.role(ROLE, "orders-api", e.access_key, e.created - SECOND, function=True)
        key = [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/6d2f9c14-7b0a-4e38-95c1-a3e8d0f47b62"}]
        context = {"encryptionContext": {"aws:lambda:FunctionArn": FUNCTION_ARN}, "encryptionAlgorithm": "SYMMETRIC_DEFAULT"}
        trail.call(e.created, me | {"invokedBy": "lambda.amazonaws.com"}, "lambda.amazonaws.com", "lambda.amazonaws.com", "kms:Decrypt", context, resources=key)
        self._own(e.created + 400_000, me, "secretsmanager:GetSecretValue", {"secretId": "prod/db"})
        for request in e.calls:
            if request.kind in ("list", "item", "cart", "create") and rng.random() < 0.45:
                action, params = rng.choice([
                    ("ssm:GetParameter", {"name": "/shop/feature-flags", "withDecryption": True}), ("sqs:GetQueueUrl", {"queueName": "shop-confirmations"}),
                    ("kms:GenerateDataKey", {"keyId": "alias/shop-orders", "keySpec": "AES_256"})])
                self._own(request.ended - request.work_us // 2, me, action, params)

    def _own(self, time: int, me: dict, action: str, params: dict) -> None:
        agent = SDK_AGENT.format(action.split(":")[0].replace("secretsmanager", "secrets-manager"))
        self.trail.call(time, me, LAMBDA_IP, agent, action, params, vpcEndpointId=VPCE, vpcEndpointAccountId=ACCOUNT)

    def _assume(self, time: int, service: str, role: str, session: str) -> str:
        key = self.vault.access_key("ASIA")
        self.trail.assume_by_service(time, service, role, session, key, self.vault.session_token(420))
        return key

    # Jobs and services ----------------------------------------------------------------------

    def _nightly_export(self, time: int) -> None:
        rng, session = self.rng, hexa(self.rng, 32)
        key = self._assume(time, "ecs-tasks.amazonaws.com", "customer-export-role", session)
        me = self.trail.role("customer-export-role", session, key, time)
        agent = "Boto3/1.42.21 md/Botocore#1.42.21 ua/2.1 os/linux#6.1.158 md/arch#x86_64 lang/python#3.12.12 exec-env/AWS_ECS_FARGATE Botocore/1.42.21"
        for part in range(5):
            time += rng.randrange(4, 20) * SECOND
            self.trail.s3_data(time, me, "10.0.3.77", agent, "PutObject", EXPORTS, export_key(time, part), rng.randrange(3_000_000, 9_000_000))

    def _config_service(self, day: int) -> None:
        """AWS Config takes its inventory a few times a day."""
        for hour in (1, 7, 13, 19):
            time = day + hour * HOUR + self.rng.randrange(20 * MINUTE)
            key = self._assume(time, "config.amazonaws.com", "AWSServiceRoleForConfig", "AWSConfig-Describe")
            me = self.trail.role("AWSServiceRoleForConfig", "AWSConfig-Describe", key, time) | {"invokedBy": "config.amazonaws.com"}
            for action in ("ec2:DescribeInstances", "lambda:ListFunctions20150331", "rds:DescribeDBClusters", "iam:ListRoles", "ec2:DescribeFlowLogs", "cloudtrail:GetTrailStatus"):
                time += self.rng.randrange(1, 30) * SECOND
                self.trail.call(time, me, "config.amazonaws.com", "config.amazonaws.com", action, PARAMETERS.get(action))

    # People and CI --------------------------------------------------------------------------

    def _people(self, day: int) -> None:
        for name in OFFICE:
            begin = WEEK_START + day * DAY + 7 * HOUR + self.rng.randrange(100 * MINUTE)
            if name == "bob" and day == 2:
                self._login(begin - 40 * SECOND, name, "Failure")
            self._login(begin, name, "Success")
            me = self.trail.user(name, self.vault.access_key("ASIA"), console_since=begin)
            self._browse(me, name, begin, self.rng.randrange(44, 62))

    def _login(self, time: int, name: str, result: str) -> None:
        console_login(self.trail, time, name, OFFICE[name], result)

    def _browse(self, me: dict, name: str, time: int, count: int) -> None:
        for _ in range(count):
            time += int(self.rng.expovariate(1 / 400) * SECOND) + SECOND
            action = pick(self.rng, BROWSING)
            more = {"sessionCredentialFromConsole": "true"}
            if name == "bob" and action == "iam:ListUsers":
                more |= {"errorCode": "AccessDenied", "errorMessage": f"User: arn:aws:iam::{ACCOUNT}:user/bob is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::{ACCOUNT}:user/ because no identity-based policy allows the iam:ListUsers action"}
            self.trail.call(time, me, OFFICE[name], BROWSER, action, PARAMETERS.get(action), **more)

    def _deployments(self, day: int) -> None:
        # None in the hours of the incident: the story shall have one cause.
        for hour in self.rng.sample([8, 10, 11] if day == 4 else [8, 10, 11, 13, 17], 2):
            self._deploy(WEEK_START + day * DAY + hour * HOUR + self.rng.randrange(30 * MINUTE))

    def _deploy(self, time: int) -> None:
        trail, rng, role, session = self.trail, self.rng, "ci-deploy", "GitHubActions"
        key, token = self.vault.access_key("ASIA"), self.vault.session_token(420)
        arn, subject = f"arn:aws:iam::{ACCOUNT}:role/{role}", "repo:shop-gmbh/shop:ref:refs/heads/main"
        provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
        identity = {"type": "WebIdentityUser", "principalId": f"{provider}:sts.amazonaws.com:{subject}", "userName": subject, "identityProvider": provider}
        response = {"subjectFromWebIdentityToken": subject, "audience": "sts.amazonaws.com", "provider": provider,
                    "credentials": {"accessKeyId": key, "sessionToken": token, "expiration": expiry(time + HOUR)},
                    "assumedRoleUser": {"assumedRoleId": f"{trail.principal('AROA', role)}:{session}", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"}}
        trail.call(time, identity, CI_IP, "aws-sdk-nodejs/2.1 configure-aws-credentials-for-github-actions", "sts:AssumeRoleWithWebIdentity",
                   {"roleArn": arn, "roleSessionName": session, "durationSeconds": 3600}, response)
        me = trail.role(role, session, key, time)
        steps = [("cloudformation:DescribeStacks", True), ("cloudformation:CreateChangeSet", False), ("cloudformation:DescribeChangeSet", True),
                 ("cloudformation:DescribeChangeSet", True), ("lambda:UpdateFunctionCode20150331v2", False), ("lambda:GetFunctionConfiguration20150331v2", True),
                 ("lambda:PublishVersion20150331", False), ("ecs:RegisterTaskDefinition", False), ("ecs:UpdateService", False), ("ecs:DescribeServices", True), ("ecs:DescribeServices", True)]
        for action, reads in steps:
            time += rng.randrange(2, 25) * SECOND
            service = action.split(":")[0]
            target = {"lambda": {"functionName": "thumbnailer"}, "ecs": {"service": "shop-web", "cluster": "shop"}}.get(service, {"stackName": "shop"})
            trail.call(time, me, CI_IP, CI_AGENT.format(cli_name(action)), action, target, read_only=reads)


def export_key(time: int, part: int) -> str:
    return f"daily/{iso(time, 0)[:10]}/customers-part-{part:04d}.csv.gz"


def console_login(trail: Trail, time: int, name: str, ip: str, result: str) -> None:
    more = {"errorMessage": "Failed authentication"} if result == "Failure" else {}
    trail.call(time, trail.user(name), ip, BROWSER, "signin:ConsoleLogin", None, {"ConsoleLogin": result}, read_only=False,
               eventType="AwsConsoleSignIn", additionalEventData={
                   "LoginTo": "https://console.aws.amazon.com/console/home?region=eu-central-1", "MobileVersion": "No", "MFAUsed": "Yes"}, **more)
