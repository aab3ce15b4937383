"""The world of the race: synthetic sources by `leo-extract synth`, and the seven wide specs beside this file."""
import datetime as dt
import glob
import hashlib
import os
import shutil
import subprocess

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
# The day on which the approvals below are in force; the same for every side.
AS_OF = "2020-01-06"
DECIDED, EXPIRES, FEE_PAID = dt.date(2019, 12, 2), dt.date(2021, 12, 31), dt.date(2019, 12, 10)


def loader():
    """The faster YAML loader where the C library is there."""
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path):
    with open(path, "rb") as file:
        return yaml.load(file, Loader=loader())


def spec_files():
    return sorted(glob.glob(os.path.join(HERE, "specs", "*.yaml")))


def make(tool, world, persons, seed, threads):
    """Makes the world where it is absent, then (re)writes the seven specs and their approvals. -> the command used."""
    command = [tool, "synth", "--persons", str(persons), "--projects", "7", "--seed", str(seed), "--out", world]
    if not os.path.exists(os.path.join(world, "leo.yaml")):
        subprocess.run(command + ["--threads", str(threads), "--quiet"], check=True)
    add_specs(world)
    return command


def add_specs(world):
    config = read_yaml(os.path.join(world, "leo.yaml"))
    specs = os.path.join(world, config["specs"])
    approvals = os.path.join(world, config["approvals"]["directory"])
    owners = {}
    for path in glob.glob(os.path.join(world, config["catalogue"], "*.yaml")):
        element = read_yaml(path)
        if "element" in element:
            owners[element["element"]] = element["owner"]
    for path in spec_files():
        target = os.path.join(specs, os.path.basename(path))
        shutil.copyfile(path, target)
        spec = read_yaml(target)
        record = approval(spec, owners, target)
        name = f"{spec['project']['id']}-r{spec['revision']}.yaml"
        with open(os.path.join(approvals, name), "w") as file:
            file.write(record)


def approval(spec, owners, path):
    """The approval record of a spec: DSAP, and the owner of every element that it names."""
    named = {e["element"] for e in spec["elements"]}
    for step in spec["cohort"]["steps"]:
        named |= {step[verb] for verb in ("include", "require", "exclude") if verb in step}
    bodies = ["DSAP"] + sorted({owners[e] for e in named} - {"DfE"})
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    lines = [f"approval: 1\nproject: {spec['project']['id']}\nrevision: {spec['revision']}\nspec_sha256: {digest}\ndecisions:"]
    for body in bodies:
        fee = f", fee_paid: {FEE_PAID}" if body == "HESA" else ""
        lines.append(f"  - {{body: {body}, reference: {body}-BENCH, decided: {DECIDED}, expires: {EXPIRES}{fee}}}")
    return "\n".join(lines) + "\n"


def race_config(world, extracts):
    """A config beside the world's own that publishes into `extracts`. -> its path"""
    config = read_yaml(os.path.join(world, "leo.yaml"))
    config["extracts"] = os.path.abspath(extracts)
    path = os.path.join(world, "leo-race.yaml")
    with open(path, "w") as file:
        yaml.safe_dump(config, file, sort_keys=False)
    return path
