"""Whether a side's tables hold the same values as ours, pseudonyms aside: stricter than the race's count of rows.

    python same_values.py OURS OUT        folders of the runs; for small worlds

Each table's rows without `person_id` are compared as multisets, in the types of both; then that `person_id` is sorted
and tells as many people apart as ours does.
"""
import collections
import os
import sys

import pyarrow.parquet as pq


def rows(path):
    table = pq.read_table(path)
    ids = table.column("person_id").to_pylist()
    rest = table.drop_columns(["person_id"])
    types = [(f.name, str(f.type).replace("large_", "").replace("_view", "")) for f in rest.schema]
    return types, collections.Counter(zip(*[c.to_pylist() for c in rest.columns])), ids


def main():
    ours, out = sys.argv[1:]
    tables = different = 0
    for project in sorted(p for p in os.listdir(ours) if os.path.isdir(os.path.join(ours, p, "latest"))):
        data = os.path.join(ours, project, "latest", "data")
        for where, _, files in os.walk(data):
            for file in sorted(f for f in files if f.endswith(".parquet")):
                name = os.path.relpath(os.path.join(where, file), data)
                (types, values, ids), (theirs, their_values, their_ids) = rows(os.path.join(data, name)), rows(os.path.join(out, project, name))
                faults = [text for text, bad in (("types", types != theirs), ("values", values != their_values), ("order", their_ids != sorted(their_ids)),
                                                 ("people", len(set(ids)) != len(set(their_ids)))) if bad]
                tables, different = tables + 1, different + bool(faults)
                if faults:
                    print(f"{project}/{name}: {', '.join(faults)} differ", [x for x in zip(types, theirs) if x[0] != x[1]][:3])
    print(f"{tables} tables compared, {different} differ")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
