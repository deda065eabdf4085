"""Made-up credentials and personal numbers that pass the checks a scanner makes.

Nothing here is taken from a live system. Makers return the value with the break mark inside.
"""

import hashlib
import hmac
import json
import math
import string
import zlib
from base64 import b32encode, b64encode, urlsafe_b64encode
from collections import Counter
from dataclasses import dataclass, field

from .base import ACCOUNT, MARK, SECOND, stream_rng, uuid4

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
# A scanner treats values with such words in them as placeholders, which these must not be.
PLACEHOLDER_WORDS = ("EXAMPLE", "TEST", "FAKE", "DEMO", "SAMPLE", "DUMMY", "XXXX", "CHANGE")
WELL_KNOWN_CARDS = {"4111111111111111", "4012888888881881", "5555555555554444", "378282246310005"}
ISSUER = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE1"


@dataclass
class Planted:
    rule: str
    value: str
    # Ordinary ones (key ids in CloudTrail) are expected there; truth.json only counts them.
    ordinary: bool
    extra: dict[str, str] = field(default_factory=dict)


class Vault:
    """Makes credentials and remembers each, in the order of planting."""

    def __init__(self) -> None:
        self.rng = stream_rng("vault")
        self.planted: dict[tuple[str, str], Planted] = {}

    def plant(self, rule: str, value: str, ordinary: bool = False, **extra: str) -> str:
        if MARK not in value:
            raise ValueError(f"no break mark in a {rule}")
        self.planted.setdefault((rule, value), Planted(rule, value, ordinary, extra))
        return value

    def tell(self, rule: str, value: str) -> None:
        """An ordinary one has become part of the story."""
        self.planted[(rule, value)].ordinary = False

    def _draw(self, alphabet: str, n: int) -> str:
        while True:
            text = "".join(self.rng.choice(alphabet) for _ in range(n))
            if not any(word in text.upper() for word in PLACEHOLDER_WORDS):
                return text

    # AWS ------------------------------------------------------------------------------------

    def access_key(self, prefix: str, ordinary: bool = True) -> str:
        """A key id from whose tail the account number can be decoded (top bit set, then 40 bits)."""
        number = (1 << 47) | (int(ACCOUNT) << 7) | self.rng.getrandbits(7)
        tail = b32encode(number.to_bytes(6, "big") + self.rng.randbytes(4)).decode()
        return self.plant("aws-access-key-id", f"{prefix}{MARK}{tail}", ordinary)

    def secret_key(self) -> str:
        while True:
            text = self._draw(string.ascii_letters + string.digits + "+/", 40)
            classes = [string.ascii_lowercase, string.ascii_uppercase, string.digits, "+/"]
            if entropy(text) > 4.6 and all(set(text) & set(c) for c in classes):
                return self.plant("aws-secret-access-key", f"{text[:6]}{MARK}{text[6:]}")

    def session_token(self, size: int = 300, ordinary: bool = True) -> str:
        body = b64encode(b"\x21\x0a\x09origin_ec" + self.rng.randbytes(size)).decode()
        return self.plant("aws-session-token", f"{body[:6]}{MARK}{body[6:]}", ordinary)

    # Third parties --------------------------------------------------------------------------

    def github_token(self) -> str:
        body = self._draw(BASE62, 30)
        check, number = "", zlib.crc32(body.encode())
        for _ in range(6):
            number, digit = divmod(number, 62)
            check = BASE62[digit] + check
        return self.plant("github-token", f"ghp_{MARK}{body}{check}")

    def stripe_key(self) -> str:
        return self.plant("stripe-secret-key", f"sk_{MARK}live_51{self._draw(BASE62, 97)}")

    def slack_token(self) -> str:
        team, bot = self._draw("123456789", 12), self._draw("123456789", 13)
        return self.plant("slack-token", f"xoxb-{MARK}{team}-{bot}-{self._draw(BASE62, 24)}")

    def database_uri(self, user: str, host: str) -> str:
        word = self._draw(BASE62, 22)
        word = f"{word[:4]}{MARK}{word[4:]}"
        self.plant("database-uri", word, uri_user_host=f"{user}@{host}")
        return f"postgresql://{user}:{word}@{host}:5432/orders?sslmode=require"

    def jwt(self, subject: str, email: str, issued: int) -> str:
        header = {"alg": "HS256", "kid": "shop-2026-01", "typ": "JWT"}
        claims = {
            "sub": subject, "iss": ISSUER, "aud": "3q8v1kq6shopweb7c0m2d9e5hf",
            "token_use": "id", "auth_time": issued // SECOND, "iat": issued // SECOND,
            "exp": issued // SECOND + 86_400, "jti": uuid4(self.rng), "email": email.replace(MARK, ""),
        }
        signed = ".".join(unpadded(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
        signature = hmac.new(b"key of the sample shop", signed.encode(), hashlib.sha256).digest()
        text = f"{signed}.{unpadded(signature)}"
        # Header and payload both begin with eyJ, and each alone could be taken for a token.
        return self.plant("jwt", text.replace("eyJ", f"eyJ{MARK}"))

    # People ---------------------------------------------------------------------------------

    def email(self, address: str) -> str:
        local, domain = address.split("@")
        return self.plant("email", f"{local}{MARK}@{domain}")

    def phone(self, prefix: str, digits: int) -> str:
        number = prefix + self._draw(string.digits, digits)
        return self.plant("phone-number", f"{number[:6]}{MARK}{number[6:]}")

    def password(self, text: str) -> str:
        return self.plant("password-field", f"{text[:4]}{MARK}{text[4:]}")

    def card(self, prefix: str, length: int) -> str:
        while True:
            body = prefix + self._draw(string.digits, length - 1 - len(prefix))
            number = body + str(luhn_digit(body))
            if number not in WELL_KNOWN_CARDS and len(set(number)) > 5:
                return self.plant("payment-card", f"{number[:4]}{MARK}{number[4:]}")

    def iban_de(self) -> str:
        account = self._draw("123456789", 1) + self._draw(string.digits, 17)
        check = 98 - int(f"{account}131400") % 97
        number = f"DE{check:02d}{account}"
        return self.plant("iban", f"{number[:4]}{MARK}{number[4:]}")

    def ssn(self) -> str:
        # Areas above 772 were never given out before 2011, which keeps old real numbers out.
        area, group, serial = self.rng.randrange(780, 899), self.rng.randrange(11, 99), self.rng.randrange(1000, 9999)
        return self.plant("us-ssn", f"{area}-{MARK}{group}-{serial}")


def entropy(text: str) -> float:
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)


def unpadded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def luhn_digit(body: str) -> int:
    total = 0
    for place, char in enumerate(reversed(body)):
        value = int(char) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return -total % 10
