"""Who talks to the shop: customers with their data, and the clients (address and browser) they use."""

from dataclasses import dataclass

from .base import DAY, MARK, stream_rng, uuid4
from .creds import Vault

NAMES = [
    "Anna Keller", "Jonas Brandt", "Miriam Vogt", "Tobias Reuter", "Lea Sommerfeld", "Paul Hartwig",
    "Greta Lindner", "Felix Oswald", "Sofie Marquardt", "Emil Thalbach", "Nora Feldkamp", "Lukas Wendt",
    "Clara Steinbrecher", "Moritz Aumann", "Ida Rosental", "Henrik Dahlke", "Johanna Plath", "Oskar Liebig",
    "Marie Quast", "Anton Sievers", "Frieda Kolbe", "David Whitcomb", "Rieke Tormann", "Samuel Etzold",
    "Helene Buchwald", "Theo Ankermann", "Lotte Grabow", "Karl Immig", "Pia Zellner", "Matteo Corvini",
]
DOMAINS = ["mail-orbit.net", "nordpostfach.net", "brieftaube-online.net", "postwinkel.org", "inboxhafen.net"]
# Number ranges that the German regulator keeps free for films and books.
PHONE_RANGES = [("+493023125", 3), ("+494066969", 3), ("+498999998", 3), ("+496990009", 3), ("+492214710", 3), ("+4917139200", 2)]

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
AGENTS = [
    CHROME.format(144), CHROME.format(145), CHROME.format(143), FIREFOX.format(147), FIREFOX.format(140),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.3 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.2 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Mobile Safari/537.36",
]
APP_AGENTS = ["ShopApp/5.12.1 (iOS 18.7; iPhone15,2)", "ShopApp/5.12.0 (Android 15; Pixel 8)", "okhttp/4.12.0"]
BOT_AGENT = "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"
# An agent with a quote in it: the load balancer writes the quote as \x22.
QUOTED_AGENT = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) "PriceScout" AppleWebKit/537.36'


@dataclass
class Client:
    ip: str
    agent: str
    kind: str  # ALB's first field: h2, https or http
    cipher: str = "TLS_AES_128_GCM_SHA256"
    protocol: str = "TLSv1.3"


@dataclass
class Customer:
    name: str
    subject: str
    email: str
    phone: str
    token: str = ""
    token_until: int = 0

    def bearer(self, vault: Vault, now: int) -> str:
        """The token in use now; a new one is issued when the old one's day is over."""
        if now >= self.token_until:
            issued = now - 40_000_000
            self.token = vault.jwt(self.subject, self.email, issued)
            self.token_until = issued + DAY
        return self.token


def make_clients() -> list[Client]:
    rng = stream_rng("clients")
    hosts = rng.sample(range(20, 240), 26)
    clients = [Client(f"192.0.2.{host}", rng.choice(AGENTS), "h2") for host in hosts]
    clients += [Client(f"2001:db8:{rng.randrange(1, 0xffff):x}:{n}::{rng.randrange(1, 0xfff):x}", rng.choice(AGENTS), "h2") for n in range(1, 6)]
    for client in clients[:5]:
        client.agent, client.kind = rng.choice(APP_AGENTS), "https"
    clients[5].agent, clients[5].kind = BOT_AGENT, "https"
    clients[6].agent = QUOTED_AGENT
    for client in clients[7:9]:
        client.kind, client.cipher, client.protocol = "https", "ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2"
    return clients


def make_customers(vault: Vault) -> list[Customer]:
    rng = stream_rng("customers")
    customers = []
    taken: set[str] = set()
    for name in NAMES:
        address = name.lower().replace(" ", rng.choice([".", "_", "-"])) + "@" + rng.choice(DOMAINS)
        phone = vault.phone(*rng.choice(PHONE_RANGES))
        while phone.replace(MARK, "") in taken:
            phone = vault.phone(*rng.choice(PHONE_RANGES))
        taken.add(phone.replace(MARK, ""))
        customers.append(Customer(name, uuid4(rng), vault.email(address), phone))
    return customers
