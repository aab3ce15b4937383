"""Polars' side of the race, as one process.

    POLARS_MAX_THREADS=2 python run_polars.py PLAN.json OUT [--eager]

For each output: lazy scans of its files, filter, join with the project's members, sort by pseudonym, write. The
pseudonym is Polars' own 64-bit hash of salt and AE_ID, 16 decimal digits: it has no SHA-256, and this is far cheaper.
By default each output is a streaming `sink_parquet`; `--eager` collects, then writes.
"""
import argparse
import datetime as dt
import json
import operator
import os

import polars as pl

from spec_sql import encoded

TYPES = {"bool": pl.Boolean, "int8": pl.Int8, "int16": pl.Int16, "int32": pl.Int32, "int64": pl.Int64, "float32": pl.Float32,
         "float64": pl.Float64, "string": pl.String, "date": pl.Date, "timestamp": pl.Datetime("us")}
COMPARE = {"equals": operator.eq, "not_equals": operator.ne, "less_than": operator.lt, "at_most": operator.le,
           "more_than": operator.gt, "at_least": operator.ge}


def dtype(kind):
    if kind.startswith("decimal"):
        precision, scale = kind[len("decimal("):-1].split(",")
        return pl.Decimal(int(precision), int(scale))
    return TYPES[kind]


def value(file, name):
    """A variable of a file in the catalogue's type."""
    column = file["columns"][name]
    if not column["source"]:
        return pl.lit(None, dtype(column["type"]))
    spelling, _ = column["source"]
    # Cast always: a dictionary reads as a categorical. Where the type is right already it costs nothing.
    return pl.col(spelling).cast(dtype(column["type"]))


def condition(file, where):
    if isinstance(where, list):
        where = {"all": where}
    if "all" in where:
        return pl.all_horizontal([condition(file, c) for c in where["all"]] or [pl.lit(True)])
    if "any" in where:
        return pl.any_horizontal([condition(file, c) for c in where["any"]])
    if "not" in where:
        return ~condition(file, where["not"])
    column = value(file, where["variable"])
    verb, operand = next((k, v) for k, v in where.items() if k != "variable")
    if verb in COMPARE:
        return COMPARE[verb](column, pl.lit(operand))
    if verb == "missing":
        return column.is_null() if operand else column.is_not_null()
    if verb in ("in", "not_in"):
        return column.is_in(operand) if verb == "in" else ~column.is_in(operand)
    if verb == "between":
        return column.is_between(*operand)
    return column.str.starts_with(operand)


def released(column, rule):
    if rule in (None, "as_is"):
        return column
    (verb, n), = rule.items()
    if verb == "truncate":
        return column.dt.truncate({"month": "1mo", "quarter": "1q", "year": "1y"}[n])
    if verb == "prefix":
        return column.str.head(n)
    if verb in ("top_code", "bottom_code"):
        return column.clip(upper_bound=n) if verb == "top_code" else column.clip(lower_bound=n)
    raise SystemExit(f"the race does not know the release {verb}")


def identifier(column, kind, integers):
    if integers:
        return column.cast(pl.Int64)
    text = column.cast(pl.String).str.strip_chars(" ")
    return pl.when(text != "").then(text)


def period(file, rule):
    """Which rows of a file lie in the period wanted."""
    if "column" in rule:
        spelling, kind = file["period"]["column"]
        wanted = [encoded(y, rule["encoding"], kind == "string") for y in rule["years"]]
        return pl.col(spelling) == wanted[0] if len(wanted) == 1 else pl.col(spelling).is_in(wanted)
    start, end = (pl.col(file["period"][k][0]) for k in ("start", "end"))
    first, last = dt.date.fromisoformat(rule["from"]), dt.date.fromisoformat(rule["to"])
    if rule["spell"] == "starting":
        return start.is_between(first, last)
    return (start <= last) & ((end >= first) | end.is_null())


