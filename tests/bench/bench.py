# SPDX-License-Identifier: Apache-2.0
"""The cases of ci/bench: the tools against aria2, OpenSSL and the floor, with the bars they are held to.

Everything is on loopback and in one scratch directory, which ci/bench puts on a tmpfs. docs/TESTING.md
says what the figures mean."""
import argparse
import hashlib
import json
import math
import os
import pathlib
import random
import re
import shutil
import signal
import struct
import subprocess
import sys

import contest
import servers
import serving
from contest import Contestant

MIB = 1024 * 1024
GIB = 1024 * MIB

LINE_RATE = 20_000_000  # bytes a second of each connection of a limited server
SLOW_RATE = 1_000_000
LINES = 16
DELAY = 0.030

RSS_BAR = 32
HASH_BOUND_BAR = 1.10  # of one thread that hashes the same bytes


class Bench:
    def __init__(self, options):
        self.tool = options.tools / "bake-fetch"
        self.programs = options.programs
        self.scratch = options.scratch
        self.rounds = options.runs
        self.load = os.getloadavg()[0]
        self.scale = 8 if options.small else 1
        self.baked_bytes = 16_000_000_000 if options.full else 4_000_000_000 // self.scale
        self.help = subprocess.run([self.tool, "--help"], check=True, capture_output=True, text=True).stdout

    def has(self, option):
        return any(option in line.replace(",", " ").split() for line in self.help.splitlines())

    def fresh(self, name):
        path = self.scratch / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return path

    def fetch(self, lock, out, *more):
        """bake-fetch as a user calls it, but for what a server on loopback needs."""
        return [self.tool, "-l", lock, "-d", out, "--allow-http", "--allow-private", "--progress", "none",
                *more]

    def connections(self, count):
        return ["-x", count] if self.has("--connections") else []

    def contest(self, contestants):
        return contest.contest(self.programs, contestants, self.rounds, self.scratch, note)


class Outcome:
    """What a case found: who ran, and how they did against which bars."""

    def __init__(self, contestants, title):
        self.title = title
        self.contestants = contestants
        self.bars = []
        self.notes = []

    def bar(self, what, value, limit, typical=None, unit="x"):
        self.bars.append({"what": what, "value": value, "median": typical, "bar": limit, "unit": unit,
                          "pass": value <= limit})

    def ratio(self, what, ours, theirs, limit, field="seconds"):
        """Best to best decides, medians are shown: ours and theirs are contestants, theirs may be
        several, of which the best counts."""
        self.bar(what, ours.best(field) / min(one.best(field) for one in theirs), limit,
                 ours.median(field) / min(one.median(field) for one in theirs))

    def rss(self, *ours):
        self.bar("peak RSS", max(one.peak() for one in ours), RSS_BAR, unit=" MiB")


def note(text):
    print(f"\r\033[K   {text}" if sys.stderr.isatty() else f"   {text}", end="" if sys.stderr.isatty() else "\n",
          file=sys.stderr, flush=True)


# ---- what is fetched

def make_file(path, size):
    """A file of bytes that nothing can compress, and its SHA-256."""
    sha256 = hashlib.sha256()
    with open(path, "wb") as out:
        for at in range(0, size, 16 * MIB):
            piece = os.urandom(min(16 * MIB, size - at))
            sha256.update(piece)
            out.write(piece)
    return sha256.hexdigest()


def sha256_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_lock(path, base, files):
    """A lock of one model: files are (name, size, sha256) below the URL base."""
    model = {"source": {"url": base}, "spec_sha256": "5e" * 32, "layer": 3, "required": True,
             "files": [{"path": name, "name": name, "size": size, "sha256": sha256}
                       for name, size, sha256 in files]}
    path.write_text(json.dumps({"schema": "bake.lock/1", "name": "bench", "manifest_sha256": "3a" * 32,
                                "profiles": {}, "models": {"bench": model}}))
    return path


class Checked:
    """Looks at what a run brought and removes it. Content is compared once for each contestant: they
    verify it themselves in every run."""

    def __init__(self, out, files):
        self.out = out
        self.files = files
        self.compared = False

    def __call__(self):
        for name, size, sha256 in self.files:
            path = self.out / name
            if not path.exists() or path.stat().st_size != size:
                raise contest.Failed(f"{path} is not there or has another size")
            if not self.compared and sha256_of(path) != sha256:
                raise contest.Failed(f"{path} has the wrong content")
        self.compared = True
        shutil.rmtree(self.out)


