# SPDX-License-Identifier: Apache-2.0
"""A Docker engine to build with: the one that answers, else a private one that is stopped again."""
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import time
import uuid

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))

import hubserver  # noqa: E402


def client():
    """A client that can build with BuildKit: before Docker 23 it is inside, later a plugin."""
    for name in ("docker", "/usr/bin/docker"):
        path = shutil.which(name)
        if not path:
            continue
        version = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
        words = version.split()
        major = int(words[2].split(".")[0]) if len(words) > 2 else 0
        plugin = subprocess.run([path, "buildx", "version"], capture_output=True).returncode == 0
        if major and (major < 23 or plugin):
            return path
    return None


class Engine:
    def __init__(self, docker, host=None):
        self.docker = docker
        self.env = {**os.environ, "DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}
        if host:
            self.env["DOCKER_HOST"] = host
        self.base = "modelbake-base:bookworm"
        self.tags = []

    def run(self, *args, check=True, timeout=900, **options):
        done = subprocess.run([self.docker, *map(str, args)], env=self.env, capture_output=True,
                              text=True, timeout=timeout, errors="replace", **options)
        assert not check or done.returncode == 0, f"docker {args}\n{done.stdout}\n{done.stderr}"
        return done

    def answers(self):
        return self.run("info", check=False, timeout=30).returncode == 0

    def build(self, context=ROOT, check=True, secret=None, no_cache=False, target=None, base=None,
              **arguments):
        """Builds; .tag is the image, .log what was said."""
        tag = f"modelbake-test:{uuid.uuid4().hex[:12]}"
        arguments = {"BUILD_IMAGE": self.base, "BASE_IMAGE": base or self.base, **arguments}
        args = ["build", "--network", "host", "--progress", "plain", "-t", tag]
        for name, value in arguments.items():
            args += ["--build-arg", f"{name}={value}"]
        if secret:
            args += ["--secret", f"id=hf_token,src={secret}"]
        if no_cache:
            args.append("--no-cache")
        if target:
            args += ["--target", target]
        done = self.run(*args, context, check=check)
        if done.returncode == 0:
            self.tags.append(tag)
        done.tag, done.log = tag, done.stdout + done.stderr
        return done

    def in_container(self, tag, *command, check=True, options=()):
        return self.run("run", "--rm", "--network", "none", *options, tag, *command, check=check)

    def image(self, tag):
        return Image(self.run_bytes("save", tag))

    def run_bytes(self, *args):
        return subprocess.run([self.docker, *args], env=self.env, capture_output=True,
                              check=True).stdout

    def clean(self):
        if self.tags:
            self.run("rmi", "-f", *self.tags, check=False)


class Image:
    """A saved image: its configuration and its layers, as files."""

    def __init__(self, data):
        self.archive = tarfile.open(fileobj=io.BytesIO(data))
        entry = json.loads(self.read("manifest.json"))[0]
        self.config_text = self.read(entry["Config"])
        self.config = json.loads(self.config_text)
        self.layers = [self.read(name) for name in entry["Layers"]]
        self.diff_ids = self.config["rootfs"]["diff_ids"]
        assert [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in self.layers] == \
            self.diff_ids

    def read(self, name):
        return self.archive.extractfile(name).read()

    def entries(self, layer):
        return {entry.name.rstrip("/"): entry
                for entry in tarfile.open(fileobj=io.BytesIO(self.layers[layer])).getmembers()}

    def content(self, layer, name):
        return tarfile.open(fileobj=io.BytesIO(self.layers[layer])).extractfile(name).read()


def private_engine(docker, where):
    """dockerd in a directory of its own, as the manual of this repository says."""
    if os.geteuid() != 0:
        return None, "no engine answers, and only root can start a private one"
    if not shutil.which("dockerd"):
        return None, "no engine answers, and dockerd is not installed"
    log = open(where / "dockerd.log", "wb")
    process = subprocess.Popen(
        ["dockerd", "--data-root", where / "data", "--exec-root", where / "exec", "-H",
         f"unix://{where}/docker.sock", "--pidfile", where / "dockerd.pid", "--bridge", "none",
         "--iptables=false"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    engine = Engine(docker, f"unix://{where}/docker.sock")
    for _ in range(60):
        if process.poll() is not None:
            break
        if engine.answers():
            return (engine, process), None
        time.sleep(1)
    process.terminate()
    process.wait()
    tail = (where / "dockerd.log").read_text(errors="replace")[-500:]
    return None, f"a private engine did not start: {tail}"


def stop_engine(process, engine):
    process.terminate()
    process.wait(timeout=60)
    # The engine leaves its network namespace mounted, and its directory could not be removed.
    where = pathlib.Path(engine.env["DOCKER_HOST"].removeprefix("unix://")).parent
    subprocess.run(["umount", "--quiet", where / "exec/netns/default"], check=False)


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    docker = client()
    if not docker:
        pytest.skip("docker: no client that can build with BuildKit")
    engine, process = Engine(docker), None
    if not engine.answers():
        found, why = private_engine(docker, tmp_path_factory.mktemp("docker"))
        if not found:
            pytest.skip("docker: " + why)
        engine, process = found
    try:
        provide_base(engine)
        yield engine
        engine.clean()
    finally:
        if process:
            stop_engine(process, engine)


def provide_base(engine):
    """A Debian base image made here: no registry is needed."""
    archive = ROOT / "build/base.tar"
    if not archive.exists():
        archive.parent.mkdir(exist_ok=True)
        subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "bookworm", archive],
                       check=True, capture_output=True)
    if engine.run("image", "inspect", engine.base, check=False).returncode:
        engine.run("import", archive, engine.base)


@pytest.fixture(scope="session")
def tools(engine):
    """The tools' image, built from source once; other builds take it from here."""
    return engine.build(target="tools").tag


@pytest.fixture(scope="session")
def other_base(engine, tmp_path_factory):
    """Another image to bake onto: it has /app already, closed and of another time."""
    where = tmp_path_factory.mktemp("base")
    (where / "Dockerfile").write_text(
        f"FROM {engine.base}\nRUN mkdir -p /app/models /usr/local/bin && chmod 700 /app"
        " && echo other > /etc/other && touch -d 2001-02-03 /app /app/models\n")
    tag = "modelbake-other-base:test"
    engine.run("build", "--network", "host", "-t", tag, where)
    engine.tags.append(tag)
    return tag


@pytest.fixture
def hub():
    hub = hubserver.Hub()
    yield hub
    hub.close()


@pytest.fixture
def context(tmp_path):
    """A build context like a clone, whose manifests a test may change."""
    where = tmp_path / "context"
    where.mkdir()
    for name in ("CMakeLists.txt", "Dockerfile", ".dockerignore"):
        shutil.copy(ROOT / name, where)
    for name in ("cmake", "docker", "include", "manifests", "page", "src", "tools"):
        shutil.copytree(ROOT / name, where / name, ignore=shutil.ignore_patterns("__pycache__"))
    return where
