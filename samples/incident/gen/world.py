"""Puts the parts of the week together, in the order in which they depend on each other."""

from typing import Any

from . import truth
from .alb import BalancerLog
from .apigw import GatewayLog
from .attack import ATTACKER, FrontDoor, Story
from .attack_cloud import SECOND_TRAIL_UNTIL, STARTED, STOPPED, CloudAttack
from .base import DROP_IP, LAMBDA_IP, PROBE_IP, SECOND, Corpus, at
from .creds import Vault
from .flow import FlowLog
from .orders import OrdersApi
from .people import make_customers
from .thumbs import Thumbnailer
from .trail import Trail
from .trail_week import OrdinaryWeek
from .web import Request, Shop


def build() -> tuple[Corpus, dict[str, Any]]:
    vault, corpus, story = Vault(), Corpus(), Story()
    shop = Shop(make_customers(vault))
    door, gateway, orders, thumbs = FrontDoor(), GatewayLog(), OrdersApi(vault), Thumbnailer()

    through_balancer = sorted(shop.alb_week() + door.alb(), key=lambda r: r.time)
    probe = door.gateway_probe()
    through_gateway = sorted(shop.gateway_week() + [probe], key=lambda r: r.time)
    for request in through_gateway:
        gateway.name(request)
    # The functions run first: only then is it known when an answer went out.
    orders.run([r for r in through_balancer + through_gateway if r.target == "orders"])
    thumbs.run([r for r in through_gateway if r.target == "thumbnailer"])

    write_front_doors(corpus, through_balancer, through_gateway, gateway)
    orders.export(corpus)
    thumbs.write(corpus)
    flows, headers = write_flows(corpus, through_balancer, door)
    trail = write_trail(corpus, vault, orders, thumbs, story)

    tell_requests(story, door, probe, orders)
    tell_flows(story, flows)
    records = truth.count_records(corpus, headers, len(trail.records) + 3, len(orders.again.lines))
    return corpus, truth.make(corpus, vault, story, flows.exfiltration, orders.leaked.access_key, records)


def write_front_doors(corpus: Corpus, through_balancer: list[Request], through_gateway: list[Request], gateway: GatewayLog) -> None:
    balancer = BalancerLog()
    for request in through_balancer:
        balancer.add(request)
    balancer.add_malformed(at("2026-03-05 04:17:52.330195"))
    balancer.write(corpus)
    for request in through_gateway:
        gateway.add(request)
    gateway.write(corpus)


def write_flows(corpus: Corpus, through_balancer: list[Request], door: FrontDoor) -> tuple[FlowLog, int]:
    flows = FlowLog()
    flows.balancer_connections(through_balancer)
    flows.background()
    flows.theft(door.exports)
    return flows, flows.write(corpus)


def write_trail(corpus: Corpus, vault: Vault, orders: OrdersApi, thumbs: Thumbnailer, story: Story) -> Trail:
    trail = Trail()
    OrdinaryWeek(trail, vault).run(orders, thumbs)
    CloudAttack(trail, vault, orders.leaked, story).run()
    trail.keep_what_trails_saw(STOPPED, SECOND_TRAIL_UNTIL, STARTED)
    trail.write(corpus)
    return trail


def tell_requests(story: Story, door: FrontDoor, probe: Request, orders: OrdersApi) -> None:
    def tell(request: Request, what: str) -> None:
        story.tell(request.ended, "alb", what, source_ip=PROBE_IP, event_action="GET", http_status=request.status,
                   url_path=request.path.split("?")[0], trace_id=request.root, user_agent=ATTACKER.agent)

    tell(door.probes[0], "The first probe of /api/orders, with a quote in the query.")
    tell(next(r for r in door.probes if r.status == 403), "Probing goes on: a path that is forbidden.")
    tell(next(r for r in door.probes if r.status == 404), "Probing goes on: a traversal that no route takes.")
    story.tell(probe.time, "apigateway", "The attacker also looks at the REST API and is refused.", source_ip=PROBE_IP, event_action="GET", http_status=403,
               request_id=probe.gateway_id)
    tell(door.named["imds"], "Request forgery in /api/import is tried on the metadata address and fails.")
    tell(door.named["imds-timeout"], "The next try for the role's credentials runs into the function's timeout.")
    tell(door.named["passwd"], "file:///etc/passwd is read: the forgery works on files.")
    tell(door.named["environ"], "file:///proc/self/environ is read, with the credentials of orders-api-role.")
    story.tell(orders.environ_time, "cloudwatch", "orders-api logs what it fetched: key id, secret key and session token of its role.",
               request_id=door.named["environ"].lambda_id, log_group="/aws/lambda/orders-api", access_key_id=orders.leaked.access_key)
    tell(door.exports[0][0], "The function is made to fetch an inner host's dump and to post it outside.")


def tell_flows(story: Story, flows: FlowLog) -> None:
    stolen = sorted(flows.exfiltration, key=lambda f: f.start)
    for flow, which in ((stolen[0], "first"), (stolen[-1], "last")):
        story.tell(flow.start * SECOND, "vpcflow", f"The {which} of {len(stolen)} large flows from the function to the attacker's server.",
                   source_ip=LAMBDA_IP, destination_ip=DROP_IP, destination_port=443, event_action="ACCEPT", bytes=flow.bytes)