def fetching(bench, name, command, files, env=None):
    """A contestant that fills an empty directory of its own; command(directory) is what it runs."""
    out = bench.scratch / f"out-{name.split()[0]}"
    return Contestant(name, command(out), env, prepare=lambda: bench.fresh(out.name),
                      check=Checked(out, files))


def aria2(out, *more):
    return ["aria2c", "--no-conf=true", "-q", "--file-allocation=none", "-d", out, *more]


def aria2_file(out, url, sha256, connections, *more):
    return aria2(out, f"-x{connections}", f"-s{connections}", "-k1M", f"--checksum=sha-256={sha256}", *more,
                 url)


# ---- the cases

def whole_file(bench, secure):
    """One large file from a server that is as fast as the machine."""
    served = bench.fresh("served")
    size = 2 * GIB // bench.scale
    sha256 = make_file(served / "big.bin", size)
    files = [("big.bin", size, sha256)]
    with servers.nginx(served, bench.scratch / "nginx", DELAY) as nginx:
        base = nginx.https if secure else nginx.http
        url = base + "big.bin"
        lock = write_lock(bench.scratch / "bench.lock.json", base, files)
        ca = [nginx.ca] if secure else []
        trust = [f"--ca-certificate={nginx.ca}"] if secure else []

        def floor(connections):
            return fetching(bench, f"floor-{connections}",
                            lambda out: [bench.programs / "floor", url, out / "big.bin", size, sha256,
                                         connections, *ca], files)

        ours = fetching(bench, "bake-fetch", lambda out: bench.fetch(lock, out), files,
                        {"SSL_CERT_FILE": nginx.ca} if secure else None)
        theirs = fetching(bench, "aria2 -x16 -s16", lambda out: aria2_file(out, url, sha256, 16, *trust), files)
        floors = [floor(1), floor(8)]
        bench.contest([ours, theirs, *floors])
    outcome = Outcome([ours, theirs, *floors],
                      f"{size // MIB} MiB over loopback {'HTTPS' if secure else 'HTTP'}, fetched and verified")
    outcome.ratio("time / aria2", ours, [theirs], 0.55)
    outcome.ratio("time / floor", ours, floors, 1.10)
    outcome.ratio("CPU / floor", ours, floors, 1.15, "cpu")
    outcome.rss(ours)
    return outcome


def case_http(bench):
    return whole_file(bench, False)


def case_https(bench):
    return whole_file(bench, True)


def limited(bench, url, size, sha256, kind):
    """bake-fetch and aria2 with as many connections as the bar speaks of."""
    files = [("half.bin", size, sha256)]
    lock = write_lock(bench.scratch / f"{kind}.lock.json", url, files)
    return (fetching(bench, f"bake-fetch{kind}",
                     lambda out: bench.fetch(lock, out, *bench.connections(LINES)), files),
            fetching(bench, f"aria2{kind} -x16 -s16",
                     lambda out: aria2_file(out, url + "half.bin", sha256, LINES), files))


def case_rate(bench):
    """Connections that are limited, each by itself: only many of them fill the line."""
    served = bench.fresh("served")
    size = 512 * MIB // bench.scale
    sha256 = make_file(served / "half.bin", size)
    files = [("half.bin", size, sha256)]
    with servers.paced(bench.programs, served, LINE_RATE) as url:
        ours, theirs = limited(bench, url, size, sha256, "")
        floor = fetching(bench, f"floor-{LINES}",
                         lambda out: [bench.programs / "floor", url + "half.bin", out / "half.bin", size, sha256,
                                      LINES], files)
        bench.contest([ours, theirs, floor])
    ideal = size / (LINES * LINE_RATE)
    outcome = Outcome([ours, theirs, floor], f"{size // MIB} MiB, each connection limited to 20 MB/s")
    outcome.notes.append(f"ideal is {ideal:.3f} s: {LINES} connections at their full rate from first to last")
    outcome.bar("time / ideal", ours.best() / ideal, 1.06, ours.median() / ideal)
    outcome.rss(ours)
    return outcome


