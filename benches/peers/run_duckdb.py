"""DuckDB's side of the race, as one process.

    python run_duckdb.py copies|staged PLAN.json OUT [--threads 2] [--hash-rows] [--memory 16GB]

`copies`: one COPY an element, period and project, straight from the sources. `staged`: tables of linked, conformed rows
made once in memory, then one COPY an output. Both make link tables and cohorts once.
"""
import argparse
import json
import os

import duckdb

from sql import Sql


def main():
    args = argparse.ArgumentParser()
    args.add_argument("style", choices=["copies", "staged"])
    args.add_argument("plan")
    args.add_argument("out")
    args.add_argument("--threads", type=int, default=2)
    args.add_argument("--memory")
    args.add_argument("--hash-rows", action="store_true")
    args = args.parse_args()
    with open(args.plan) as file:
        sql = Sql(json.load(file), args.out, args.hash_rows)
    for project in sql.projects():
        for path in ["persons.parquet"] + [t["path"] for t in project["tables"]]:
            os.makedirs(os.path.dirname(os.path.join(args.out, project["id"], path)), exist_ok=True)
    db = duckdb.connect()
    db.execute(f"SET threads = {args.threads}")
    db.execute("SET enable_progress_bar = false")
    db.execute(f"SET temp_directory = '{args.out}/spill'")
    if args.memory:
        db.execute(f"SET memory_limit = '{args.memory}'")
    for text in sql.links():
        db.execute(text)
    if args.style == "staged":
        for text in sql.staging():
            db.execute(text)
    for project in sql.projects():
        for text in sql.cohort(project):
            db.execute(text)
        for text in sql.copies(project) if args.style == "copies" else sql.staged(project):
            db.execute(text)


if __name__ == "__main__":
    main()
