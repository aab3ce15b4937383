"""Asks programs that nobody here wrote whether extracts are what they say they are.

    python tests/validators.py [--manifest-schema FILE] [--data-package-profile FILE] EXTRACT...

An EXTRACT is one version's folder. No single program sees everything: bagit reads every byte, roc-validator the shape of
the provenance (it checks no digest), frictionless every table against its schema (it checks no digest of Parquet),
check-jsonschema the documents. Needs no network, and these packages:

    pip install bagit roc-validator rocrate==0.10.0 'frictionless[parquet]' pandas check-jsonschema

`rocrate` is there for the RO-Crate 1.1 context only, which it ships and which the validator would else fetch.
`--manifest-schema` is the JSON Schema of data/manifest.json, `--data-package-profile` that of Data Package 2.0 as its
authors publish it; without one, that document is checked by the other programs alone. Ends with 1 if anything is refused.
"""

import argparse
import importlib.util
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
PROFILES = ["ro-crate-1.1", "process-run-crate-0.5"]


def seed_cache(folder):
    """Puts the RO-Crate 1.1 context into an HTTP cache as roc-validator keeps it; gives the cache's path."""
    import requests
    from requests_cache import CachedSession

    package = importlib.util.find_spec("rocrate").submodule_search_locations[0]
    with open(os.path.join(package, "data", "ro-crate.jsonld"), "rb") as file:
        context = file.read()
    if json.loads(context).get("@id") != CONTEXT:
        sys.exit("the installed rocrate does not ship the RO-Crate 1.1 context: pip install rocrate==0.10.0")
    path = os.path.join(folder, "cache")
    session = CachedSession(cache_name=path, backend="sqlite", expire_after=-1)
    response = requests.Response()
    response.status_code, response.url, response._content = 200, CONTEXT, context
    response.headers["Content-Type"] = "application/ld+json"
    response.request = requests.Request("GET", CONTEXT, headers={"Accept": "application/ld+json"}).prepare()
    response.raw = requests.packages.urllib3.HTTPResponse(body=b"", status=200, preload_content=False)
    session.cache.save_response(response)
    session.close()
    return path


def run(command):
    """What a program said, where it refused; nothing where it was content."""
    result = subprocess.run(command, capture_output=True, text=True)
    return None if result.returncode == 0 else (result.stdout + result.stderr).strip()


def tool(name):
    """A program beside this Python, or on the path."""
    beside = os.path.join(os.path.dirname(sys.executable), name)
    found = beside if os.path.exists(beside) else shutil.which(name)
    return found or sys.exit(f"{name} is not installed; see the head of this file")


def bag(extract):
    import bagit

    logging.getLogger("bagit").setLevel(logging.CRITICAL)
    try:
        bagit.Bag(extract).validate()
    except bagit.BagError as error:
        return str(error)


def crate(extract, profile, cache):
    said = os.path.join(os.path.dirname(cache), "crate.json")
    command = [tool("rocrate-validator"), "-y", "--disable-color", "validate", "--offline", "--cache-path", cache]
    command += ["-p", profile, "-l", "recommended", "--no-paging", "-f", "json", "-o", said, extract]
    refused = run(command)
    if refused is not None and os.path.exists(said):
        with open(said) as file:
            issues = json.load(file).get("issues", [])
        refused = "\n".join(f"{i.get('check', {}).get('identifier')}: {i.get('message')}" for i in issues) or refused
    return refused


def cells(parser):
    """The cells of a Parquet table, for frictionless. Its own reader goes through pandas, which turns a missing integer
    into a float that is no number, and frictionless then refuses the good table."""
    import pyarrow.parquet

    table = pyarrow.parquet.ParquetFile(parser.resource.normpath)
    yield table.schema_arrow.names
    for batch in table.iter_batches():
        yield from (list(row) for row in zip(*(column.to_pylist() for column in batch.columns)))


def tables(extract):
    from frictionless import Package, system
    from frictionless.formats.parquet import ParquetParser

    ParquetParser.read_cell_stream_create = cells
    with system.use_context(trusted=True):
        report = Package(os.path.join(extract, "data", "datapackage.json")).validate()
    if not report.valid:
        # The notes of row errors quote cells: only their kind and place are told.
        errors = report.flatten(["type", "rowNumber", "fieldName"])
        return "\n".join(str(error) for error in errors[:20]) or str(report.errors)


def schema(extract, document, schemafile):
    command = [tool("check-jsonschema"), "--schemafile", schemafile, os.path.join(extract, "data", document)]
    return run(command)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest-schema")
    parser.add_argument("--data-package-profile")
    parser.add_argument("extracts", nargs="+", metavar="EXTRACT")
    arguments = parser.parse_args()
    refused = 0
    with tempfile.TemporaryDirectory() as folder:
        cache = seed_cache(folder)
        for extract in arguments.extracts:
            checks = {"bagit": lambda: bag(extract)}
            for profile in PROFILES:
                checks[f"roc-validator {profile}"] = lambda profile=profile: crate(extract, profile, cache)
            checks["frictionless"] = lambda: tables(extract)
            if arguments.manifest_schema:
                checks["check-jsonschema manifest"] = lambda: schema(extract, "manifest.json", arguments.manifest_schema)
            if arguments.data_package_profile:
                checks["check-jsonschema data package"] = lambda: schema(
                    extract, "datapackage.json", arguments.data_package_profile
                )
            for name, check in checks.items():
                said = check()
                print(f"{'refused' if said else 'passed '}  {name}  {extract}")
                if said:
                    refused += 1
                    print("    " + said.replace("\n", "\n    "))
    sys.exit(1 if refused else 0)


if __name__ == "__main__":
    main()
