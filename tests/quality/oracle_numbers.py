"""Random numbers of the kinds that have a checksum, half of them right: logsift's judgement beside python-stdnum's."""

import collections
import importlib
import random
import string

import personal

# Kind of its validator: module of python-stdnum, name of a field that holds it, rule.
KINDS = {
    "au-tfn": ("au.tfn", "tfn", "au-tax-file-number"),
    "be-nn": ("be.nn", "rijksregisternummer", "be-national-number"),
    "br-cnpj": ("br.cnpj", "cnpj", "br-cnpj"),
    "br-cpf": ("br.cpf", "cpf", "br-cpf"),
    "ca-sin": ("ca.sin", "sin_number", "ca-social-insurance-number"),
    "de-idnr": ("de.idnr", "steuer_id", "de-tax-id"),
    "es-dni": ("es.nif", "dni", "es-dni"),
    "fr-nir": ("fr.nir", "nir", "fr-nir"),
    "gb-nhs": ("gb.nhs", "nhs_number", "gb-nhs-number"),
    "iban": ("iban", "iban", "iban"),
    "imei": ("imei", "imei", "imei"),
    "in-aadhaar": ("in_.aadhaar", "aadhaar", "in-aadhaar"),
    "it-codice-fiscale": ("it.codicefiscale", "codice_fiscale", "it-codice-fiscale"),
    "nl-bsn": ("nl.bsn", "bsn", "nl-bsn"),
    "pl-pesel": ("pl.pesel", "pesel", "pl-pesel"),
    "se-personnummer": ("se.personnummer", "personnummer", "se-personal-number"),
    "us-aba": ("us.rtn", "routing_number", "us-routing-number"),
    "za-id": ("za.idnr", "sa_id", "za-identity-number"),
}
LENGTHS = {"au-tfn": 9, "be-nn": 11, "br-cnpj": 14, "br-cpf": 11, "ca-sin": 9, "de-idnr": 11, "gb-nhs": 10, "imei": 15, "in-aadhaar": 12, "nl-bsn": 9, "us-aba": 9}
PER_FILE = 2_000


class Numbers:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def digits(self, count):
        return "".join(self.random.choice(string.digits) for _ in range(count))

    def letters(self, count, of):
        return "".join(self.random.choice(of) for _ in range(count))

    def one(self, kind):
        """Of the kind's shape; its check digits are right by chance only."""
        r = self.random
        year, month, day = r.randint(30, 99), r.randint(1, 12), r.randint(1, 28)
        birth = f"{year:02}{month:02}{day:02}"
        match kind:
            case "es-dni":
                return r.choice([self.digits(8), r.choice("XYZ") + self.digits(7)]) + self.letters(1, "TRWAGMYFPDXBNJZSQVHLCKE")
            case "fr-nir":
                return r.choice("12") + birth[:4] + r.choice([f"{r.randint(1, 95):02}", "2A", "2B"]) + self.digits(8)
            case "it-codice-fiscale":
                return self.letters(6, "BCDFGLMNPRST") + f"{year:02}{self.letters(1, 'ABCDEHLMPRST')}{day + r.choice([0, 40]):02}" + self.letters(1, "ABCDEFGHL") + self.digits(3) + self.letters(1, string.ascii_uppercase)
            case "pl-pesel":
                return birth + self.digits(5)
            case "za-id":
                return birth + self.digits(4) + r.choice("01") + "8" + self.digits(1)
            case "se-personnummer":
                return birth + "-" + self.digits(4)
            case "be-nn":
                return birth + self.digits(5)
            case "iban":
                country, length = r.choice([("DE", 22), ("FR", 27), ("ES", 24), ("BE", 16), ("AT", 20), ("PT", 25)])
                return country + self.digits(length - 2)
            case _:
                return self.digits(LENGTHS[kind])

    def some(self, kind, module, count):
        """As many right ones as wrong ones."""
        right, wrong = [], []
        while len(right) < count // 2:
            number = self.one(kind)
            if module.is_valid(number):
                right.append(number)
            elif len(wrong) < count - count // 2:
                wrong.append(number)
        while len(wrong) < count - count // 2:
            number = self.one(kind)
            if not module.is_valid(number):
                wrong.append(number)
        return right, wrong


def compare(binary, count=10_000, seed=7):
    """A line for each kind: how many were judged alike, and which were not."""
    out, numbers = [], Numbers(seed)
    for kind, (module, field, rule) in KINDS.items():
        right, wrong = numbers.some(kind, importlib.import_module(f"stdnum.{module}"), count)
        pairs = [(number, True) for number in right] + [(number, False) for number in wrong]
        lines = ['{"%s":"%s"}' % (field, number) for number, _ in pairs]
        texts = ["\n".join(lines[at : at + PER_FILE]) for at in range(0, len(lines), PER_FILE)]
        found = collections.Counter(value for list in personal.logsift(binary, texts) for each, value in list if each == rule)
        missed = [number for number, valid in pairs if valid and not found[number]]
        cried = [number for number, valid in pairs if not valid and found[number]]
        shown = lambda name, list: f"; {len(list)} {name}, such as {', '.join(list[:4])}" if list else ""
        agreed = len(pairs) - len(missed) - len(cried)
        out.append(f"{kind}: {agreed} of {len(pairs)} alike{shown('right ones left', missed)}{shown('wrong ones told', cried)}")
    return out
