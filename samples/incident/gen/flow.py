"""VPC flow logs: default fields on most days; on Friday a newer flow log with more fields."""

from dataclasses import dataclass

from .attack import DUMP_HOST
from .base import ACCOUNT, DAY, DROP_IP, FRIDAY, HOUR, LAMBDA_IP, MINUTE, REGION, SECOND, WEEK_END, WEEK_START, Corpus, Event, busy_time, hexa, moment, stream_rng
from .web import Request

DEFAULT = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status".split()
CUSTOM = ("version account-id vpc-id subnet-id interface-id instance-id srcaddr srcport dstaddr dstport protocol tcp-flags type pkt-srcaddr pkt-dstaddr "
          "region az-id flow-direction traffic-path packets bytes start end action log-status").split()
# The fields of a flow log cannot be edited: Friday's file set comes from a second one.
FLOW_LOGS = {"2": "fl-0123456789abcdef0", "5": "fl-0f1e2d3c4b5a69788"}
VPC = "vpc-0a9b8c7d6e5f40312"


@dataclass(frozen=True)
class Interface:
    ip: str
    eni: str
    subnet: str
    zone: str
    instance: str = "-"


BALANCERS = [Interface("10.0.1.10", "eni-0c1d2e3f405162738", "subnet-0a1b2c3d4e5f60001", "euc1-az2"),
             Interface("10.0.2.10", "eni-0d2e3f40516273849", "subnet-0a1b2c3d4e5f60002", "euc1-az3")]
FUNCTION = Interface(LAMBDA_IP, "eni-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60003", "euc1-az2")
WEB = Interface("10.0.3.40", "eni-0e3f405162738495a", "subnet-0a1b2c3d4e5f60003", "euc1-az2", "i-0b5e8d1f4a7c02963")
ENDPOINT = Interface("10.0.3.201", "eni-0f405162738495a6b", "subnet-0a1b2c3d4e5f60003", "euc1-az2")
IDLE = Interface("10.0.5.9", "eni-005162738495a6b7c", "subnet-0a1b2c3d4e5f60005", "euc1-az3", "i-0f2c7a9e6b3d81504")
DATABASE, PAYMENTS = "10.0.4.31", "198.51.100.140"


@dataclass
class Flow:
    at: Interface
    src: tuple[str, int]
    dst: tuple[str, int]
    packets: int
    bytes: int
    start: int  # seconds
    end: int
    protocol: int = 6
    action: str = "ACCEPT"
    status: str = "OK"
    flags: str = "0"

    @property
    def leaves(self) -> bool:
        return self.src[0] == self.at.ip

    def line(self, names: list[str], version: str) -> str:
        values = {"version": version, "account-id": ACCOUNT, "interface-id": self.at.eni, "vpc-id": VPC, "subnet-id": self.at.subnet,
                  "instance-id": self.at.instance, "region": REGION, "az-id": self.at.zone, "start": self.start, "end": self.end, "log-status": self.status}
        if self.status == "OK":
            values |= self._traffic()
        return " ".join(str(values.get(name, "-")) for name in names)

    def _traffic(self) -> dict[str, object]:
        private = self.dst[0].startswith("10.")
        # 1: through a resource of the same VPC (another interface, or the NAT gateway); 8: internet gateway.
        path = ("1" if private or self.at is FUNCTION else "8") if self.leaves else "-"
        return {"srcaddr": self.src[0], "srcport": self.src[1], "dstaddr": self.dst[0], "dstport": self.dst[1], "protocol": self.protocol,
                "tcp-flags": self.flags, "type": "IPv6" if ":" in self.src[0] else "IPv4", "pkt-srcaddr": self.src[0], "pkt-dstaddr": self.dst[0],
                "flow-direction": "egress" if self.leaves else "ingress", "traffic-path": path, "packets": self.packets, "bytes": self.bytes, "action": self.action}


