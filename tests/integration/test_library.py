# SPDX-License-Identifier: Apache-2.0
"""libbake as it is installed: who can link it, what it exports, and what it does with a real Hub."""
import concurrent.futures
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys

import pytest

import library
from conftest import ROOT, TOOLS, environment, hub_model, noise, ok
from library import FETCH, FULL, Failure, Runtime
from test_index import GROUP, NAMES, nunchaku

BUILD = TOOLS.parent
EXAMPLES = ROOT / "examples"
pytestmark = pytest.mark.skipif(not (BUILD / "libbake.so").exists(),
                                reason="the static tools come without libbake")


@pytest.fixture(scope="session")
def prefix(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("libbake")
    library.install(BUILD, prefix)
    return prefix


@pytest.fixture(scope="session")
def libdir(prefix):
    return next(prefix.rglob("libbake.so.0")).parent


def sanitizer():
    return library.cache_of(BUILD).get("BAKE_SANITIZE", "")


@pytest.fixture(scope="session")
def shared(libdir):
    """The library for a Python that has no sanitizer in it."""
    if sanitizer():
        pytest.skip("Python cannot load a library with a sanitizer")
    return libdir / "libbake.so.0"


@pytest.fixture
def open_runtime(shared, place):
    """Runtimes over the place's models, which are closed in the end."""
    opened = []

    def open_one(**options):
        opened.append(Runtime(shared, **{"models_dir": place.models, "fallback_dir": "",
                                         "lock_path": place.lock_path, **options}))
        return opened[-1]

    yield open_one
    for runtime in opened:
        runtime.close()


def build_flags():
    """What programs need besides, when the library was built with a sanitizer or for coverage."""
    cache = library.cache_of(BUILD)
    return cache["CMAKE_C_FLAGS"].split() + ([f"-fsanitize={sanitizer()}"] if sanitizer() else [])


def flags_of(libdir, *more):
    said = subprocess.run(["pkg-config", "--cflags", "--libs", *more, "bake"], check=True,
                          capture_output=True, text=True,
                          env={**os.environ, "PKG_CONFIG_PATH": libdir / "pkgconfig"}).stdout
    return said.split() + build_flags()


def compile(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr


STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def tensors(seed):
    """A small safetensors file."""
    header = b'{"w":{"dtype":"U8","shape":[5000],"data_offsets":[0,5000]}}'
    return struct.pack("<Q", len(header)) + header + noise(5000, seed)


@pytest.fixture(scope="session")
def server(libdir, tmp_path_factory):
    program = tmp_path_factory.mktemp("server") / "server"
    compile("cc", *STRICT, EXAMPLES / "server.c", "-o", program, *flags_of(libdir))
    return program


def serve(program, place, libdir, *args, **env):
    return subprocess.run([program, *args], capture_output=True, text=True, env=environment(
        MODEL_CACHE_DIR=place.models, LD_LIBRARY_PATH=libdir, **env))


def real_nunchaku(place, hub, baked):
    """The group of test_index, with files that have headers."""
    hub.add("nunchaku-tech/edit", {name: tensors(number) for number, name
                                   in enumerate(NAMES.values())})
    models = {name: hub_model("nunchaku-tech/edit", path="nunchaku", role="transformer",
                              group=GROUP, files=[{"name": file}], required=False)
              for name, file in NAMES.items()}
    place.locked(models, selection={GROUP: {"prefer": [{"steps": 8}], "max_steps": 50,
                                            "name": "Qwen Image Edit Nunchanku",
                                            "version": "lightningv1.0"}})
    ok(place.fetch(*baked))
    ok(place.index())


def one_model(place, hub, baked=True, data=None):
    """A model of one file, and another that is always there."""
    hub.add("org/one", {"one.bin": data or noise(300000)})
    hub.add("org/other", {"other.bin": noise(5000, 2)})
    place.locked({"one": hub_model("org/one", path="one"),
                  "other": hub_model("org/other", path="other")})
    ok(place.fetch(*([] if baked else ["other"])))
    ok(place.index())
    hub.log.clear()


def fallback(place, hub, **more):
    """Options of a runtime that may fetch."""
    return {"fallback_dir": place.path / "fallback", "fallback": FETCH,
            "fetch_program": TOOLS / "bake-fetch",
            "args": ["--endpoint", hub.origin, "--allow-http", "--retries", "0"], **more}


# ---- what is installed ----

def test_tools_and_pages_are_installed(prefix):
    tools = {path.stem.split(".")[0] for path in (ROOT / "docs/man").glob("bake*.1.md")}
    assert tools | {"verify_models"} == {path.name for path in (prefix / "bin").iterdir()}
    for tool in sorted(tools | {"verify_models"}):
        done = subprocess.run([prefix / "bin" / tool, "--version"], capture_output=True, text=True)
        assert done.returncode == 0 and done.stdout.strip(), done.stderr
    page = (ROOT / "page/index.html").read_bytes()
    assert page in (prefix / "bin/bake-serve").read_bytes()
    if shutil.which("lowdown"):
        made = {path.name for path in (prefix / "share/man").rglob("*.[0-9]")}
        assert made == {path.name[:-3] for path in (ROOT / "docs/man").glob("*.md")}


def test_only_public_functions_are_exported(libdir):
    lines = subprocess.run(["nm", "-D", "--defined-only", "--with-symbol-versions",
                            libdir / "libbake.so.0"], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    symbols = sorted(line.split()[-1] for line in lines if line.split()[1] != "A")
    listed = (pathlib.Path(__file__).parent / "libbake.symbols").read_text().splitlines()
    assert symbols == listed
    header = "".join(path.read_text() for path in (ROOT / "include/bake").glob("*.h"))
    assert all(name.split("@")[0] + "(" in header for name in listed)


def test_the_archive_has_the_same_functions_and_no_others(libdir):
    lines = subprocess.run(["nm", "-g", "--defined-only", libdir / "libbake.a"],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    symbols = sorted(line.split()[-1] for line in lines if len(line.split()) == 3)
    listed = (pathlib.Path(__file__).parent / "libbake.symbols").read_text().split()
    extra = set(symbols) - {name.split("@")[0] for name in listed}
    assert {name.split("@")[0] for name in listed} <= set(symbols)
    assert not {name for name in extra if "asan" not in name and "tsan" not in name}


def test_no_network_code_is_linked(libdir):
    needed = subprocess.run(["readelf", "-d", libdir / "libbake.so.0"], capture_output=True,
                            text=True, check=True).stdout
    assert "libcurl" not in needed and "libssl" not in needed
    wanted = subprocess.run(["nm", "-D", "--undefined-only", libdir / "libbake.so.0"],
                            capture_output=True, text=True, check=True).stdout
    for name in ("socket", "connect", "getaddrinfo", "curl_"):
        assert f" {name}" not in wanted


def test_the_headers_are_c_and_cxx(prefix, libdir, tmp_path):
    """C++ callers link C functions; a struct that is all zero but for its size is the usual."""
    source = tmp_path / "caller.cc"
    source.write_text("""#include <bake/runtime.h>
int main() {
    bake_error error = BAKE_ERROR_INIT;
    bake_runtime_options options{};
    bake_runtime *runtime = nullptr;
    options.size = sizeof options;
    options.models_dir = "/absent";
    return bake_exit_code(bake_runtime_open(&options, &runtime, &error));
}
""")
    program = tmp_path / "caller"
    compile("c++", "-std=c++11", *STRICT, source, "-o", program, *flags_of(libdir))
    env = environment(LD_LIBRARY_PATH=libdir)
    assert subprocess.run([program], env=env).returncode == 66


def test_cmake_finds_the_package(prefix, libdir, place, hub, tmp_path):
    real_nunchaku(place, hub, ["r128-8"])
    build = tmp_path / "build"
    for command in (["cmake", "-S", EXAMPLES, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}",
                     f"-DCMAKE_C_FLAGS={' '.join(build_flags())}"], ["cmake", "--build", build]):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    for program in ("server", "server-static"):
        result = serve(build / program, place, None)
        assert result.returncode == 0, result.stderr
        assert NAMES["r128-8"] in result.stdout
    needed = subprocess.run(["readelf", "-d", build / "server-static"], capture_output=True,
                            text=True).stdout
    assert "libbake" not in needed


def test_the_archive_by_pkg_config(libdir, place, hub, tmp_path):
    one_model(place, hub)
    alone = tmp_path / "lib"
    alone.mkdir()
    shutil.copy(libdir / "libbake.a", alone)
    program = tmp_path / "server"
    compile("cc", EXAMPLES / "server.c", "-o", program, f"-L{alone}",
            *flags_of(libdir, "--static"))
    assert serve(program, place, None, "none").returncode == 69


# ---- the examples ----

def test_the_server_starts(server, libdir, place, hub):
    real_nunchaku(place, hub, ["r128-8", "r128"])
    result = serve(server, place, libdir)
    assert result.returncode == 0, result.stderr
    assert result.stdout == (f"r128-8: {place.models}/nunchaku/{NAMES['r128-8']}, rank 128, "
                             "8 steps\n")
    assert result.stderr == ""
    assert len((EXAMPLES / "server.c").read_text().splitlines()) <= 40


def test_the_server_is_told_what_its_gpu_runs(server, libdir, place, hub):
    real_nunchaku(place, hub, ["r128-8", "fp4-r128-8"])
    assert serve(server, place, libdir, GROUP, "sm_120").stdout.startswith("fp4-r128-8: ")
    assert serve(server, place, libdir, GROUP, "8.9").stdout.startswith("r128-8: ")
    result = serve(server, place, libdir, GROUP, "sm_90")
    assert result.returncode == 69 and "hint: Nunchaku does not support sm_90" in result.stderr


def test_the_server_says_what_it_passed_over(server, libdir, place, hub):
    real_nunchaku(place, hub, ["r128-8", "r128"])
    (place.models / "nunchaku" / NAMES["r128-8"]).write_bytes(b"version https://git-lfs")
    result = serve(server, place, libdir)
    assert result.stdout.startswith("r128: ")
    assert result.stderr.startswith("server: warning: nunchaku/" + NAMES["r128-8"])
    (place.models / "nunchaku" / NAMES["r128"]).unlink()
    result = serve(server, place, libdir)
    assert result.returncode == 20 and "error[integrity.size]" in result.stderr


def test_python_with_ctypes(shared, place, hub):
    one_model(place, hub)
    env = environment(LIBBAKE=shared, MODEL_CACHE_DIR=place.models)

    def example(model):
        return subprocess.run([sys.executable, EXAMPLES / "python_ctypes.py", model], env=env,
                              capture_output=True, text=True)

    result = example("one")
    assert result.returncode == 0, result.stderr
    model = next(model for model in place.index_json["models"] if model["id"] == "one")
    assert result.stdout == (f"{place.models}/one/one.bin 300000\n"
                             f"{model['files'][0]['sha256']} one/one.bin\n")
    (place.models / "one/one.bin").write_bytes(noise(300000, 9))
    result = example("one")
    assert result.returncode == 20 and "error[integrity.sha256]" in result.stderr
    assert example("ona").returncode == 64


def test_python_with_the_json_alone(place, hub):
    """What a pydantic model of the user's API asks: ModelInfoResponse with str, str, list[int],
    list[int], int, int, int, str | None, dict."""
    nunchaku(place, hub, ["r128-8", "r128"])
    result = subprocess.run([sys.executable, EXAMPLES / "python_json.py"], capture_output=True,
                            text=True, env=environment(MODEL_CACHE_DIR=place.models))
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    fields = {"model_name": str, "model_version": str, "supported_ranks": list,
              "supported_steps": list, "default_rank": int, "default_steps": int, "max_steps": int, "gpu_memory_usage": (str, type(None)),
              "model_config": dict}
    assert list(answer) == list(fields)
    for name, kind in fields.items():
        assert isinstance(answer[name], kind) and not isinstance(answer[name], bool), name
    assert all(type(item) is int for item in answer["supported_ranks"] + answer["supported_steps"])
    assert (answer["supported_ranks"], answer["supported_steps"]) == ([128], [8])
    assert answer["model_name"] == "Qwen Image Edit Nunchanku"
    assert answer["model_config"]["default_rank"] == 128


def test_the_health_check(place, hub):
    one_model(place, hub)
    env = environment(MODEL_CACHE_DIR=place.models, PATH=f"{TOOLS}:{os.environ['PATH']}")

    def check():
        return subprocess.run([EXAMPLES / "healthcheck.sh"], env=env, capture_output=True)

    assert check().returncode == 0
    (place.models / "one/one.bin").write_bytes(b"short")
    assert check().returncode == 20


# ---- the policy, with a real bake-fetch ----

def test_the_runtime_says_what_the_index_says(open_runtime, place, hub):
    one_model(place, hub)
    runtime = open_runtime()
    assert runtime.info() == place.index_json
    assert runtime.resolve("one") == ("baked", place.models / "one/one.bin", noise(300000), None)


def test_what_is_missing_is_fetched_once_by_threads_and_processes(open_runtime, shared, place, hub):
    """Sixteen threads in each of four processes' company: the bytes come over the network once."""
    one_model(place, hub, baked=False)
    hub.fault("xet-bridge", times=1, delay=0.3)
    options = fallback(place, hub)
    runtime = open_runtime(**options)
    given = {key: value if isinstance(value, (int, list)) else str(value)
             for key, value in {**options, "models_dir": place.models,
                                "lock_path": place.lock_path}.items()}
    processes = [subprocess.Popen([sys.executable, library.__file__, shared, "one",
                                   json.dumps(given)], env=environment(),
                                  stdout=subprocess.PIPE) for _ in range(4)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: runtime.resolve("one"), range(16)))
    path = place.path / "fallback/one/one.bin"
    for origin, where, content, notice in answers:
        assert origin in ("fetched", "fallback") and where == path
        assert content == noise(300000) and "one" in notice.decode()
    for process in processes:
        answer = json.loads(process.communicate()[0])
        assert answer["path"] == str(path) and answer["origin"] in ("fetched", "fallback")
    assert len(hub.requests("resolve/.*one.bin")) == 1
    assert sum(request.sent for request in hub.requests("xet-bridge")) == 300000
    assert not (place.models / "one").exists()
    assert not (place.path / "fallback/.bake").exists()


def test_what_is_wrong_is_replaced_in_the_fallback_and_left_alone_in_the_image(open_runtime, place,
                                                                             hub):
    one_model(place, hub)
    (place.models / "one/one.bin").write_bytes(noise(300000, 7))
    (place.path / "fallback/one").mkdir(parents=True)
    (place.path / "fallback/one/one.bin").write_bytes(noise(300000, 8))
    origin, path, content, notice = open_runtime(**fallback(place, hub)).resolve("one", FULL)
    assert (origin, content) == ("fetched", noise(300000)) and b"sha256" in notice
    assert (place.models / "one/one.bin").read_bytes() == noise(300000, 7)


@pytest.mark.parametrize("name, more, env, status, error", [
    ("off", {"fallback": 1}, {}, -69, "index.not-local"),
    ("off-by-default", {"fallback": 0}, {}, -69, "index.not-local"),
    ("off-by-environment", {"fallback": 0}, {"BAKE_FALLBACK": "off"}, -69, "index.not-local"),
    ("offline", {"offline": 1}, {}, -69, "net.offline"),
    ("offline-by-environment", {}, {"HF_HUB_OFFLINE": "1"}, -69, "net.offline"),
])
def test_what_must_not_be_fetched_is_not(open_runtime, place, hub, monkeypatch, name, more, env,
                                         status, error):
    one_model(place, hub, baked=False)
    for variable, value in env.items():
        monkeypatch.setenv(variable, value)
    runtime = open_runtime(**fallback(place, hub, **more))
    with pytest.raises(Failure) as failure:
        runtime.resolve("one")
    assert (failure.value.status, failure.value.id) == (status, error)
    assert not hub.log and not (place.path / "fallback").exists()
    assert runtime.resolve("other")[0] == "baked"


def test_the_environment_allows_fetching(shared, place, hub, monkeypatch):
    """And says where to; the lock is where it is by default."""
    one_model(place, hub, baked=False)
    shutil.copy(place.lock_path, place.path / "models.lock.json")
    monkeypatch.setenv("BAKE_FALLBACK", "fetch")
    monkeypatch.setenv("BAKE_FALLBACK_DIR", str(place.path / "volume"))
    monkeypatch.setenv("MODEL_CACHE_DIR", str(place.models))
    monkeypatch.setenv("PATH", f"{TOOLS}:{os.environ['PATH']}")
    runtime = Runtime(shared, args=fallback(place, hub)["args"])
    assert runtime.resolve("one")[1] == place.path / "volume/one/one.bin"
    runtime.close()


def test_a_failed_fetch_is_told_and_not_repeated_at_once(open_runtime, place, hub):
    one_model(place, hub, baked=False)
    hub.fault("resolve", times=100, status=404)
    runtime = open_runtime(**fallback(place, hub))
    for _ in range(50):
        with pytest.raises(Failure) as failure:
            runtime.resolve("one")
        assert failure.value.id == "runtime.fetch" and failure.value.status == -69
        assert "error[net.not-found]" in failure.value.message or \
            "error[hub." in failure.value.message
    assert "tried again" in failure.value.hint
    assert len(hub.requests("resolve")) == 1
    assert runtime.resolve("other")[0] == "baked"


# ---- hidden by a mount ----

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a mount")


def resolve_under(shared, place, mounts, model="one", **options):
    """In a mount namespace of its own, after mounting."""
    given = json.dumps({"models_dir": str(place.models), "fallback_dir": "", **options})
    script = " && ".join([*mounts, 'exec "$@"'])
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", sys.executable,
                           library.__file__, shared, model, given], capture_output=True,
                          text=True, env=environment())
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_root
def test_an_index_hidden_by_a_volume_is_recognised(shared, place, hub):
    one_model(place, hub)
    answer = resolve_under(shared, place, [f"mount -t tmpfs none {place.models}"])
    assert (answer["status"], answer["id"]) == (-66, "fs.not-found")
    assert "is a mount point: does a volume hide what was baked there?" in answer["hint"]


@needs_root
@pytest.mark.parametrize("below", ["", "/one"])
@pytest.mark.parametrize("kind", ["-t tmpfs none", "--bind"])
def test_files_hidden_by_a_volume_are_recognised(shared, place, hub, kind, below):
    """A bind mount of the same file system, too, which has the same device."""
    one_model(place, hub)
    index = place.path / "elsewhere.json"
    shutil.copy(place.models / "model-info.json", index)
    (place.path / "empty").mkdir()
    source = f" {place.path}/empty" if kind == "--bind" else ""
    mounts = [f"mount {kind}{source} {place.models}{below}"]
    answer = resolve_under(shared, place, mounts, index_path=str(index))
    assert (answer["status"], answer["id"]) == (-69, "index.not-local")
    assert "is a mount point" in answer["hint"]
    if below:
        assert resolve_under(shared, place, mounts, "other")["origin"] == "baked"


def test_without_a_mount_none_is_blamed(open_runtime, place, hub):
    one_model(place, hub)
    (place.models / "one/one.bin").unlink()
    with pytest.raises(Failure) as failure:
        open_runtime().resolve("one")
    assert failure.value.id == "index.not-local" and "mount" not in failure.value.hint
