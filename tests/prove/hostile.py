"""Input that means harm: what import does with it, its exit code and its peak memory."""

import gzip
import io
import os
import pathlib
import shutil
import struct
import sys
import tarfile
import tempfile
import time
import zipfile
import zlib

from measure import balanced, imported, size_setting

FLOW = b"2 123456789010 eni-1235b8ca123456789 10.0.0.1 10.0.0.2 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n"
ALB = (
    b'http 2025-03-01T10:00:00.000000Z app/demo/0123456789abcdef 198.51.100.7:40001 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 '
    b'"GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - - "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-"\n'
)


def long_line(folder, size):
    with open(folder / "long.log", "wb") as file:
        file.write(b"2026-03-02 ")
        block = b"abcdefghijklmnopqrstuvwxyz 0123456789 " * 27594
        left = size
        while left > 0:
            left -= file.write(block[: min(left, len(block))])
    return folder / "long.log"


def long_json(folder, size):
    with open(folder / "long.json", "wb") as file:
        file.write(b'{"eventVersion":"1.11","eventTime":"2026-03-02T08:15:30Z","eventName":"PutObject","requestParameters":{"a":"')
        block, left = b"x" * 1_000_000, size
        while left > 0:
            left -= file.write(block)
        file.write(b'"}}\n')
    return folder / "long.json"


def deep_json(folder, _size):
    (folder / "deep.json").write_bytes(b'{"a":' * 200_000 + b"1" + b"}" * 200_000 + b"\n")
    return folder / "deep.json"


