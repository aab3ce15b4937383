"""The plan of `spec_sql.py` as DuckDB's SQL, in the two styles of the race: from the sources, and from staging tables.

Identifiers are compared as integers where every source has integers, else as trimmed text, blanks missing. Columns are
cast only where the source has another type than the catalogue. A pseudonym is `sha256(salt || AE_ID)`, cut to 16
hexadecimal digits: DuckDB's own, unkeyed, and cheaper than a keyed HMAC.
"""
from spec_sql import encoded

TYPES = {"bool": "BOOLEAN", "int8": "TINYINT", "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT", "float32": "REAL",
         "float64": "DOUBLE", "string": "VARCHAR", "date": "DATE", "timestamp": "TIMESTAMP"}
COMPARE = {"equals": "=", "not_equals": "<>", "less_than": "<", "at_most": "<=", "more_than": ">", "at_least": ">="}
STAGING_SALT = "salt of the staging tables|"
COPY = "(FORMAT parquet, COMPRESSION zstd)"


def quote(name):
    return '"' + name.replace('"', '""') + '"'


def literal(value):
    if isinstance(value, bool):
        return str(value).upper()
    return str(value) if isinstance(value, (int, float)) else "'" + str(value).replace("'", "''") + "'"


def sql_type(kind):
    return TYPES.get(kind) or kind.upper()


def is_int(kind):
    return kind.startswith(("int", "uint"))


def release(text, rule):
    """The released form of an expression."""
    if rule in (None, "as_is"):
        return text
    (verb, n), = rule.items()
    forms = {"truncate": f"CAST(date_trunc('{n}', {text}) AS DATE)", "prefix": f"left({text}, {n})",
             "top_code": f"CASE WHEN {text} > {n} THEN {n} ELSE {text} END",
             "bottom_code": f"CASE WHEN {text} < {n} THEN {n} ELSE {text} END"}
    if verb not in forms:
        raise SystemExit(f"the race does not know the release {verb}")
    return forms[verb]


class Read:
    """One read of the plan as SQL: FROM, the identifier, columns and WHERE."""

    def __init__(self, read, integer_ids):
        self.read, self.first = read, read["files"][0]
        paths = ", ".join(literal(f["path"]) for f in read["files"])
        union = ", union_by_name = true" if len(read["files"]) > 1 else ""
        self.source = f"read_parquet([{paths}]{union})"
        self.id = identifier("s." + quote(self.first["id"][0]), self.first["id"][1], integer_ids)

    def column(self, name, cast=True):
        """The value of a variable in the catalogue's type; a variable not collected in the period is missing."""
        kind = self.first["columns"][name]["type"]
        found = {f["columns"][name]["source"][1]: f["columns"][name]["source"][0] for f in self.read["files"] if f["columns"][name]["source"]}
        if not found:
            return f"CAST(NULL AS {sql_type(kind)})"
        text = "s." + quote(next(iter(found.values())))
        return text if set(found) == {kind} or not cast else f"CAST({text} AS {sql_type(kind)})"

    def condition(self, where):
        if isinstance(where, list):
            where = {"all": where}
        for group, word in (("all", " AND "), ("any", " OR ")):
            if group in where:
                return "(" + (word.join(self.condition(c) for c in where[group]) or "TRUE") + ")"
        if "not" in where:
            return f"(NOT {self.condition(where['not'])})"
        text = self.column(where["variable"], cast=False)
        verb, value = next((k, v) for k, v in where.items() if k != "variable")
        if verb in COMPARE:
            return f"{text} {COMPARE[verb]} {literal(value)}"
        if verb == "missing":
            return f"{text} IS {'' if value else 'NOT '}NULL"
        if verb in ("in", "not_in"):
            return f"{text} {'NOT ' if verb == 'not_in' else ''}IN ({', '.join(literal(v) for v in value)})"
        if verb == "between":
            return f"{text} BETWEEN {literal(value[0])} AND {literal(value[1])}"
        return f"starts_with({text}, {literal(value)})"

    def where(self):
        out, period = [], self.read["period"]
        if period and "column" in period:
            name, kind = self.first["period"]["column"]
            values = [literal(encoded(y, period["encoding"], kind == "string")) for y in period["years"]]
            out.append(f"s.{quote(name)} = {values[0]}" if len(values) == 1 else f"s.{quote(name)} IN ({', '.join(values)})")
        elif period:
            (start, kind), (end, _) = self.first["period"]["start"], self.first["period"]["end"]
            # A timestamp is compared as it is, so that row groups may still be skipped.
            start, end = "s." + quote(start), "s." + quote(end)
            if period["spell"] == "starting":
                out.append(f"{start} BETWEEN DATE '{period['from']}' AND DATE '{period['to']}'")
            else:
                out.append(f"{start} <= DATE '{period['to']}' AND ({end} >= DATE '{period['from']}' OR {end} IS NULL)")
        if self.read["where"]:
            out.append(self.condition(self.read["where"]))
        return out