def case_stragglers(bench):
    """The same line, but one connection in four is twenty times slower than its siblings."""
    if not bench.has("--connections"):
        return Outcome([], "skipped: a bake-fetch of one connection has no stragglers")
    served = bench.fresh("served")
    size = 512 * MIB // bench.scale
    sha256 = make_file(served / "half.bin", size)
    with servers.paced(bench.programs, served, LINE_RATE) as even, \
            servers.paced(bench.programs, served, LINE_RATE, SLOW_RATE, 4) as uneven:
        ours, theirs = limited(bench, even, size, sha256, "")
        slowed, theirs_slowed = limited(bench, uneven, size, sha256, "-stragglers")
        bench.contest([ours, slowed, theirs, theirs_slowed])
    outcome = Outcome([ours, slowed, theirs, theirs_slowed],
                      f"{size // MIB} MiB at 20 MB/s, one connection in four at 1 MB/s")
    outcome.ratio("time / own without", slowed, [ours], 1.25)
    outcome.rss(ours, slowed)
    return outcome


def make_small_files(served, count, size):
    numbers = random.Random(3)
    files = []
    for number in range(count):
        name = f"{number:04d}.bin"
        content = numbers.randbytes(size)
        (served / name).write_bytes(content)
        files.append((name, size, hashlib.sha256(content).hexdigest()))
    return files


def case_small(bench):
    """Many small files from a server that takes its time to answer: round trips are all there is."""
    served = bench.fresh("served")
    count = 2000 // bench.scale
    files = make_small_files(served, count, 16 * 1024)
    with servers.nginx(served, bench.scratch / "nginx", DELAY) as nginx:
        lock = write_lock(bench.scratch / "bench.lock.json", nginx.late, files)
        listed = bench.scratch / "aria2.list"
        listed.write_text("".join(f"{nginx.late}{name}\n out={name}\n checksum=sha-256={sha256}\n"
                                  for name, _, sha256 in files))
        ours = fetching(bench, "bake-fetch -j16",
                        lambda out: bench.fetch(lock, out, "-j", LINES, *bench.connections(1)), files)
        theirs = fetching(bench, "aria2 -j16 -x1", lambda out: aria2(out, f"-j{LINES}", "-x1", "-s1", "-i", listed),
                          files)
        bench.contest([ours, theirs])
    outcome = Outcome([ours, theirs], f"{count} files of 16 KiB, 30 ms before each answer, {LINES} connections")
    outcome.notes.append(f"{count / LINES * DELAY:.3f} s are spent waiting for answers at the least")
    outcome.ratio("time / aria2", ours, [theirs], 1.0)
    outcome.rss(ours)
    return outcome


def make_baked(models, total):
    """Sparse files of sizes of their own, so that each has its own digest."""
    files = []
    for number in range(34):
        name = f"{number:02d}.bin"
        size = total // 34 // 4096 * 4096 + number * 4096
        with open(models / name, "wb") as out:
            out.truncate(size)
        files.append((name, size, sha256_of(models / name)))
    return files


def case_baked(bench):
    """Everything is there and right already."""
    models = bench.fresh("baked")
    files = make_baked(models, bench.baked_bytes)
    lock = write_lock(bench.scratch / "bench.lock.json", "http://127.0.0.1:9/", files)
    ours = Contestant("bake-fetch", bench.fetch(lock, models))
    hashes = Contestant("openssl dgst", ["openssl", "dgst", "-sha256", *(models / name for name, _, _ in files)])
    contestants = [ours, hashes]
    quick = Contestant("bake-fetch --quick", bench.fetch(lock, models, "--quick"))
    if bench.has("--quick"):
        contestants.append(quick)
    bench.contest(contestants)
    outcome = Outcome(contestants, f"34 files, {bench.baked_bytes / 1e9:g} GB, already there: nothing to do")
    if bench.baked_bytes < 16_000_000_000:
        outcome.notes.append("the bar speaks of 16 GB: --full takes that many; the ratio is of equal bytes")
    outcome.ratio("time / one thread hashing", ours, [hashes], HASH_BOUND_BAR)
    if quick.runs:
        outcome.bar("time with --quick", quick.best(), 0.050, quick.median(), " s")
    else:
        outcome.notes.append("skipped: bake-fetch has no --quick yet")
    outcome.rss(*[one for one in contestants if one is not hashes])
    return outcome


