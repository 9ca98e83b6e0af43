# SPDX-License-Identifier: Apache-2.0
"""What the hostile tests share: a lock to fetch, a server that serves it, and the invariants that
hold whatever happens.

I1  a final name exists only with the pinned bytes, or is what it was before
I2  after a failure the former file and the lock are byte-identical
I3  names are left only beneath .bake
I4  the token is in no file, no extended attribute, no argument and nothing that is said
I5  exactly one error line, at most one hint, printable and bounded
I6  memory and time are bounded
I7  once the fault is gone the same command ends with 0 and the right bytes
"""
import base64
import functools
import importlib.util
import json
import os
import pathlib
import re
import secrets
import subprocess
import sys
import threading
import time

import faults

ROOT = pathlib.Path(__file__).resolve().parents[2]


def integration():
    """tests/integration/conftest.py, under a name of its own."""
    if "integration" not in sys.modules:
        where = ROOT / "tests/integration"
        sys.path.insert(0, str(where))
        spec = importlib.util.spec_from_file_location("integration", where / "conftest.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules["integration"] = module
        spec.loader.exec_module(module)
    return sys.modules["integration"]


TOOLS = integration().TOOLS
environment, noise, Result = (integration().environment, integration().noise,
                              integration().Result)

COMMIT = "c0ffee" * 6 + "c0ff"
PEAK_KIB = 64 * 1024
DEADLINE = 60
SANITIZED = any(name in TOOLS.parts for name in ("asan", "tsan"))

# One connection: small. Eight: so large that it is worth dividing.
SIZES = {1: 400_000, 8: 8 << 20}


def sha256(data):
    return integration().hubserver.sha256(data)


@functools.lru_cache
def data_of(size, seed=1):
    return noise(size, seed)


@functools.lru_cache
def offers(tool, option):
    """Whether a tool has an option: some come later than these tests."""
    shown = subprocess.run([TOOLS / tool, "--help"], capture_output=True, text=True).stdout
    return re.search(rf"(^|[\s,]){re.escape(option)}\b", shown) is not None


def connections_option(count):
    return ["--connections", str(count)] if offers("bake-fetch", "--connections") else []


class Canary:
    """A token, and every form in which it must not be found."""

    def __init__(self):
        self.text = "hf_" + secrets.token_hex(20)
        raw = self.text.encode()
        forms = {raw, raw[::-1], raw.hex().encode(), raw.hex().upper().encode(),
                 "".join(f"%{byte:02X}" for byte in raw).encode(),
                 "".join(f"%{byte:02x}" for byte in raw).encode(),
                 "".join(f"\\x{byte:02x}" for byte in raw).encode()}
        for shift in range(3):
            # Without what depends on the neighbours at either end.
            whole = base64.b64encode(b"\0" * shift + raw)
            forms |= {whole[4:-4], whole[4:-4].replace(b"+", b"-").replace(b"/", b"_")}
        self.forms = forms

    def found_in(self, data):
        if isinstance(data, str):
            data = data.encode(errors="surrogateescape")
        return any(form in data for form in self.forms)


class Watch(threading.Thread):
    """Looks at a process and its children while they run: memory, arguments, environment."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.seen, self.ended = pid, 0, set(), threading.Event()
        self.start()

    def look(self, pid):
        try:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            self.seen.add(pathlib.Path(f"/proc/{pid}/cmdline").read_bytes())
            self.seen.add(pathlib.Path(f"/proc/{pid}/environ").read_bytes())
            children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            return
        name = re.search(r"Name:\s+(\S+)", status)[1]
        peak = re.search(r"VmHWM:\s+(\d+)", status)
        if peak and name.startswith("bake-"):
            self.peak = max(self.peak, int(peak[1]))
        for child in children:
            self.look(child)

    def run(self):
        while not self.ended.is_set():
            self.look(self.pid)
            self.ended.wait(0.002)

    def stop(self):
        self.ended.set()
        self.join()


class Finished:
    """What subprocess gives, with what was seen on the way."""

    def __init__(self, returncode, stdout, stderr):
        self.returncode, self.stdout, self.stderr = returncode, stdout, stderr


def watched(command, env=None, deadline=DEADLINE, **options):
    """Runs a command; the result has .peak (KiB) and .seen (arguments and environments)."""
    process = subprocess.Popen([str(word) for word in command], env=environment(**(env or {})),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    watch = Watch(process.pid)
    try:
        out, err = process.communicate(timeout=deadline)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"still running after {deadline} s\n{err.decode()}") from None
    finally:
        watch.stop()
    result = Result(Finished(process.returncode, out, err))
    result.peak, result.seen = watch.peak, watch.seen
    return result


def tree(root):
    """Every name beneath root that is not in a .bake: {path: bytes, or None for what is no file}."""
    found = {}
    for path in sorted(pathlib.Path(root).rglob("*")):
        relative = path.relative_to(root)
        if ".bake" not in relative.parts:
            found[str(relative)] = (path.read_bytes() if path.is_file() and not path.is_symlink()
                                    else None)
    return found


class Bed:
    """A lock, a models directory, a token, and the server they are fetched from."""

    def __init__(self, path, server, connections=1):
        self.server, self.connections = server, connections
        self.root = path / "bed"
        self.root.mkdir()
        self.models, self.lock_path = self.root / "models", self.root / "test.lock.json"
        self.cache = None
        self.canary = Canary()
        self.token_path = path / "token"
        self.token_path.write_text(self.canary.text + "\n")
        self.origin = server.port and self.origin_of("a")
        self.wanted, self.old = {}, {}
        self.options = ["--allow-http", "--retries", "1", "--stall-timeout", "5"]
        self.prefix, self.env = [], {}

    def origin_of(self, listener, host="127.0.0.1", scheme="http"):
        return f"{scheme}://{host}:{self.server.port[listener]}"

    @property
    def data(self):
        return data_of(SIZES[self.connections])

    def url(self, name="w.bin"):
        return f"/org/name/resolve/{COMMIT}/{name}"

    def lock(self, files, serve=True, **model):
        """Pins files ({path below m/: bytes}) and, by default, serves them."""
        self.wanted = {f"m/{name}": data for name, data in files.items()}
        self.write_lock([{"path": f"m/{name}", "name": name, "size": len(data),
                          "sha256": sha256(data)} for name, data in files.items()], **model)
        for name, data in files.items():
            if serve:
                self.server.good(self.url(name), data)
        return self

    def write_lock(self, files, **model):
        source = {"hub": "org/name", "revision": "main", "commit": COMMIT}
        document = {"schema": "bake.lock/1", "name": "test", "manifest_sha256": "ab" * 32,
                    "models": {"m": {"source": source, "spec_sha256": "cd" * 32, "layer": 1,
                                     "required": True, **model, "files": files}}}
        self.lock_path.write_text(json.dumps(document))

    def one(self):
        """One file of the usual size; another one stands under its name."""
        self.lock({"w.bin": self.data})
        return self.stands("m/w.bin", data_of(1000, 99))

    def stands(self, path, data):
        self.old[path] = data
        (self.models / path).parent.mkdir(parents=True, exist_ok=True)
        (self.models / path).write_bytes(data)
        return self

    def command(self, *args, tool="bake-fetch"):
        command = [*self.prefix, TOOLS / tool, "-l", self.lock_path, "-d", self.models]
        if tool == "bake-fetch":
            command += ["--endpoint", self.origin, "--token-file", self.token_path, *self.options,
                        *connections_option(self.connections)]
            command += ["--cache", self.cache] if self.cache else []
        return [str(word) for word in [*command, *args]]

    def fetch(self, *args, under=(), env=None, **options):
        """Runs bake-fetch, under another command if one is given, and checks I4 and I6."""
        result = watched([*under, *self.command(*args)], {**self.env, **(env or {})}, **options)
        self.keeps_secrets(result)
        if not SANITIZED:
            assert result.peak < PEAK_KIB, f"{result.peak} KiB of memory"
        return result

    def verify(self, *args):
        return watched(self.command(*args, tool="bake-verify"))

    # Invariants.

    def keeps_secrets(self, result):
        """I4."""
        for text in (result.out, result.err, *result.seen):
            assert not self.canary.found_in(text), "the token is shown"
        for path in self.root.rglob("*"):
            if path.is_file() and not path.is_symlink():
                assert not self.canary.found_in(path.read_bytes()), path
                assert not [name for name in os.listxattr(path) if name.startswith("user.")], path
            assert not self.canary.found_in(str(path)), path

    def nothing_wrong_is_published(self):
        """I1 to I3, after a failure or in the middle of a run."""
        for path, data in tree(self.models).items() if self.models.exists() else ():
            if data is None:
                assert any(name.startswith(path + "/") for name in self.wanted), path
            else:
                assert data in (self.wanted.get(path), self.old.get(path)), \
                    f"{path} is neither what it was nor what it is to be"
        for path, data in self.old.items():
            assert (self.models / path).is_file(), f"{path} is gone"
        if self.cache and self.cache.exists():
            for path, data in tree(self.cache).items():
                assert data is None or path.endswith(sha256(data)), path
        assert {path.name for path in self.root.iterdir()} <= {
            "models", "test.lock.json", self.cache.name if self.cache else "models"}

    def says_one_thing(self, result):
        """I5."""
        lines = result.err.splitlines()
        assert sum("error[" in line for line in lines) == 1, result
        assert sum(line.startswith("hint:") for line in lines) <= 1, result
        for line in lines:
            assert line.isprintable() and len(line) < 1000, repr(line)

    def fails(self, result, code, *errors):
        """The exit code, one error line with one of these ids, and I1 to I5."""
        assert result.code == code, result
        self.says_one_thing(result)
        assert result.errors[0][0] in errors, result
        assert "Sanitizer" not in result.err, result
        self.nothing_wrong_is_published()
        return result

    def succeeds(self, result):
        assert result.code == 0, result
        assert not result.errors and "Sanitizer" not in result.err, result
        for path, data in self.wanted.items():
            assert (self.models / path).read_bytes() == data, path
        assert not (self.models / ".bake").exists()
        self.nothing_wrong_is_published()
        return result

    def recovers(self, *args, **options):
        """I7: without the fault, the same command."""
        self.server.behave()
        return self.succeeds(self.fetch(*args, **options))

    def parts(self):
        where = [self.models / ".bake"] + ([self.cache / ".bake"] if self.cache else [])
        return [path for place in where for path in sorted(place.glob("*.part"))]

    def has_part(self):
        """Whether there is anything to go on with."""
        return any(path.read_bytes().strip(b"\0") for path in self.parts())


def wait_until(condition, seconds=20):
    """Waits for something that is going to happen; how long it takes is not what is tested."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.002)


class Namespace:
    """A network of its own, where any address can be ours, with its own /etc/hosts and resolver."""

    def __init__(self, path):
        self.hosts, self.resolver = path / "hosts", path / "resolv.conf"
        self.hosts.write_text("127.0.0.1 localhost\n")
        self.resolver.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        self.holder = subprocess.Popen(["unshare", "--net", "--mount", "sleep", "infinity"])
        self.prefix = ["nsenter", "-t", str(self.holder.pid), "--net", "--mount", "--"]
        try:
            self.furnish()
        except BaseException:
            self.close()
            raise

    def furnish(self):
        own = os.readlink("/proc/self/ns/net")
        wait_until(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != own and
                   pathlib.Path(f"/proc/{self.holder.pid}/comm").read_text() == "sleep\n")
        self.run("ip", "link", "set", "lo", "up")
        self.run("mount", "--bind", self.hosts, "/etc/hosts")
        self.run("mount", "--bind", self.resolver, "/etc/resolv.conf")

    def run(self, *command):
        subprocess.run([*self.prefix, *map(str, command)], check=True, capture_output=True)

    def address(self, *addresses):
        for address in addresses:
            self.run("ip", "addr", "add", address, "dev", "lo", *["nodad"] * (":" in address))

    def say_hosts(self, *lines):
        """In place: the file is mounted over."""
        with open(self.hosts, "r+") as stream:
            stream.truncate()
            stream.write("".join(f"{line}\n" for line in ("127.0.0.1 localhost", *lines)))

    def close(self):
        self.holder.kill()
        self.holder.wait()
