"""How well personal data is found in labelled texts, beside Presidio's pattern recognisers."""

import collections
import json
import logging
import pathlib
import tempfile

import corpora
import quality
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


def logsift(binary, texts):
    """What is found in each text: [(rule, value)]."""
    with tempfile.TemporaryDirectory() as work:
        folder = corpora.write([corpora.Row(text, "", False, []) for text in texts], pathlib.Path(work) / "rows")
        found = scanners.logsift(binary, folder, packs=PACKS)
    return [found.get(corpora.name(number), []) for number in range(len(texts))]


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
        hits = lambda text: (hit for one in self.all for hit in one.analyze(text, one.supported_entities, None) or [])
        return [[(hit.entity_type, text[hit.start : hit.end]) for hit in hits(text) if hit.entity_type in OF_PRESIDIO] for text in texts]


def plain(text):
    return "".join(c for c in text if c.isalnum()).lower()


def touches(row, text):
    """Whether something found is a labelled value, or the most of one, however its digits are grouped."""
    text = plain(text)
    one = lambda value: value in text or (len(text) * 2 > len(value) and text in value)
    return bool(text) and any(one(plain(value)) for value in row.values)


def firm(root):
    path = root.parent / "shared" / "data" / "pii" / "pii.jsonl"
    items = [item for item in map(json.loads, path.read_text().splitlines()) if item["tier"] == "firm"]
    return [corpora.Row(item["text"], item["kind"], item["label"] != "clean", item["values"] or []) for item in items]


def keyed(row):
    """The row's text; a bare value as a field."""
    bare = row.secret and row.text == (row.values or [""])[0]
    return CARRIERS.get(row.kind, "%s") % row.text if bare else row.text


def labelled(binary, root):
    out, rows, rival = [], firm(root), Presidio()
    for carrier, text_of in (("bare", lambda row: row.text), ("keyed", keyed)):
        texts = [text_of(row) for row in rows]
        for name, found in (("logsift", logsift(binary, texts)), ("Presidio", rival(texts))):
            told, kinds, _, _ = quality.summary(rows, found, touches)
            out.append(f"{name}, {carrier}: found {told['found']} of {told['secrets']} ({told['recall']} %), macro {told['macro']} %, clean rows cried {told['alarms']} of {told['clean']}")
            out.append("    " + ", ".join(f"{kind} {hit}/{all}" for kind, (all, hit) in sorted(kinds.items())))
    return out


def spans(binary, root):
    """Recall by kind, and how much of what is told is marked as anything."""
    path = root.parent / "shared" / "data" / "pii" / "spans.jsonl"
    items = list(map(json.loads, path.read_text().splitlines()))
    texts, out = [item["text"] for item in items], []
    for name, found in (("logsift", logsift(binary, texts)), ("Presidio", Presidio()(texts))):
        # A row for each span: the same text with one value.
        rows, hits, right, all = [], [], 0, 0
        for item, list in zip(items, found):
            of = [corpora.Row(item["text"], span["kind"], True, [span["value"]]) for span in item["spans"]]
            rows += [row for row in of if row.kind in CLAIMED]
            hits += [list for row in of if row.kind in CLAIMED]
            all += len(list)
            right += sum(any(touches(row, value) for row in of) for _, value in list)
        told, kinds, _, _ = quality.summary(rows, hits, touches)
        out.append(f"{name}: macro recall {told['macro']} %, precision {right} of {all} ({100 * right / max(all, 1):.1f} %)")
        out.append("    " + ", ".join(f"{kind} {hit}/{of}" for kind, (of, hit) in sorted(kinds.items())))
    return out
