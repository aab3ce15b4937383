"""From catalogue and specs to what a careful user of another engine would write by hand.

`plan(config, projects)` reads the YAML and the Parquet footers and answers plain data (JSON can hold it): link tables,
exclusions, and for each project the cohort's steps and the output tables, each with the files to read, the physical
column of each variable in each file, filters and releases. `Sql` turns that data into DuckDB's SQL; `run_polars.py`
reads the same data. It knows what the race's specs use, and stops with a message at anything else.

    python spec_sql.py WORLD/leo.yaml PROJECT...      prints the SQL, to be read by a person
"""
import datetime as dt
import glob
import os
import re
import sys

import pyarrow as pa
import pyarrow.parquet as pq

from world import read_yaml

TERM = {"autumn": ("aut", "Autumn"), "spring": ("spr", "Spring"), "summer": ("sum", "Summer")}
PERIOD_COLUMN = {"academic_year": "academic_year", "tax_year": "tax_year"}


# ---- years and templates -----------------------------------------------------------------------------------------
def years(text):
    """'2001/2002..2003/2004', '2001/2002', or a list of both -> set of start years"""
    out = set()
    for part in text if isinstance(text, list) else [text]:
        first, _, last = part.partition("..")
        out |= set(range(int(first[:4]), int((last or first)[:4]) + 1))
    return out


def year_text(year):
    return f"{year}/{year + 1}"


def fill(template, year, term):
    names = {"yyyy": f"{year + 1}", "yy": f"{(year + 1) % 100:02}", "start_yyyy": f"{year}", "start_yy": f"{year % 100:02}",
             "tax": f"{year}{(year + 1) % 100:02}"}
    if term:
        names["term"], names["Term"] = TERM[term]
        calendar = year if term == "autumn" else year + 1
        names["term_yyyy"], names["term_yy"] = f"{calendar}", f"{calendar % 100:02}"
    return re.sub(r"\{(\w+)\}", lambda found: names[found[1]], template)


def encoded(year, encoding, is_text):
    """The value of a period column that stands for the year."""
    value = {"yyyyyy": f"{year}{(year + 1) % 100:02}", "start_year": f"{year}", "end_year": f"{year + 1}",
             "yyyy/yyyy": year_text(year), "yyyy/yy": f"{year}/{(year + 1) % 100:02}"}[encoding]
    return value if is_text else int(value)


# ---- the plan ----------------------------------------------------------------------------------------------------
class World:
    def __init__(self, config):
        here, doc = os.path.dirname(os.path.abspath(config)), read_yaml(config)
        self.root, self.here, self.doc = os.path.join(here, doc["sources"]), here, doc
        catalogue = os.path.join(here, doc["catalogue"])
        self.links = read_yaml(os.path.join(catalogue, "links.yaml"))
        self.elements = {}
        for path in sorted(glob.glob(os.path.join(catalogue, "*.yaml"))):
            element = read_yaml(path)
            if "element" in element:
                self.elements[element["element"]] = element
        self.specs = {}
        for path in sorted(glob.glob(os.path.join(here, doc["specs"], "*.yaml"))):
            spec = read_yaml(path)
            self.specs[spec["project"]["id"]] = spec
        self.footers = {}

    def files(self, root, location):
        path = os.path.join(root, location)
        return [path] if os.path.isfile(path) else sorted(glob.glob(os.path.join(path, "**", "*.parquet"), recursive=True))

    def footer(self, path):
        """Column names of a file in lower case -> (spelling, family of type)."""
        if path not in self.footers:
            self.footers[path] = {f.name.lower(): (f.name, family(f.type)) for f in pq.read_schema(path)}
        return self.footers[path]


def family(kind):
    """Arrow's type as the catalogue would write it."""
    if pa.types.is_dictionary(kind):
        return family(kind.value_type)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "string"
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    names = {pa.float32(): "float32", pa.float64(): "float64", pa.date32(): "date", pa.bool_(): "bool"}
    return "timestamp" if pa.types.is_timestamp(kind) else names.get(kind, str(kind))


def conditions(where):
    """The variables that a condition names."""
    if isinstance(where, list):
        return [v for c in where for v in conditions(c)]
    for group in ("all", "any", "not"):
        if group in where:
            return conditions(where[group])
    return [where["variable"]]


