"""How well personal data is found in labelled texts, beside Presidio's pattern recognisers."""

import collections
import json
import logging
import pathlib
import tempfile

import scanners

PACKS = ["--pack", "pii", "--pack", "phi", "--pack", "financial"]
# What stands around a bare number when a program logs it.
CARRIERS = {
    "phone": '{"phone":"%s"}',
    "credit_card": '{"cardNumber":"%s"}',
    "email": '{"email":"%s"}',
    "ip_address": '{"clientIp":"%s"}',
    "iban": '{"iban":"%s"}',
    "us_ssn": '{"ssn":"%s"}',
    "ssn": '{"ssn":"%s"}',
    "zip_code": '{"zipCode":"%s"}',
}
# Kinds of spans.jsonl that are claimed: names, places and dates by open guessing are not.
CLAIMED = {"CREDIT_CARD", "PHONE_NUMBER", "EMAIL_ADDRESS", "IBAN_CODE", "US_SSN", "IP_ADDRESS", "ZIP_CODE", "US_DRIVER_LICENSE"}
OF_PRESIDIO = {
    "CREDIT_CARD", "PHONE_NUMBER", "EMAIL_ADDRESS", "IBAN_CODE", "US_SSN", "IP_ADDRESS", "US_DRIVER_LICENSE", "US_ITIN",
    "US_PASSPORT", "US_BANK_NUMBER", "UK_NHS", "MEDICAL_LICENSE", "CRYPTO", "US_MBI", "UK_NINO", "ABA_ROUTING_NUMBER",
}


def logsift(binary, texts, *flags):
    """Number of the text → [(rule, value)]."""
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work) / "rows"
        folder.mkdir()
        for number, text in enumerate(texts):
            (folder / f"{number:06}.txt").write_text(text + "\n")
        found = scanners.logsift(binary, folder, *flags, packs=PACKS)
    return {int(name[:6]): list for name, list in found.items()}


class Presidio:
    """Every recogniser of its English set that works by patterns, without a language model."""

    def __init__(self):
        from presidio_analyzer import PatternRecognizer, RecognizerRegistry
        from presidio_analyzer.predefined_recognizers import PhoneRecognizer

        # It asks the network for a newer list of domains, and has one of its own.
        logging.getLogger("tldextract").setLevel(logging.CRITICAL)
        registry = RecognizerRegistry(supported_languages=["en"])
        registry.load_predefined_recognizers(languages=["en"])
        self.all = [one for one in registry.recognizers if isinstance(one, (PatternRecognizer, PhoneRecognizer))]

    def __call__(self, texts):
        found = collections.defaultdict(list)
        for number, text in enumerate(texts):
            for one in self.all:
                for hit in one.analyze(text, one.supported_entities, None) or []:
                    if hit.entity_type in OF_PRESIDIO:
                        found[number].append((hit.entity_type, text[hit.start : hit.end]))
        return found


def plain(text):
    return "".join(c for c in text if c.isalnum()).lower()


def touches(values, found):
    """Whether something found is a value, or the most of one."""
    one = lambda value, text: plain(value) in plain(text) or (len(plain(text)) * 2 > len(plain(value)) and plain(text) in plain(value))
    return any(one(value, text) for value in values for _, text in found if plain(text))


def rows(root):
    path = root.parent / "shared" / "data" / "pii" / "pii.jsonl"
    return [row for row in map(json.loads, path.read_text().splitlines()) if row["tier"] == "firm"]


def texts_of(rows, keyed):
    bare = lambda row: row["label"] == "clean" or row["text"] != (row["values"] or [""])[0]
    return [row["text"] if not keyed or bare(row) else CARRIERS.get(row["kind"], "%s") % row["text"] for row in rows]


def score(rows, found):
    """Found and all by kind; clean rows cried, and their number."""
    kinds, cried, clean = collections.defaultdict(lambda: [0, 0]), [], 0
    for number, row in enumerate(rows):
        if row["label"] == "clean":
            clean += 1
            cried += [number] if found.get(number) else []
            continue
        kinds[row["kind"]][1] += 1
        kinds[row["kind"]][0] += touches(row["values"], found.get(number, []))
    return kinds, cried, clean


def told(name, kinds, cried, clean):
    share = lambda pair: pair[0] / pair[1]
    total = [sum(pair[n] for pair in kinds.values()) for n in (0, 1)]
    macro = sum(map(share, kinds.values())) / len(kinds)
    by_kind = ", ".join(f"{kind} {found}/{all}" for kind, (found, all) in sorted(kinds.items()))
    return f"{name}: found {total[0]}/{total[1]} ({share(total):.1%}), macro {macro:.1%}, clean rows cried {len(cried)}/{clean}\n    {by_kind}"


def labelled(binary, root):
    out, firm, rival = [], rows(root), Presidio()
    for carrier in ("bare", "keyed"):
        texts = texts_of(firm, carrier == "keyed")
        out.append(told(f"logsift, {carrier}", *score(firm, logsift(binary, texts))))
        out.append(told(f"Presidio, {carrier}", *score(firm, rival(texts))))
    return out


def spans(binary, root):
    """Recall by kind, and how much of what is told is marked as anything."""
    path = root.parent / "shared" / "data" / "pii" / "spans.jsonl"
    rows = list(map(json.loads, path.read_text().splitlines()))
    texts, out = [row["text"] for row in rows], []
    for name, found in (("logsift", logsift(binary, texts)), ("Presidio", Presidio()(texts))):
        kinds, right, all = collections.defaultdict(lambda: [0, 0]), 0, 0
        for number, row in enumerate(rows):
            for span in row["spans"]:
                if span["kind"] in CLAIMED:
                    kinds[span["kind"]][1] += 1
                    kinds[span["kind"]][0] += touches([span["value"]], found.get(number, []))
            for one in found.get(number, []):
                all += 1
                right += any(touches([span["value"]], [one]) for span in row["spans"])
        macro = sum(hit / of for hit, of in kinds.values()) / len(kinds)
        by_kind = ", ".join(f"{kind} {hit}/{of}" for kind, (hit, of) in sorted(kinds.items()))
        out.append(f"{name}: macro recall {macro:.1%}, precision {right}/{all} ({right / max(all, 1):.1%})\n    {by_kind}")
    return out
