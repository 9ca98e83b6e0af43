# SPDX-License-Identifier: Apache-2.0
"""The fault server (faultserver.c) from Python: start it, tell it what to do, read what it saw."""
import json
import os
import pathlib
import subprocess
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("BAKE_FAULTSERVER", ROOT / "build/dev/tests/faultserver"))

MASK = (1 << 64) - 1


def pattern(seed, size):
    """The bytes of `content NAME pattern SEED SIZE`."""
    words = []
    for index in range((size + 7) // 8):
        z = (seed + (index + 1) * 0x9e3779b97f4a7c15) & MASK
        z = ((z ^ (z >> 30)) * 0xbf58476d1ce4e5b9) & MASK
        z = ((z ^ (z >> 27)) * 0x94d049bb133111eb) & MASK
        words.append((z ^ (z >> 31)).to_bytes(8, "little"))
    return b"".join(words)[:size]


# Answers, as lists of steps. script.h says what there is.

def partial(*more, status=206, span="bytes {first}-{last}/{total}", length="{count}", headers=()):
    """The beginning of an answer with a range, and then more steps."""
    lines = [f"status {status}"]
    if span is not None:
        lines.append(f"header Content-Range: {span}")
    if length is not None:
        lines.append(f"header Content-Length: {length}")
    return [*lines, *(f"header {line}" for line in headers), "end", *more]


def whole(*more, length="{total}", headers=()):
    """The beginning of an answer that knows no ranges."""
    return partial(*more, status=200, span=None, length=length, headers=headers)


def plain(status, body=b"", headers=(), length=None):
    """A whole answer of a few bytes."""
    length = len(body) if length is None else length
    return partial(f"text {urllib.parse.quote_from_bytes(body)}", status=status, span=None,
                   length=length, headers=headers)


def redirect(location, status=302):
    return plain(status, headers=[f"Location: {location}"])


class Asked:
    """One request, and what became of it."""

    def __init__(self, entry):
        self.listener, self.connection = entry["listener"], entry["connection"]
        self.method, self.path, self.range = entry["method"], entry["path"], entry["range"]
        self.authorization, self.head, self.ms = entry["authorization"], entry["head"], entry["ms"]
        self.status, self.sent, self.whole, self.answered_ms = None, 0, False, None

    @property
    def first(self):
        return int(self.range.split("=")[1].split("-")[0]) if self.range else 0

    def __repr__(self):
        return f"{self.listener} {self.method} {self.path} {self.range} -> {self.status} ({self.sent})"


class Log(list):
    """The events of a server, in order."""

    def requests(self, listener=None, path=""):
        found = {}
        for entry in self:
            if entry["event"] == "request":
                found[entry["id"]] = Asked(entry)
            elif entry["event"] == "answer":
                asked = found[entry["id"]]
                asked.status, asked.sent = entry["status"], entry["sent"]
                asked.whole, asked.answered_ms = entry["whole"], entry["ms"]
        return [asked for asked in found.values()
                if path in asked.path and listener in (None, asked.listener)]

    def connections(self, listener=None):
        return [entry["connection"] for entry in self if entry["event"] == "connected"
                and listener in (None, entry["listener"])]

    def refused(self):
        return [entry for entry in self if entry["event"] == "refused"]

    def most_connections(self):
        """So many were open at a time."""
        now = most = 0
        for entry in self:
            now += (entry["event"] == "connected") - (entry["event"] == "closed")
            most = max(most, now)
        return most

    def sent(self, path=""):
        return sum(asked.sent for asked in self.requests(path=path))


class Server:
    """A fault server. Ended by close(), and by itself when this process ends."""

    def __init__(self, directory, prefix=()):
        if not PROGRAM.exists():
            raise FileNotFoundError(
                f"{PROGRAM}: build it (cmake --build --preset dev) or name it in BAKE_FAULTSERVER")
        self.directory = pathlib.Path(directory)
        self.path = self.directory / "requests.jsonl"
        self.path.touch()
        self.process = subprocess.Popen([*prefix, str(PROGRAM), str(self.path)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.mark = 0
        self.contents = 0
        self.kept = []   # rules of good behaviour
        self.faulty = []  # rules before them
        self.port = {}

    def tell(self, *lines):
        """Sends commands, and returns the answer to the last one."""
        self.process.stdin.write("".join(f"{line}\n" for line in lines))
        self.process.stdin.flush()
        for line in lines:
            answer = self.process.stdout.readline().rstrip("\n")
            assert answer and not answer.startswith("error"), f"{line}: {answer or 'no answer'}"
        return answer

    def listen(self, name="a", address="127.0.0.1", tls=None, **options):
        """Returns the origin. tls: (certificate, key); options: port, max, rate, mute=True,
        deaf=True."""
        words = [f"tls {tls[0]} {tls[1]}"] if tls else []
        words += [key if value is True else f"{key} {value}" for key, value in options.items()]
        self.port[name] = int(self.tell(" ".join(["listen", name, address, *words])).split()[1])
        host = f"[{address}]" if ":" in address else address
        return f"{'https' if tls else 'http'}://{host}:{self.port[name]}"

    def content(self, data):
        """Makes bytes known; returns their name. Or (seed, size) for a pattern."""
        self.contents += 1
        name = f"c{self.contents}"
        if isinstance(data, tuple):
            self.tell(f"content {name} pattern {data[0]} {data[1]}")
        elif data:
            path = self.directory / f"{name}.content"
            path.write_bytes(data)
            self.tell(f"content {name} file {path}")
        else:
            self.tell(f"content {name} pattern 0 0")
        return name

    def _send_rules(self, rules):
        for listener, content, times, skip, start, path, steps in rules:
            self.tell(f"rule {listener} {content or '-'} {times} {skip} {start} {path}",
                      *(f"\t{step}" for step in steps), "done")

    def good(self, path, data, listener="*", etag='"good"'):
        """From now on path is answered as it should be. Returns the content's name."""
        name = self.content(data)
        rule = (listener, name, -1, 0, 0, path, [f"good {etag}" if etag else "good"])
        # What was good before under this name is not any more.
        self.kept = [other for other in self.kept if (other[0], other[5]) != (listener, path)]
        self.kept.append(rule)
        self.tell("clear")
        self._send_rules(self.faulty + self.kept)
        return name

    def always(self, path, steps, content=None, listener="*"):
        """Like good(), with any steps."""
        rule = (listener, content, -1, 0, 0, path, steps)
        self.kept.append(rule)
        self._send_rules([rule])

    def fault(self, path, steps, times=-1, content=None, listener="*", skip=0, start=0):
        """Before anything good, answers to path take these steps."""
        self.faulty.append((listener, content, times, skip, start, path, steps))
        self.tell("clear")
        self._send_rules(self.faulty + self.kept)

    def behave(self):
        """No more faults."""
        self.faulty = []
        self.tell("clear")
        self._send_rules(self.kept)

    def wait(self):
        """Until every connection has ended, so that the log is complete."""
        self.tell("wait")

    def forget(self):
        """The log begins anew here."""
        self.wait()
        self.mark = self.path.stat().st_size

    def log(self, complete=True):
        if complete:
            self.wait()
        with open(self.path, encoding="ascii") as stream:
            stream.seek(self.mark)
            return Log(json.loads(line) for line in stream if line.endswith("\n"))

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()