def bomb(name, unit):
    """One gzip member of 100 MB of text, written again and again: as AWS's own files are concatenated."""

    def build(folder, size):
        pack = zlib.compressobj(9, zlib.DEFLATED, 31)
        text = (unit * (100_000_000 // len(unit) + 1))[:100_000_000]
        member = pack.compress(text) + pack.flush()
        with open(folder / name, "wb") as file:
            for _ in range(max(1, size // 100_000_000)):
                file.write(member)
        return folder / name

    return build


def nested(folder, size):
    """gzip in gzip in gzip: zeros that were packed three times."""
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    inner = b"".join(pack.compress(bytes(1_000_000)) for _ in range(max(1, size // 1_000_000))) + pack.flush()
    (folder / "nested.gz").write_bytes(gzip.compress(gzip.compress(inner)))
    return folder / "nested.gz"


def tiny_files(folder, count):
    home = folder / "tiny"
    for number in range(count):
        if number % 1000 == 0:
            (home / f"{number // 1000:04d}").mkdir(parents=True)
        line = FLOW.replace(b"20641", str(1024 + number % 60000).encode()).replace(b"4249", str(number).encode())
        (home / f"{number // 1000:04d}" / f"{number:06d}.log").write_bytes(line)
    return home


def odd_names(folder, _size):
    home = os.fsencode(folder / "names")
    os.mkdir(home)
    for number, name in enumerate([b"caf\xe9.log", b"\xff\xfe.log", b"new\nline.log", b"back\\slash.log", b" blank .log", b"-rf.log", b"a'b\"c$(id).log", "übergrößenträger.log".encode(), b"x" * 250 + b".log"]):
        with open(home + b"/" + name, "wb") as file:
            file.write(FLOW.replace(b"4249", str(number).encode()))
    return pathlib.Path(os.fsdecode(home))


EVIL = ["../escape.log", "../../../../tmp/prove-escape.log", "/tmp/prove-absolute.log", "a/../../b.log", "new\nline.log", "AWSLogs/..\\win.log", "ok.log"]


def zip_members(folder, _size):
    with zipfile.ZipFile(folder / "evil.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number, name in enumerate(EVIL):
            archive.writestr(zipfile.ZipInfo(name), FLOW.replace(b"4249", str(number).encode()))
        link = zipfile.ZipInfo("link.log")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return folder / "evil.zip"


def tar_members(folder, _size):
    with tarfile.open(folder / "evil.tar.gz", "w:gz") as archive:
        for number, name in enumerate(EVIL):
            data = FLOW.replace(b"4249", str(number).encode())
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
        for kind, name in ((tarfile.SYMTYPE, "link.log"), (tarfile.LNKTYPE, "hard.log"), (tarfile.CHRTYPE, "device.log"), (tarfile.FIFOTYPE, "pipe.log")):
            about = tarfile.TarInfo(name)
            about.type, about.linkname = kind, "/etc/passwd"
            archive.addfile(about)
    return folder / "evil.tar.gz"


def shared_members(folder, _size):
    """A zip bomb: 5,000 members of one piece of data, 10 MB of zeros each when unpacked."""
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bytes(10_000_000)
    data = pack.compress(zeros) + pack.flush()
    sizes = struct.pack("<IIIHH", zlib.crc32(zeros), len(data), len(zeros), 5, 0)
    local = b"PK\x03\x04" + struct.pack("<HHHI", 20, 0, 8, 0) + sizes + b"a.log" + data
    one = b"PK\x01\x02" + struct.pack("<HHHHI", 20, 20, 0, 8, 0) + sizes + struct.pack("<HHHII", 0, 0, 0, 0, 0) + b"a.log"
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 5000, 5000, 5000 * len(one), len(local), 0)
    (folder / "bomb.zip").write_bytes(local + one * 5000 + end)
    return folder / "bomb.zip"


def large_member(folder, size):
    """A tar.gz whose one member is zeros."""
    with tarfile.open(folder / "large.tar.gz", "w:gz") as archive:
        about = tarfile.TarInfo("zeros.log")
        about.size = size
        archive.addfile(about, Zeros(size))
    return folder / "large.tar.gz"


class Zeros(io.RawIOBase):
    def __init__(self, left):
        self.left = left

    def read(self, size=-1):
        size = self.left if size < 0 else min(size, self.left)
        self.left -= size
        return bytes(size)


def long_name(folder, size):
    """A tar.gz in which one name is zeros without end."""
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    about = tarfile.TarInfo("././@LongLink")
    about.type, about.size = tarfile.GNUTYPE_LONGNAME, size
    with open(folder / "name.tar.gz", "wb") as file:
        file.write(pack.compress(about.tobuf(tarfile.GNU_FORMAT)))
        for _ in range(max(1, size // 10_000_000)):
            file.write(pack.compress(b"a" * 10_000_000))
        file.write(pack.flush())
    return folder / "name.tar.gz"


def deep_archives(folder, _size):
    data, name = FLOW, "x.log"
    for level in range(5):
        home = io.BytesIO()
        with zipfile.ZipFile(home, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, data)
            archive.writestr("beside.log", FLOW.replace(b"4249", str(level).encode()))
        data, name = home.getvalue(), f"{level}.zip"
    (folder / "deep.zip").write_bytes(data)
    return folder / "deep.zip"


def links(folder, _size):
    home = folder / "links"
    home.mkdir()
    (home / "ok.log").write_bytes(FLOW)
    (home / "passwd.log").symlink_to("/etc/passwd")
    (home / "loop").symlink_to(home)
    (home / "dangling.log").symlink_to("/nowhere/at/all")
    os.mkfifo(home / "pipe.log")
    return home


def cut(path):
    """All but the last bytes; of the compressed tar, a third of them."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - (30 if path.suffix == ".zip" else len(data) // 3)])
    return path


def written(name, data):
    def build(folder, _size):
        (folder / name).write_bytes(data)
        return folder / name

    return build


# What an archive must give: exit code, events, things left out, and words that stderr must have.
EXPECTED = {
    zip_members: (0, 7, {"symbolic link in an archive": 1}, []),
    tar_members: (
        0,
        7,
        {"symbolic link in an archive": 1, "hard link in an archive": 1, "device in an archive": 1, "pipe in an archive": 1},
        [],
    ),
    shared_members: (2, 0, {}, ["bomb.zip!/a.log: shares its bytes with another member"]),
    large_member: (0, 0, {}, []),
    long_name: (2, 0, {}, ["bytes that describe a member"]),
    deep_archives: (2, 3, {}, ["is an archive in an archive in an archive in an archive"]),
}


def unlike(build, done, tally, said):
    """How an import of an archive differs from what it must be."""
    if build not in EXPECTED:
        return []
    code, events, left, words = EXPECTED[build]
    got = {key: n for key, n in tally["ignored"].items() if key.endswith("in an archive")}
    wrong = [f"says nothing of: {word}" for word in words if word not in said]
    if (done.code, sum(tally["events"].values()) if events else 0, got) != (code, events, left):
        wrong.append(f"exit {done.code}, events {tally['events']}, left out {got}")
    return wrong


def show(binary):
    """LOGSIFT_PROVE_LINE_BYTES (1G), LOGSIFT_PROVE_BOMB_BYTES (10G), LOGSIFT_PROVE_LINES_BYTES (1G, the bomb
    whose lines are real), LOGSIFT_PROVE_TINY (100000) and LOGSIFT_PROVE_PEAK_MB (4000), the memory no case may pass."""
    line, inflated = size_setting("LOGSIFT_PROVE_LINE_BYTES", "1G"), size_setting("LOGSIFT_PROVE_BOMB_BYTES", "10G")
    repeated = size_setting("LOGSIFT_PROVE_LINES_BYTES", "1G")
    tiny, most = int(os.environ.get("LOGSIFT_PROVE_TINY", "100000")), float(os.environ.get("LOGSIFT_PROVE_PEAK_MB", "4000"))
    packed = gzip.compress(FLOW * 5000)
    cases = [
        (f"a single line of {line / 1e6:.0f} MB", long_line, line),
        (f"one JSON record of {line / 1e6:.0f} MB", long_json, line),
        ("JSON 200,000 objects deep", deep_json, 0),
        (f"zeros, {inflated / 1e6:.0f} MB when inflated", bomb("zeros.log.gz", b"\0"), inflated),
        (f"one flow line repeated, {repeated / 1e6:.0f} MB when inflated", bomb("lines.log.gz", FLOW), repeated),
        (f"gzip in gzip in gzip, {inflated / 1e6:.0f} MB of zeros", nested, inflated),
        (f"{tiny} tiny files", tiny_files, tiny),
        ("names that are not UTF-8, with newlines, quotes, 254 bytes long", odd_names, 0),
        ("zip members with .., absolute names, newlines, a symlink", zip_members, 0),
        ("tar members with .., absolute names, newlines, links, devices", tar_members, 0),
        ("a zip bomb: 5,000 members of one piece of data", shared_members, 0),
        (f"a tar.gz with a member of {inflated / 1e6:.0f} MB of zeros", large_member, inflated),
        (f"a tar.gz with a name of {inflated / 1e6:.0f} MB", long_name, inflated),
        ("zip in zip in zip in zip in zip", deep_archives, 0),
        ("a zip that is cut", lambda folder, _size: cut(zip_members(folder, 0)), 0),
        ("a tar.gz that is cut", lambda folder, _size: cut(tar_members(folder, 0)), 0),
        ("a folder with links in a loop, to /etc/passwd and to nowhere, and a pipe", links, 0),
        ("a byte order mark", written("bom.log", b"\xef\xbb\xbf" + ALB + ALB.replace(b" 366 ", b" 367 ")), 0),
        ("CRLF", written("crlf.log", (ALB + ALB.replace(b" 366 ", b" 367 ")).replace(b"\n", b"\r\n")), 0),
        ("NUL bytes in and between lines", written("nul.log", ALB + b"\0\0\0\n" + ALB.replace(b"curl", b"cu\0rl") + b"\0"), 0),
        ("invalid UTF-8 in a line", written("latin1.log", ALB.replace(b"curl", b"c\xfcrl") + ALB), 0),
        ("a last line without its end and cut", written("cut.log", ALB + ALB[: len(ALB) // 2]), 0),
        ("a gzip that is cut", written("cut.log.gz", packed[: len(packed) // 2]), 0),
        ("a gzip with junk behind it", written("junk.log.gz", packed + b"this is no gzip member"), 0),
        ("UTF-16", written("utf16.log", ALB.decode().encode("utf-16")), 0),
        ("an empty file and an empty gzip", written("empty.log.gz", gzip.compress(b"")), 0),
    ]
    out, failed = [], []
    for what, build, size in cases:
        with tempfile.TemporaryDirectory(dir=os.environ.get("LOGSIFT_PROVE_TMP")) as folder:
            folder = pathlib.Path(folder)
            (folder / "in").mkdir()
            start = time.perf_counter()
            path = build(folder / "in", size)
            made = time.perf_counter() - start
            before = {each for each in folder.rglob("*")} | set(pathlib.Path("/tmp").glob("prove-*"))
            done, counts = imported(binary, folder / "lake", path)
            after = {each for each in folder.rglob("*") if (folder / "lake") not in (each, *each.parents)} | set(pathlib.Path("/tmp").glob("prove-*"))
            disk = sum(each.stat().st_size for each in (folder / "lake").rglob("*") if each.is_file()) if (folder / "lake").exists() else 0
            said = done.err.decode(errors="replace").replace(str(folder), "…").strip()
            tally = counts["tally"] if counts else None
            out.append(f"-- {what}\n   exit {done.code}, {done.wall:.1f} s, peak {done.peak_mb:.0f} MB, lake {disk / 1e6:.1f} MB (made in {made:.1f} s)")
            out.append(f"   tally {tally}" + (f"\n   errors {counts['errors'][:3]}" if counts and counts.get("errors") else ""))
            out += ["   " + line[:300] for line in said.splitlines()[:6]]
            wrong = []
            if done.code < 0 or done.code == 101 or "panicked" in said:
                wrong.append(f"died: exit {done.code}")
            if tally and not balanced(tally):
                wrong.append("the tally does not add up")
            wrong += unlike(build, done, tally, said) if tally else []
            if after - before:
                wrong.append(f"wrote outside the lake: {sorted(map(str, after - before))[:5]}")
            if done.peak_mb > most:
                wrong.append(f"peak memory over {most:.0f} MB")
            if wrong:
                out.append("   WRONG: " + "; ".join(wrong))
                failed.append(what)
            print("\n".join(out[-4:]), file=sys.stderr, flush=True)
            shutil.rmtree(folder / "in", ignore_errors=True)
    assert not failed, "\n".join(out)
    return "\n".join(out)
