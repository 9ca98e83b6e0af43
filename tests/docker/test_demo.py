# SPDX-License-Identifier: Apache-2.0
"""ci/bake-demo, the first command of the README: into an image, and without an engine."""
import json
import os
import shutil
import subprocess
import uuid

from conftest import ROOT

MODELS = ["demo-chat", "demo-image-edit", "demo-nunchaku-r32-4steps"]


def bake_demo(*args, env):
    return subprocess.run([ROOT / "ci/bake-demo", *args], env=env, cwd="/", capture_output=True,
                          text=True, timeout=900)


def shows_the_demo(out):
    """Each step said what it did, in this order."""
    verified, listed, index = (out.index(f"== {step}") for step in (
        "verify_models", "verify_models --list", "the index"))
    return (verified < listed < index and "files verified" in out[verified:listed]
            and "model-info.json (" in out[listed:index]
            and all(f"baked     {model} " in out[index:] for model in MODELS))


def test_into_an_image(engine):
    tag = f"modelbake-test:{uuid.uuid4().hex[:12]}"
    engine.tags.append(tag)
    done = bake_demo(env={**engine.env, "BAKE_DEMO_IMAGE": tag, "BAKE_BASE": engine.base})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "baking manifests/demo.json into the image" in done.stdout
    assert shows_the_demo(done.stdout.replace(" in a container", "")), done.stdout
    index = json.loads(engine.in_container(tag, "bake-index", "show", "--json").stdout)
    assert index["totals"]["baked"] == len(MODELS) and index["totals"]["missing"] == 0


def test_into_a_directory_when_no_engine_answers(tmp_path):
    shutil.rmtree(ROOT / "build/demo", ignore_errors=True)
    done = bake_demo(env={**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no Docker engine answers: baking into a directory" in done.stdout
    assert shows_the_demo(done.stdout), done.stdout
    models = ROOT / "build/demo/models"
    assert json.loads((models / "model-info.json").read_text())["totals"]["missing"] == 0
    tools = ROOT / "build/release-static/tools"
    assert subprocess.run([tools / "verify_models", "-d", models]).returncode == 0


def test_an_image_needs_an_engine(tmp_path):
    done = bake_demo("--image", env={**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none"})
    assert done.returncode == 1 and "no Docker engine answers" in done.stderr


def test_unknown_arguments_are_refused():
    done = bake_demo("--imgae", env=dict(os.environ))
    assert done.returncode == 1 and "usage: ci/bake-demo" in done.stderr
