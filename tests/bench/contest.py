# SPDX-License-Identifier: Apache-2.0
"""Runs of several programs at the same job, in turn, so that what disturbs the machine disturbs all."""
import json
import os
import pathlib
import statistics
import subprocess

TIMEOUT = 600

FIELDS = ("seconds", "cpu", "rss_mib")


class Failed(Exception):
    pass


class Contestant:
    """A program and its job: prepare() before each run, and check() after it, are not measured."""

    def __init__(self, name, command, env=None, prepare=None, check=None):
        self.name = name
        self.command = [str(part) for part in command]
        self.env = {str(key): str(value) for key, value in (env or {}).items()}
        self.prepare = prepare or (lambda: None)
        self.check = check or (lambda: None)
        self.runs = []

    def best(self, field="seconds"):
        """The least: what the machine can do when nothing else is in the way."""
        return min(run[field] for run in self.runs)

    def median(self, field="seconds"):
        return statistics.median(run[field] for run in self.runs)

    def peak(self):
        return max(run["rss_mib"] for run in self.runs)

    def summary(self):
        return {"command": self.command, "runs": self.runs, "peak_rss_mib": self.peak(),
                "best": {field: self.best(field) for field in FIELDS},
                "median": {field: self.median(field) for field in FIELDS}}


def clean_environment():
    """Nobody's proxy, token, cache or trust decides a figure."""
    keep = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH")
    return {"LC_ALL": "C.UTF-8", "TERM": "dumb",
            **{name: os.environ[name] for name in keep if name in os.environ}}


def measure(programs, contestant, scratch):
    out = pathlib.Path(scratch) / "measured.json"
    log = pathlib.Path(scratch) / "measured.log"
    out.unlink(missing_ok=True)
    with open(log, "wb") as talk:
        process = subprocess.Popen([programs / "measure", out, *contestant.command], stdout=talk,
                                   stderr=talk, stdin=subprocess.DEVNULL,
                                   env={**clean_environment(), **contestant.env})
        try:
            process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            raise Failed(f"{contestant.name}: not done after {TIMEOUT} s") from None
        finally:
            process.kill()  # the program that is measured ends with it
            process.wait()
    got = json.loads(out.read_text()) if out.exists() else {"exit": "unknown"}
    if got["exit"] != 0:
        tail = log.read_text(errors="replace")[-2000:]
        raise Failed(f"{contestant.name}: exit {got['exit']}\n{' '.join(contestant.command)}\n{tail}")
    return {"seconds": got["wall_us"] / 1e6, "cpu": (got["user_us"] + got["system_us"]) / 1e6,
            "user": got["user_us"] / 1e6, "system": got["system_us"] / 1e6,
            "rss_mib": got["rss_kib"] / 1024}


def contest(programs, contestants, rounds, scratch, note=lambda text: None):
    """One round of all after the other; each round begins with another one."""
    for number in range(rounds):
        turn = number % len(contestants)
        for contestant in contestants[turn:] + contestants[:turn]:
            contestant.prepare()
            run = measure(programs, contestant, scratch)
            contestant.check()
            contestant.runs.append(run)
            note(f"{contestant.name} {run['seconds']:.3f} s")
    return {contestant.name: contestant for contestant in contestants}