def many_models(count):
    """An index of that many models, each described as a large language model is."""
    layers = 64
    facts = {"model_type": "qwen3", "architecture": "Qwen3ForCausalLM", "num_layers": layers,
             "num_attention_heads": 64, "num_kv_heads": 8, "hidden_size": 5120, "head_dim": 128,
             "intermediate_size": 25600, "context_length": 40960, "max_position_embeddings": 40960,
             "rope_theta": 1000000, "rope_scaling": {"type": "yarn", "factor": 4}, "vocab_size": 151936,
             "params_billion": 32.762, "weight_precision": "q4_k", "kv_precision": "bf16", "causal": True,
             "tie_word_embeddings": False, "sliding_window": 4096,
             "sliding_window_per_layer": [4096 if n % 6 else 0 for n in range(layers)],
             "kv_heads_per_layer": [8 if n % 2 else 4 for n in range(layers)]}
    architecture = {**facts, "quantization": {"method": "gguf", "label": "Q4_K_M", "bits": 4, "group_size": 32},
                    "field_sources": {name: f"gguf:model.gguf:qwen3.{name}" for name in facts},
                    "sources": ["gguf:model.gguf"], "warnings": []}
    weights = {"bytes": 19_762_149_376, "parameters": 32_762_123_264, "tensors": 707,
               "types": {"q4_K": 15_000_000_000, "q6_K": 4_700_000_000, "f32": 5_242_880}, "layers": layers,
               "layer_bytes_max": 300_000_000, "embedding_bytes": 437_575_680, "has_output": True}
    runtime = {"context_length": 8192, "threads": 8, "min_ram_bytes": 21_738_364_313,
               "tiers": {name: {"fits": True, "context_length": 4096, "threads": "cores"}
                         for name in ("budget", "mid", "high")}}
    models = []
    for number in range(count):
        path = f"models/model-{number:04d}.gguf"
        models.append({
            "id": f"model-{number:04d}", "title": f"Model {number}", "role": "chat", "category": "chat",
            "format": "gguf", "quantization": "Q4_K_M", "required": True, "default": False, "status": "baked",
            "path": path, "bytes": 19_762_149_376,
            "files": [{"path": path, "size": 19_762_149_376, "sha256": f"{number + 1:064x}"}],
            "aggregate_sha256": "ab" * 32, "source": {"hub": "org/name", "revision": "main", "commit": "cd" * 20},
            "license": "apache-2.0", "architecture": architecture, "weights": weights,
            "memory": {"weights_bytes": 19_762_149_376, "kv_dtype": "f16", "kv_bytes_per_token": 262144},
            "runtime": runtime})
    return {"schema": "bake.index/1", "lock_sha256": "ef" * 32, "selected": {}, "models": models}


