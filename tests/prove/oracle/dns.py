"""Route 53 query logs, by formats/others.md."""

from .values import AnyOf, Expect, address, iso, loose_number, member, snake, string


def resolver(item, _context):
    top = {}
    for name, value in item.items():
        if name == "query_timestamp":
            top[name] = iso(value)
        elif name in ("srcport", "version"):
            top[name] = loose_number(value)
        else:
            top[snake(name)] = member(value)
    common = {"event_time": iso(item["query_timestamp"]), "source_ip": address(item.get("srcaddr"))}
    for column, name in (("account_id", "account_id"), ("region", "region")):
        if item.get(name):
            common[column] = item[name]
    return Expect(top, common)


def public(line, _context):
    """Version, time, zone, name, type, answer code, protocol, edge, resolver, client subnet."""
    part = line.split()
    anywhere = [each for each in map(string, part[2:8]) if each]
    anywhere += [AnyOf(part[8], address(part[8])), iso(part[1])]
    if string(part[9]):
        anywhere.append(part[9])
    return Expect({}, {"event_time": iso(part[1]), "source_ip": AnyOf(address(part[8]), None)}, anywhere)