class FlowLog:
    def __init__(self) -> None:
        self.rng = stream_rng("flow")
        self.flows: list[Flow] = []
        self.exfiltration: list[Flow] = []

    def both_ways(self, at: Interface, client: tuple[str, int], server: tuple[str, int], start: int, seconds: int, up: int, down: int) -> Flow:
        """The two records of one connection, seen at one interface; returns the client's."""
        end = start + max(seconds, 1)
        sent = Flow(at, client, server, max(up // 900, 4), up, start, end, flags="3")
        answer = Flow(at, server, client, max(down // 1_400, 4), down, start, end, flags="19")
        self.flows += [sent, answer]
        return sent

    def balancer_connections(self, requests: list[Request]) -> None:
        """Client-side flows with the address and port the access log names; attackers' all, others' partly."""
        connections: dict[str, list[Request]] = {}
        for request in requests:
            connections.setdefault(request.connection, []).append(request)
        for group in connections.values():
            client, first = group[0].client, group[0]
            if ":" in client.ip or (client.ip.startswith("192.0.2.") and self.rng.random() > 0.78):
                continue
            node, port = self.rng.choice(BALANCERS), 80 if client.kind == "http" else 443
            up, down = (sum(getattr(r, name) for r in group) + 1_200 * len(group) for name in ("received", "sent"))
            self.both_ways(node, (client.ip, first.port), (node.ip, port), first.time // SECOND, (group[-1].ended - first.time) // SECOND + 1, up, down)

    def background(self) -> None:
        rng = self.rng
        for _ in range(420):
            self._pair(FUNCTION, (LAMBDA_IP, rng.randrange(1_025, 65_000)), (DATABASE, 5432), rng.randrange(600, 9_000), rng.randrange(900, 40_000))
        for _ in range(300):
            self._pair(FUNCTION, (LAMBDA_IP, rng.randrange(1_025, 65_000)), (ENDPOINT.ip, 443), rng.randrange(1_800, 5_000), rng.randrange(4_000, 9_000))
        for _ in range(130):
            self._pair(FUNCTION, (LAMBDA_IP, rng.randrange(1_025, 65_000)), (PAYMENTS, 443), rng.randrange(2_000, 6_000), rng.randrange(4_000, 9_000))
        for _ in range(420):
            node = rng.choice(BALANCERS)
            self._pair(WEB, (node.ip, rng.randrange(1_025, 65_000)), (WEB.ip, 8080), rng.randrange(2_000, 20_000), rng.randrange(20_000, 400_000))
        for _ in range(560):
            self._scan(rng.choice([WEB, *BALANCERS]), WEEK_START // SECOND + rng.randrange(7 * DAY // SECOND))
        for hour in range(7 * 24):
            self._quiet(WEEK_START // SECOND + hour * 3_600 + rng.randrange(2_900))
        for second in (WEEK_START + 2 * DAY + 19 * HOUR, WEEK_START + 5 * DAY + 18 * HOUR):
            self.flows.append(Flow(WEB, ("-", 0), ("-", 0), 0, 0, second // SECOND, second // SECOND + 59, status="SKIPDATA"))

    def _pair(self, at: Interface, client: tuple[str, int], server: tuple[str, int], up: int, down: int) -> None:
        start = min(busy_time(self.rng), WEEK_END - 5 * MINUTE) // SECOND
        self.both_ways(at, client, server, start, self.rng.randrange(1, 58), up, down)

    def _scan(self, at: Interface, start: int) -> None:
        rng = self.rng
        source = f"{rng.choice(['203.0.113', '198.51.100'])}.{rng.randrange(150, 250)}"
        port, protocol = rng.choice([(22, 6), (23, 6), (3389, 6), (445, 6), (6379, 6), (5060, 17), (8443, 6), (0, 1)])
        packets = rng.randrange(1, 4)
        self.flows.append(Flow(at, (source, rng.randrange(30_000, 61_000) if port else 0), (at.ip, port), packets, packets * rng.choice([40, 44, 60]),
                               start, start + rng.randrange(1, 55), protocol, "REJECT", flags="2" if protocol == 6 else "0"))

    def _quiet(self, start: int) -> None:
        self.flows.append(Flow(IDLE, ("-", 0), ("-", 0), 0, 0, start, start + 599, status="NODATA"))

    def theft(self, exports: list[tuple[Request, int]]) -> None:
        """Each dump comes in from the inner host and leaves for the attacker's server."""
        for request, size in exports:
            start, seconds = request.time // SECOND + 1, request.work_us // SECOND - 2
            self.both_ways(FUNCTION, (LAMBDA_IP, self.rng.randrange(1_025, 65_000)), (DUMP_HOST, 8080), start, seconds, size // 60, size + size // 50)
            self.exfiltration.append(self.both_ways(FUNCTION, (LAMBDA_IP, self.rng.randrange(1_025, 65_000)), (DROP_IP, 443), start, seconds, size + size // 30, size // 70))

    def write(self, corpus: Corpus) -> int:
        """Returns the number of header lines, one per object."""
        self.flows.sort(key=lambda f: (f.end, f.start))
        headers, begin = 0, WEEK_START
        while begin < WEEK_END:
            custom = FRIDAY <= begin < FRIDAY + DAY
            end = begin + (2 if custom else 6) * HOUR
            self._write_object(corpus, begin, end, CUSTOM if custom else DEFAULT, "5" if custom else "2")
            headers, begin = headers + 1, end
        return headers

    def _write_object(self, corpus: Corpus, begin: int, end: int, names: list[str], version: str) -> None:
        # An object is named after the time from which on the records in it end.
        flows = [f for f in self.flows if begin <= f.end * SECOND < end]
        lines = [f.line(names, version) for f in flows]
        stamp = moment(begin)
        name = f"{ACCOUNT}_vpcflowlogs_{REGION}_{FLOW_LOGS[version]}_{stamp:%Y%m%dT%H%MZ}_{hexa(self.rng, 8)}.log.gz"
        corpus.put_file(f"logs/vpcflow/AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/{stamp:%Y/%m/%d}/{name}", "\n".join([" ".join(names), *lines]) + "\n")
        corpus.events += [Event("vpcflow", "vpcflow", f.start * SECOND, line) for f, line in zip(flows, lines)]