def read(world, element, wanted, year, term, want_years, spells, where):
    """One read of an element's rows: its files, where each variable lies, and which rows count.

    `year` and `term` name the slice; None where the period lies in the rows, which then must be in `want_years`.
    """
    period = element["period"]
    out = {"element": element["element"], "kind": element["identifier"]["kind"], "files": [], "where": where, "period": None}
    names = {v["name"]: v for v in element["variables"]}
    if year is not None:
        location, suffix = fill(element["location"], year, term), fill(element.get("suffix", ""), year, term)
        known = {year}
    else:
        location, suffix, known = element["location"], "", want_years
    physical = {}
    for name in dict.fromkeys(list(wanted) + conditions(where)):
        variable, column = names[name], name
        released = years(variable["years"]) if "years" in variable else None
        for old in variable.get("was", []):
            if known and known <= years(old["years"]):
                column = old["name"]
            elif known and known & years(old["years"]):
                raise SystemExit(f"{name} of {element['element']} is renamed within one read, which the race does not know")
        if released is not None and known and not known <= released:
            if known & released:
                raise SystemExit(f"{name} of {element['element']} begins or ends within one read, which the race does not know")
            column = None
        physical[name] = (column, variable["type"])
    if period["kind"] == "spell":
        first, last = min(want_years), max(want_years)
        if want_years != set(range(first, last + 1)) or period.get("calendar"):
            raise SystemExit("the race knows spells only in one unbroken range of tax years")
        out["period"] = {"spell": spells, "start": period["start"], "end": period["end"],
                         "from": str(dt.date(first, 4, 6)), "to": str(dt.date(last + 1, 4, 5))}
    elif year is None:
        out["period"] = {"column": period["column"], "encoding": period["encoding"], "years": sorted(want_years)}
    for path in world.files(world.root, location):
        columns = world.footer(path)

        def at(name):
            return columns.get((name + suffix).lower()) or columns.get(name.lower())

        file = {"path": path, "id": at(element["identifier"]["column"]), "columns": {}}
        for name, (column, kind) in physical.items():
            found = at(column) if column else None
            file["columns"][name] = {"source": found, "type": kind}
        if out["period"]:
            file["period"] = {k: at(out["period"][k]) for k in ("column", "start", "end") if k in out["period"]}
        out["files"].append(file)
    return out


def slices(element, want_years, terms):
    """The (year, term) pairs of an element that are wanted and not absent."""
    for year in sorted(want_years & years(element["coverage"])):
        for term in element.get("terms") or [None]:
            if term is not None and terms and term not in terms:
                continue
            if not any(year in years(a["years"]) and (not a.get("terms") or term in a["terms"]) for a in element.get("absent") or []):
                yield year, term


def reads_of_step(world, step, verb):
    element, where = world.elements[step[verb]], step.get("where", [])
    want = years(step["years"])
    if element["period"].get("from") == "slice":
        return [read(world, element, [], y, t, None, None, where) for y, t in slices(element, want, step.get("terms"))]
    return [read(world, element, [], None, None, want, step.get("spells", "overlapping"), where)]


def tables_of(world, entry):
    """The output tables of one element of a spec."""
    element = world.elements[entry["element"]]
    catalogued = {v["name"]: v.get("release") for v in element["variables"]}
    variables = []
    for v in entry["variables"]:
        name, own = (v, None) if isinstance(v, str) else (v["name"], v.get("release"))
        variables.append((name, own if own is not None else catalogued[name]))
    names, where, kind = [n for n, _ in variables], entry.get("where", []), element["period"]["kind"]
    want = years(entry["years"])

    def table(path, lead, source):
        return {"path": f"{entry['element']}/{path}.parquet", "lead": lead, "variables": variables, "read": source}

    if kind == "spell":
        yield table("all", [], read(world, element, names, None, None, want, entry.get("spells", "overlapping"), where))
    elif element["period"].get("from") == "slice":
        for year, term in slices(element, want, entry.get("terms")):
            lead = [(PERIOD_COLUMN[kind], year_text(year))] + ([("term", term)] if term else [])
            path = f"{year}-{year + 1}" + (f"-{term}" if term else "")
            yield table(path, lead, read(world, element, names, year, term, None, None, where))
    else:
        for year in sorted(want & years(element["coverage"])):
            lead = [(PERIOD_COLUMN[kind], year_text(year))]
            yield table(f"{year}-{year + 1}", lead, read(world, element, names, None, None, {year}, None, where))


def plan(config, projects):
    world = World(config)
    links = []
    for link in world.links["tables"]:
        files = world.files(world.root, link["location"])
        columns = world.footer(files[0])
        links.append({"kind": link["identifier"]["kind"], "files": files, "person": columns[link["person"].lower()],
                      "id": columns[link["identifier"]["column"].lower()]})
    exclusions = []
    for each in world.doc.get("exclusions", []):
        for path in world.files(world.here, each["location"]):
            exclusions.append({"kind": each["kind"], "path": path, "column": world.footer(path)[each["column"].lower()]})
    out = {"links": links, "exclusions": exclusions, "projects": []}
    for name in projects:
        spec, steps = world.specs[name], []
        for step in spec["cohort"]["steps"]:
            verb = next((v for v in ("include", "require", "exclude") if v in step), None)
            if verb:
                steps.append({"verb": verb, "reads": reads_of_step(world, step, verb)})
            elif "require_link" in step:
                steps.append({"verb": "require_link", "kind": step["require_link"]})
            else:
                raise SystemExit(f"{name}: the race does not know the cohort step {list(step)[0]}")
        if spec.get("linked"):
            raise SystemExit(f"{name}: the race does not know linked tables")
        tables = [t for entry in spec["elements"] for t in tables_of(world, entry)]
        out["projects"].append({"id": name, "salt": f"salt of {name}, epoch {spec['pseudonyms']['epoch']}|", "steps": steps, "tables": tables})
    return out


if __name__ == "__main__":
    from sql import Sql
    statements = Sql(plan(sys.argv[1], sys.argv[2:]), "OUT")
    for text in statements.links() + [s for p in statements.projects() for s in statements.cohort(p)]:
        print(text + ";\n")
    for project in statements.projects():
        for text in statements.copies(project):
            print(text + ";\n")