def identifier(text, kind, integer_ids):
    if integer_ids:
        return text if kind == "int64" else f"CAST({text} AS BIGINT)"
    return f"nullif(trim({text if kind == 'string' else f'CAST({text} AS VARCHAR)'}), '')"


class Sql:
    """All statements of a race.

    By default the cheapest way that is still right: pseudonyms once a cohort person, one join an output with the
    project's members, AE_ID as the staging tables' key. `hash_rows` is the plainer script: each output row is hashed
    and joined to link and cohort, and staging tables hold a hash, made in each of their rows, instead of AE_ID.
    """

    def __init__(self, plan, out, hash_rows=False):
        self.plan, self.out, self.hash_rows = plan, out, hash_rows
        kinds = {link["kind"]: link["id"][1] for link in plan["links"]}
        seen = {k: {t} for k, t in kinds.items()}
        for each in self.all_reads():
            seen[each["kind"]] |= {f["id"][1] for f in each["files"]}
        for each in plan["exclusions"]:
            seen[each["kind"]].add(each["column"][1])
        self.integers = {k for k, types in seen.items() if all(is_int(t) for t in types)}

    def all_reads(self):
        for project in self.plan["projects"]:
            yield from (r for s in project["steps"] for r in s.get("reads", []))
            yield from (t["read"] for t in project["tables"])

    def projects(self):
        return self.plan["projects"]

    def sql(self, read):
        return Read(read, read["kind"] in self.integers)

    def links(self):
        """Unique-mapping tables `link_KIND(id, person)`, made once: ambiguous identifiers and excluded people left out."""
        out = []
        for link in self.plan["links"]:
            kind, paths = link["kind"], ", ".join(literal(p) for p in link["files"])
            key = identifier("s." + quote(link["id"][0]), link["id"][1], kind in self.integers)
            out.append(f"CREATE TEMP TABLE pairs_{kind} AS SELECT DISTINCT {key} AS id, s.{quote(link['person'][0])} AS person\n"
                       f"FROM read_parquet([{paths}]) s WHERE {key} IS NOT NULL AND person IS NOT NULL")
        out.append("CREATE TEMP TABLE excluded(person BIGINT)")
        for each in self.plan["exclusions"]:
            kind = each["kind"]
            key = identifier("s." + quote(each["column"][0]), each["column"][1], kind in self.integers)
            out.append(f"INSERT INTO excluded SELECT p.person FROM pairs_{kind} p SEMI JOIN (SELECT {key} AS id\n"
                       f"FROM read_parquet({literal(each['path'])}) s) x ON p.id = x.id")
        for link in self.plan["links"]:
            kind = link["kind"]
            out.append(f"CREATE TEMP TABLE link_{kind} AS SELECT id, any_value(person) AS person FROM pairs_{kind}\n"
                       f"GROUP BY id HAVING count(*) = 1 AND any_value(person) NOT IN (SELECT person FROM excluded)")
        out += [f"DROP TABLE pairs_{link['kind']}" for link in self.plan["links"]]
        return out

    def cohort(self, project):
        """`cohort_PROJECT(person, person_id)`."""
        text = None
        for step in project["steps"]:
            if step["verb"] == "require_link":
                people = f"SELECT person FROM link_{step['kind']}"
            else:
                people = "\nUNION ALL ".join(self.people(r) for r in step["reads"])
            if step["verb"] == "include":
                text = people if text is None else f"{text}\nUNION ALL {people}"
            else:
                join = "ANTI" if step["verb"] == "exclude" else "SEMI"
                text = f"SELECT person FROM ({text}) a {join} JOIN ({people}) b USING (person)"
        salted, key = pseudonym(project["salt"], "person"), f", {pseudonym(STAGING_SALT, 'person')} AS key" if self.hash_rows else ""
        return [f"CREATE TEMP TABLE {name(project)} AS SELECT person, {salted} AS person_id{key}\nFROM (SELECT DISTINCT person FROM ({text}))"]

    def members(self, project):
        """`members_KIND(id, person_id)`: the project's people by each kind of identifier, so that an output needs one join."""
        kinds = sorted({t["read"]["kind"] for t in project["tables"]})
        return [f"CREATE OR REPLACE TEMP TABLE members_{k} AS SELECT l.id, c.person_id FROM link_{k} l JOIN {name(project)} c USING (person)"
                for k in kinds]

    def people(self, read):
        one = self.sql(read)
        where = " AND ".join(one.where())
        return (f"SELECT l.person FROM {one.source} s JOIN link_{read['kind']} l ON l.id = {one.id}" + (f" WHERE {where}" if where else ""))

    def persons(self, project):
        flags = ", ".join(f"person IN (SELECT person FROM link_{k['kind']}) AS linked_{k['kind']}" for k in self.plan["links"])
        return self.copy(project, "persons.parquet", f"SELECT person_id, {flags} FROM {name(project)}")

    def copy(self, project, path, select):
        return f"COPY ({select}\nORDER BY person_id) TO {literal('/'.join([self.out, project['id'], path]))} {COPY}"

    def select(self, table, project, column, hashed):
        person_id = f"{pseudonym(project['salt'], 'l.person')} AS person_id" if hashed else "c.person_id"
        lead = [f"{literal(value)} AS {key}" for key, value in table["lead"]]
        variables = [f"{release(column(n), rule)} AS {quote(n)}" for n, rule in table["variables"]]
        return "SELECT " + ", ".join([person_id] + lead + variables)

    def copies(self, project):
        """One COPY an output, straight from the sources."""
        out = [self.persons(project)] + ([] if self.hash_rows else self.members(project))
        for table in project["tables"]:
            one, kind = self.sql(table["read"]), table["read"]["kind"]
            where = " AND ".join(one.where())
            joins = f"JOIN members_{kind} c ON c.id = {one.id}"
            if self.hash_rows:
                joins = f"JOIN link_{kind} l ON l.id = {one.id} SEMI JOIN {name(project)} c ON c.person = l.person"
            out.append(self.copy(project, table["path"], f"{self.select(table, project, one.column, self.hash_rows)}\nFROM {one.source} s {joins}"
                       + (f"\nWHERE {where}" if where else "")))
        return out

    def staging(self):
        """One table an element and slice: people linked, the columns that any project wants conformed."""
        wanted = {}
        for project in self.projects():
            for table in project["tables"]:
                key = stage_name(table)
                stage = wanted.setdefault(key, {"read": table["read"], "names": {}})
                for n in table["read"]["files"][0]["columns"]:
                    stage["names"].setdefault(n, table["read"])
        out, person = [], f"{pseudonym(STAGING_SALT, 'l.person')} AS key" if self.hash_rows else "l.person"
        for key, stage in wanted.items():
            read = stage["read"]
            one = self.sql(read)
            columns = [f"{self.sql(r).column(n)} AS {quote(n)}" for n, r in stage["names"].items()]
            where = ""
            if read["period"] and "column" in read["period"]:
                # One table a period, as the outputs are.
                where = "\nWHERE " + " AND ".join(one.where()[:1])
            if read["period"] and "spell" in read["period"]:
                for role in ("start", "end"):
                    spelling, kind = read["files"][0]["period"][role]
                    columns.append(f"CAST(s.{quote(spelling)} AS DATE) AS {quote('_' + role)}")
            out.append(f"CREATE TEMP TABLE {key} AS SELECT {', '.join([person] + columns)}\nFROM {one.source} s "
                       f"JOIN link_{read['kind']} l ON l.id = {one.id}{where}")
        return out

    def staged(self, project):
        """One COPY an output, from the staging tables."""
        out = [self.persons(project)]
        for table in project["tables"]:
            read = table["read"]
            view = Read({**read, "files": [staged_file(read["files"][0])]}, False)
            # A period column was settled when the table was staged.
            where = view.where()[1 if read["period"] and "column" in read["period"] else 0:]
            out.append(self.copy(project, table["path"],
                       f"{self.select(table, project, lambda n: 's.' + quote(n), False)}\nFROM {stage_name(table)} s JOIN {name(project)} c USING ({'key' if self.hash_rows else 'person'})"
                       + (f"\nWHERE {' AND '.join(where)}" if where else "")))
        return out


def staged_file(file):
    """A source file's description, as the staging table spells it."""
    columns = {n: {"source": [n, c["type"]], "type": c["type"]} for n, c in file["columns"].items()}
    return {**file, "columns": columns, "period": {"start": ["_start", "date"], "end": ["_end", "date"], "column": ["_", "string"]}}


def pseudonym(salt, person):
    return f"substr(sha256({literal(salt)} || {person}), 1, 16)"


def name(project):
    return "cohort_" + project["id"].replace("-", "_").lower()


def stage_name(table):
    return "stage_" + table["path"].removesuffix(".parquet").replace(".", "_").replace("/", "_").replace("-", "_")