class Race:
    def __init__(self, plan, out, eager):
        self.plan, self.out, self.eager = plan, out, eager
        seen = {link["kind"]: {link["id"][1]} for link in plan["links"]}
        for project in plan["projects"]:
            for read in [r for s in project["steps"] for r in s.get("reads", [])] + [t["read"] for t in project["tables"]]:
                seen[read["kind"]] |= {f["id"][1] for f in read["files"]}
        self.integers = {k for k, kinds in seen.items() if all(t.startswith("int") for t in kinds)}
        self.links = self.unique_links()

    def id(self, column, kind):
        return identifier(pl.col(column[0]), column[1], kind in self.integers).alias("id")

    def unique_links(self):
        """Unique mappings `id, person`: ambiguous identifiers and excluded people left out."""
        pairs = {}
        for link in self.plan["links"]:
            frame = pl.scan_parquet(link["files"]).select(self.id(link["id"], link["kind"]), pl.col(link["person"][0]).alias("person"))
            pairs[link["kind"]] = frame.drop_nulls().unique().collect()
        excluded = pl.Series("person", [], dtype=pl.Int64)
        for each in self.plan["exclusions"]:
            ids = pl.read_parquet(each["path"]).select(self.id(each["column"], each["kind"])).drop_nulls()
            excluded = pl.concat([excluded, pairs[each["kind"]].join(ids, on="id", how="semi")["person"]])
        gone = pl.DataFrame({"person": excluded})
        return {k: p.filter(pl.len().over("id") == 1).join(gone, on="person", how="anti") for k, p in pairs.items()}

    def scan(self, read, variables, with_id=True):
        """A lazy frame of `id` and the variables of the rows that count."""
        frames = []
        for file in read["files"]:
            frame = pl.scan_parquet(file["path"])
            if read["period"]:
                frame = frame.filter(period(file, read["period"]))
            if read["where"]:
                frame = frame.filter(condition(file, read["where"]))
            frames.append(frame.select([self.id(file["id"], read["kind"])] + [released(value(file, n), rule).alias(n) for n, rule in variables]))
        return pl.concat(frames)

    def people(self, reads):
        found = [self.scan(r, []).join(self.links[r["kind"]].lazy(), on="id").select("person") for r in reads]
        return pl.concat(found).unique()

    def cohort(self, project):
        people = None
        for step in project["steps"]:
            these = self.links[step["kind"]].lazy().select("person") if step["verb"] == "require_link" else self.people(step["reads"])
            if step["verb"] == "include":
                people = these if people is None else pl.concat([people, these])
            else:
                people = people.join(these, on="person", how="anti" if step["verb"] == "exclude" else "semi")
        salted = pl.concat_str([pl.lit(project["salt"]), pl.col("person").cast(pl.String)])
        person_id = (salted.hash() % 10**16).cast(pl.String).str.zfill(16)
        return people.unique().with_columns(person_id=person_id).collect(engine="streaming")

    def write(self, frame, project, path):
        path = os.path.join(self.out, project["id"], path)
        if self.eager:
            frame.sort("person_id").collect().write_parquet(path, compression="zstd")
        else:
            frame.sort("person_id").sink_parquet(path, compression="zstd")

    def run(self, project):
        cohort = self.cohort(project)
        flags = [pl.col("person").is_in(link["person"].implode()).alias(f"linked_{kind}") for kind, link in self.links.items()]
        self.write(cohort.lazy().select("person_id", *flags), project, "persons.parquet")
        members = {kind: link.join(cohort, on="person").select("id", "person_id").lazy() for kind, link in self.links.items()}
        for table in project["tables"]:
            rows = self.scan(table["read"], table["variables"]).join(members[table["read"]["kind"]], on="id")
            lead = [pl.lit(text).alias(key) for key, text in table["lead"]]
            self.write(rows.select(["person_id"] + lead + [n for n, _ in table["variables"]]), project, table["path"])


def main():
    args = argparse.ArgumentParser()
    args.add_argument("plan")
    args.add_argument("out")
    args.add_argument("--eager", action="store_true")
    args = args.parse_args()
    with open(args.plan) as file:
        plan = json.load(file)
    race = Race(plan, args.out, args.eager)
    for project in plan["projects"]:
        for path in ["persons.parquet"] + [t["path"] for t in project["tables"]]:
            os.makedirs(os.path.dirname(os.path.join(args.out, project["id"], path)), exist_ok=True)
        race.run(project)


if __name__ == "__main__":
    main()
