# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any moment, again and again, then one run to the end: the right bytes, and hardly
anything came twice."""
import os
import random
import subprocess

from harness import Bed, data_of, environment, offers

KILLS = 200 if os.environ.get("BAKE_SLOW") else 20
CONNECTIONS = 8
AGAIN = 4 << 20  # so much may come again, for each connection and kill
SECONDS = 0.3    # an undisturbed fetch


def test_60_kill_at_random_moments(tmp_path, server):
    """The rate of each connection decides how long a fetch takes, not the machine."""
    size = 64 << 20  # so that what may come again is less than what came
    data = data_of(size, 41)
    connections = CONNECTIONS if offers("bake-fetch", "--connections") else 1
    server.listen(rate=int(size / connections / SECONDS))
    bed = Bed(tmp_path, server, CONNECTIONS)
    bed.lock({"w.bin": data, "small.json": b"{}"})
    bed.stands("m/w.bin", data_of(3000, 42))
    moments = random.Random(os.environ.get("BAKE_SEED", "a"))
    kills = runs = 0
    while kills < KILLS:
        process = subprocess.Popen(bed.command("--progress", "none"), env=environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        runs += 1
        try:
            process.wait(timeout=moments.uniform(0, SECONDS))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
        else:
            # It came to its end: from the beginning again.
            assert process.returncode == 0
            check_what_came_again(bed, runs)
            server.forget()
            runs = 0
            subprocess.run(["rm", "-rf", str(bed.models)], check=True)
            bed.stands("m/w.bin", data_of(3000, 42))
        bed.nothing_wrong_is_published()
    bed.succeeds(bed.fetch())
    check_what_came_again(bed, runs + 1)


def check_what_came_again(bed, runs):
    """What the server sent beyond the size of the file, since it last began from nothing."""
    sent = bed.server.log().sent("w.bin")
    again = sent - len(bed.wanted["m/w.bin"])
    assert again <= max(runs - 1, 0) * CONNECTIONS * AGAIN, f"{again} bytes again in {runs} runs"