def case_index(bench):
    """A server reads its index when it starts."""
    path = bench.fresh("index") / "model-info.json"
    text = json.dumps(many_models(200), indent=2)
    # Lists of numbers stand on one line, as bake-index writes them.
    path.write_text(re.sub(r"\[[\d,\s]+\]", lambda found: re.sub(r"\s+", " ", found[0]), text))
    command = [bench.programs / "readindex", path, str(40 * bench.rounds)]
    best, median = map(float, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    outcome = Outcome([], f"reading an index of 200 models with their architectures, {path.stat().st_size / 1e6:.1f} MB")
    outcome.bar("time", best, 5.0, median, " ms")
    return outcome


QUANT_REFERENCE_BAR = 1 / 3  # of the time of the plain reference
QUANT_COPY_BAR = 1 / 0.8     # of the time of memcpy, for float16 and bfloat16
DEQUANT_BAR = 1 / 0.9        # of the time of memcpy


def case_quant(bench):
    """float32 in memory to every type and back, in one thread."""
    size = 256 // bench.scale
    lines = subprocess.run([bench.programs / "quant", str(size), str(3 * bench.rounds)],
                           check=True, capture_output=True, text=True).stdout.splitlines()
    outcome = Outcome([], f"{size} MiB of float32 to each type and back, with {lines[0].lstrip('# ')}")
    for name, *times in map(str.split, lines[1:]):
        encode, reference, decode, copy = map(float, times)
        speeds = [f"{label} {size * MIB / time / 1e6:.1f}" for label, time in
                  (("to it", encode), ("reference", reference), ("from it", decode), ("memcpy", copy)) if time]
        outcome.notes.append(f"{name}: {', '.join(speeds)} GB/s of float32")
        if reference:
            outcome.bar(f"to {name}, of the reference's time", encode / reference, QUANT_REFERENCE_BAR)
        elif name in ("f16", "bf16"):
            outcome.bar(f"to {name}, of memcpy's time", encode / copy, QUANT_COPY_BAR)
        outcome.bar(f"from {name}, of memcpy's time", decode / copy, DEQUANT_BAR)
    return outcome


def openssl_speed():
    """Bytes a second that one core hashes, as `openssl speed` has it: without reading anything."""
    out = subprocess.run(["openssl", "speed", "-mr", "-evp", "sha256", "-seconds", "1", "-bytes", "16384"],
                         check=True, capture_output=True, text=True).stdout
    return float(next(line for line in out.splitlines() if line.startswith("+F:")).split(":")[-1])


def make_files(models, count, size):
    return [(name, size, make_file(models / name, size)) for name in (f"{number}.bin" for number in range(count))]


class Verified:
    """A directory of files, and bake-verify upon it."""

    def __init__(self, bench, count, size):
        self.models = bench.fresh("verified")
        self.bytes = count * size
        files = make_files(self.models, count, size)
        lock = write_lock(bench.scratch / "bench.lock.json", "http://127.0.0.1:9/", files)
        self.command = [bench.tool.with_name("bake-verify"), "-l", lock, "-d", self.models, "--progress", "none"]


def sharded(bench):
    """bake-verify upon a model of 39 shards with 60 tensors each, and their index."""
    models = bench.fresh("verified")
    where, total = {}, 0
    for number in range(39):
        name = f"model-{number + 1:05d}-of-00039.safetensors"
        header = {f"model.layers.{number}.{tensor}.weight": {"dtype": "BF16", "shape": [64, 64],
                                                             "data_offsets": [tensor * 8192, tensor * 8192 + 8192]}
                  for tensor in range(60)}
        text = json.dumps(header).encode()
        (models / name).write_bytes(len(text).to_bytes(8, "little") + text + bytes(60 * 8192))
        where.update(dict.fromkeys(header, name))
        total += 60 * 8192
    (models / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": total}, "weight_map": where}))
    files = [(path.name, path.stat().st_size, sha256_of(path)) for path in sorted(models.iterdir())]
    lock = write_lock(bench.scratch / "bench.lock.json", "http://127.0.0.1:9/", files)
    return [bench.tool.with_name("bake-verify"), "-l", lock, "-d", models, "--progress", "none"]


def case_verify(bench):
    """What is there is hashed as fast as the processor hashes, although it is read, too."""
    speeds = [openssl_speed()]
    cores = len(os.sched_getaffinity(0))
    one = Verified(bench, 1, 4 * GIB // bench.scale)
    single = Contestant("bake-verify, 1 file", one.command)
    bench.contest([single])
    speeds.append(openssl_speed())
    eight = Verified(bench, 8, 512 * MIB // bench.scale)
    many = Contestant("bake-verify, 8 files", eight.command)
    coreutils = Contestant("sha256sum, 1 of them", ["sha256sum", eight.models / "0.bin"])
    bench.contest([many, coreutils])
    speeds.append(openssl_speed())
    quick = Contestant("bake-verify --quick, 40 files", [*sharded(bench), "--quick"])
    bench.contest([quick])
    outcome = Outcome([single, many, coreutils, quick],
                      f"{one.bytes // MIB} MiB in one file and in eight, all in memory")
    speed = max(speeds)
    outcome.notes.append(f"openssl speed says {speed / 1e6:.0f} MB/s (lowest {min(speeds) / 1e6:.0f}); "
                         f"{cores} cores")
    outcome.bar("1 file: time / openssl speed on one core", single.best() * speed / one.bytes, 1 / 0.95,
                single.median() * speed / one.bytes)
    outcome.bar("8 files: time / openssl speed on all cores", many.best() * speed * cores / eight.bytes, 1 / 0.95,
                many.median() * speed * cores / eight.bytes)
    outcome.bar("1 file: time / sha256sum", single.best() / one.bytes / (coreutils.best() / (eight.bytes / 8)), 1 / 3)
    outcome.bar("time with --quick", quick.best(), 0.020, quick.median(), " s")
    outcome.rss(single, many, quick)
    return outcome


def make_model(path, size):
    """A model of 16 large matrices of BF16, as Wan's are named: numbers around 0 that no hash knows."""
    shapes = {"blocks.0.self_attn.norm_q.weight": [4096], "text_embedding.2.weight": [64, 64], "head.modulation": [64, 64]}
    shapes.update({f"blocks.{number}.ffn.0.weight": [size // 16 // 8192, 4096] for number in range(16)})
    header, at = {}, 0
    for name, shape in shapes.items():
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + 2 * math.prod(shape)]}
        at += 2 * math.prod(shape)
    source = random.Random(1)
    piece = b"".join(struct.pack("<f", source.gauss(0, 0.02))[2:] for _ in range(1 << 20))
    text = json.dumps(header).encode()
    with open(path, "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        for begin in range(0, at, len(piece)):
            out.write(piece[:at - begin])


def case_convert(bench):
    """BF16 to GGUF against copying what is read and what is written: it also hashes both."""
    place = bench.fresh("converted")
    source, tool = place / "model.safetensors", bench.tool.with_name("bake-convert")
    make_model(source, GIB // bench.scale)
    outputs = {kind: place / f"{kind}.gguf" for kind in ("Q4_0", "Q8_0")}
    ours = {kind: Contestant(f"bake-convert, {kind}", [tool, source, "-o", out, "-q", kind, "--force", "--progress", "none"])
            for kind, out in outputs.items()}
    copy = place / "copy"
    read = Contestant("cp of the model", ["cp", source, copy], prepare=lambda: copy.unlink(missing_ok=True))
    bench.contest([*ours.values(), read])
    written = {kind: Contestant(f"cp of the {kind}", ["cp", out, copy], prepare=lambda: copy.unlink(missing_ok=True))
               for kind, out in outputs.items()}
    bench.contest(list(written.values()))
    outcome = Outcome([*ours.values(), read, *written.values()],
                      f"{source.stat().st_size // MIB} MiB of BF16 in memory, {len(os.sched_getaffinity(0))} cores")
    for kind, contestant in ours.items():
        outcome.bar(f"{kind}: time / cp of what is read and of what is written", contestant.best() /
                    (read.best() + written[kind].best()), 1.5, contestant.median() / (read.median() + written[kind].median()))
    outcome.bar("peak RSS", max(one.peak() for one in ours.values()), 64, unit=" MiB")
    shutil.rmtree(place)
    return outcome


SERVE_RATE = 60_000  # requests a second, or else this share of nginx's in the same run
SERVE_SHARE = 0.9


def rates(bench, port, other):
    """Requests a second of both, in turn."""
    ours, theirs = [], []
    for _ in range(bench.rounds):
        ours.append(serving.wrk(port, "/model-info", 4)[0])
        theirs.append(serving.wrk(other, "/model-info", 4)[0])
    return ours, theirs


def serve_rate(bench, outcome, server):
    with serving.nginx(bench.fresh("serve-run") / "nginx", "model-info", serving.ask(server.port, "/model-info")) as port:
        ours, theirs = rates(bench, server.port, port)
    outcome.notes.append(f"requests/s: bake-serve {max(ours):.0f} (median {sorted(ours)[len(ours) // 2]:.0f}), "
                         f"nginx {max(theirs):.0f} (median {sorted(theirs)[len(theirs) // 2]:.0f})")
    if max(ours) >= SERVE_RATE:
        outcome.bar("60,000 requests/s / ours", SERVE_RATE / max(ours), 1.0)
    else:
        outcome.bar("nginx's requests/s / ours", max(theirs) / max(ours), 1 / SERVE_SHARE,
                    sorted(theirs)[len(theirs) // 2] / sorted(ours)[len(ours) // 2])


def serve_crowd(bench, outcome, server):
    alone, beside = [], []
    for _ in range(bench.rounds):
        alone.append(serving.wrk(server.port, "/model-info", 4)[1])
        with serving.crowd(server.port, 1000, 100):
            beside.append(serving.wrk(server.port, "/model-info", 4)[1])
    outcome.notes.append(f"p99: {min(alone):.2f} ms alone, {min(beside):.2f} ms beside the crowd")
    outcome.bar("p99 beside 1,000 idle and 100 slow connections / alone", min(beside) / min(alone), 3.0,
                sorted(beside)[len(beside) // 2] / sorted(alone)[len(alone) // 2])


def serve_million(bench, outcome, server):
    before = serving.settled(server)
    goal = server.requests() + 1_000_000 // bench.scale
    while server.requests() < goal:
        serving.wrk(server.port, "/model-info", 5, 64, "-H", "If-None-Match: *")
    outcome.bar(f"descriptors after {1_000_000 // bench.scale} requests / before", serving.settled(server) / before, 1.0)


def case_serve(bench):
    """bake-serve with 50 models, and its start with 200."""
    tool = bench.tool.with_name("bake-serve")
    models = bench.fresh("serve")
    serving.place(models, many_models(50))
    with serving.bake_serve(tool, models) as server:
        size = len(serving.ask(server.port, "/model-info"))
        outcome = Outcome([], f"GET /model-info of 50 models, {size / 1000:.0f} kB, two threads beside wrk's one")
        serve_rate(bench, outcome, server)
        serve_crowd(bench, outcome, server)
        serve_million(bench, outcome, server)
        outcome.bar("peak memory", server.peak_mib(), 24, None, " MiB")
    many = bench.fresh("serve-many")
    serving.place(many, many_models(200))
    starts = sorted(serving.start_ms(tool, many) for _ in range(10 * bench.rounds))
    outcome.bar("start with 200 models", starts[0], 20, starts[len(starts) // 2], " ms")
    return outcome


def big_catalog(directory, count, documents):
    """Manifests of that many models together, as varied as those of a hub."""
    generator = random.Random(7)
    series = "llama qwen mistral gemma phi falcon yi granite olmo smol deepseek sdxl flux chroma".split()
    kinds = "chat instruct coder vl base embed turbo".split()
    labels = "Q4_K_M Q8_0 F16 Q5_K_S Q6_K IQ4_XS".split()
    categories = ("chat vision-language embedding checkpoints vae text_encoders loras controlnet "
                  "upscalers").split()
    for document in range(documents):
        models = {}
        for number in range(document * count // documents, (document + 1) * count // documents):
            one, kind, label = map(generator.choice, (series, kinds, labels))
            category = generator.choice(categories)
            version = f"{generator.randint(1, 9)}.{generator.randint(0, 9)}"
            name = f"{one}-{version}-{generator.randint(1, 70)}b-{kind}-{number:05d}"
            models[f"{name}-{label.lower().replace('_', '-')}"] = {
                "title": f"{one.title()} {version} {kind.title()} {number} ({label})",
                "description": f"A {kind} model of the {one} series, number {number}",
                "role": "chat", "category": category, "priority": generator.randint(1, 9),
                "tags": [one, kind], "aliases": [f"alias_{number}"], "min_ram": "8GB", "required": False,
                "source": {"hub": f"org{generator.randint(1, 99)}/{name}", "revision": "main"},
                "files": [{"name": f"{name}.{label}.gguf", "size": generator.randint(10**8, 10**11),
                           "sha256": f"{generator.getrandbits(256):064x}"}],
                "path": f"{category}/{one}"}
        (directory / f"part{document}.json").write_text(json.dumps(
            {"schema": "bake.manifest/1", "name": f"part{document}", "models": models}))


def catalog_parts(bench, directory):
    """A menu with 10,000 models: it lists them, and searches them with every key."""
    queries = ["qwen", "qwen 3.2 coder", "lama instruct q4_k_m", "mistrla turbo", "xyzzy nothing"]
    command = [bench.programs / "readcatalog", directory, str(4 * bench.rounds), *queries]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [tuple(map(float, line.split())) for line in lines]


PARSE = "import json, pathlib, sys\nfor path in pathlib.Path(sys.argv[1]).iterdir(): json.loads(path.read_bytes())"


def case_catalog(bench):
    """bake-catalog from its start to its end; beside it what anything in Python must do before it
    answers. Then the parts of it."""
    directory = bench.fresh("catalog")
    big_catalog(directory, 10_000, 4)
    size = sum(path.stat().st_size for path in directory.iterdir())
    python = Contestant("python3, json.loads alone", ["/usr/bin/python3", "-S", "-c", PARSE, directory])

    def catalog(*words):
        return Contestant(f"bake-catalog {' '.join(words)}",
                          [bench.tool.with_name("bake-catalog"), *words, "-m", directory, "-d", directory / "none"])

    ours = [catalog("list"), catalog("list", "--json"), catalog("search", "qwen"), catalog("search", "lama instrct")]
    for _ in range(4):
        bench.contest([*ours, python])
    outcome = Outcome([*ours, python], f"a catalog of 10,000 models in manifests of {size / 1e6:.1f} MB")
    for one in ours:
        outcome.bar(one.name, 1000 * one.best(), 50, 1000 * one.median(), " ms")
    for one in ours:
        outcome.ratio(f"{one.name} / python3", one, [python], 1 / 3)
    (opened, opened_typical), (prepared, prepared_typical), (found, found_typical) = catalog_parts(bench, directory)
    outcome.bar("a menu's slowest query, processor time", found, 50, found_typical, " ms")
    outcome.notes.append(f"processor time before that: {opened:.0f} ms to read the manifests ({opened_typical:.0f} "
                         f"typically), {prepared:.0f} ms to prepare searches ({prepared_typical:.0f})")
    return outcome


CASES = {"http": case_http, "https": case_https, "rate": case_rate, "stragglers": case_stragglers,
         "small": case_small, "baked": case_baked, "verify": case_verify, "index": case_index,
         "serve": case_serve, "quant": case_quant, "catalog": case_catalog,
         "convert": case_convert}


# ---- what is said

def show(name, outcome):
    print(f"\n{name}: {outcome.title}")
    if outcome.contestants:
        print(f"  {'':<28} {'best s':>9} {'median s':>9} {'CPU s':>8} {'RSS MiB':>8}")
    for one in outcome.contestants:
        print(f"  {one.name:<28} {one.best():>9.3f} {one.median():>9.3f} {one.best('cpu'):>8.2f} "
              f"{one.peak():>8.1f}")
    for bar in outcome.bars:
        typical = f" (median {bar['median']:.3f})" if bar["median"] is not None else ""
        print(f"  {'pass' if bar['pass'] else 'MISS'}  {bar['what']}: {bar['value']:.3f}{bar['unit']}{typical}, "
              f"bar {bar['bar']:g}{bar['unit']}")
    for text in outcome.notes:
        print(f"  note: {text}")
    sys.stdout.flush()


def version_of(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]


def write_results(path, bench, outcomes):
    document = {
        "version": version_of(bench.tool, "--version"),
        "peers": {"aria2": version_of("aria2c", "--version")},
        "cpus": os.cpu_count(), "load_before": bench.load, "runs": bench.rounds, "scale": f"1/{bench.scale}",
        "cases": {name: {"title": outcome.title, "notes": outcome.notes, "bars": outcome.bars,
                         "contestants": {one.name: one.summary() for one in outcome.contestants}}
                  for name, outcome in outcomes.items()},
    }
    path.write_text(json.dumps(document, indent=2) + "\n")


def check_room(scratch, scale):
    """The largest case holds a file and one copy of it; both are memory."""
    need = 5 * GIB // scale
    free = shutil.disk_usage(scratch).free
    with open("/proc/meminfo", encoding="ascii") as info:
        available = next(int(line.split()[1]) * 1024 for line in info if line.startswith("MemAvailable:"))
    if min(free, available) < need:
        sys.exit(f"bench: {need // MIB} MiB are needed, {free // MIB} are free in {scratch} and "
                 f"{available // MIB} in memory (--small needs an eighth)")


def parse_arguments():
    parser = argparse.ArgumentParser(prog="ci/bench", description="Measures bake-fetch and bake-verify against their bars.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"one of: {' '.join(CASES)}; all by default")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="take the best of N runs (5)")
    parser.add_argument("--small", action="store_true", help="an eighth of the bytes, to try the harness")
    parser.add_argument("--full", action="store_true", help="16 GB instead of 4 in the case 'baked'")
    parser.add_argument("--strict", action="store_true", help="fail when a bar is missed")
    parser.add_argument("--parse-only", action="store_true", help=argparse.SUPPRESS)
    for name in ("tools", "programs", "scratch", "results"):
        parser.add_argument(f"--{name}", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = [name for name in options.cases if name not in CASES]
    if unknown or options.runs < 1:
        parser.error(f"no case '{unknown[0]}'" if unknown else "--runs must be at least 1")
    return options


def main():
    options = parse_arguments()
    if options.parse_only:
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    check_room(options.scratch, 8 if options.small else 1)
    bench = Bench(options)
    outcomes = {}
    failed = False
    for name in options.cases or CASES:
        try:
            outcomes[name] = CASES[name](bench)
        except contest.Failed as error:
            print(f"\n{name}: FAILED\n{error}", flush=True)
            failed = True
            continue
        finally:
            for path in options.scratch.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        show(name, outcomes[name])
        write_results(options.results, bench, outcomes)
    bars = [bar for outcome in outcomes.values() for bar in outcome.bars]
    missed = sum(not bar["pass"] for bar in bars)
    if bench.load > 0.3 * os.cpu_count():
        print(f"\nnote: the load was {bench.load:.1f} before the first run: others were at work, and times and "
              "CPU seconds vary with what they did")
    print(f"\n{len(bars)} bars, {missed} missed. All figures: {options.results}")
    sys.exit(1 if failed or (options.strict and missed) else 0)


if __name__ == "__main__":
    main()
