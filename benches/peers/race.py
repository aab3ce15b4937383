"""The race: this tool against DuckDB and Polars, same sources, same specs, one process a run, in turns.

    python race.py WORLD --persons 1000000 [--runs 5] [--sets seven,one] [--sides ours,copies,staged,polars]

Makes the world if it is absent, writes the seven wide specs, generates each side's statements outside the clock, then
runs all sides once to warm up and `--runs` times interleaved, each into a fresh folder. Row counts of every table must
agree with ours at every run. Prints a table and writes a record under benches/records/.
"""
import argparse
import datetime as dt
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time

import duckdb
import polars
import pyarrow
import pyarrow.parquet as pq

import spec_sql
import world as worlds

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SIDES = {
    "ours": "leo-extract build: verification, digests, fsync and publication included",
    "ours-unverified": "the same with the verifier patched out (benches/unverified.patch): a measure, never a product",
    "copies": "DuckDB, one COPY an output from the sources; pseudonyms hashed once a cohort person, one join with members",
    "copies-rows": "DuckDB, one COPY an output; sha256 in every row, link and cohort joined in every statement",
    "staged": "DuckDB, tables of linked, conformed rows made once in memory, then one COPY an output",
    "staged-rows": "the same, the staging tables' key hashed with sha256 in every row",
    "polars": "Polars, lazy scans, one streaming sink an output",
    "polars-eager": "Polars, lazy scans, collect and write an output",
}


def arguments():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("world", help="the world's folder; made if absent")
    args.add_argument("--persons", type=int, default=20000)
    args.add_argument("--seed", type=int, default=11)
    args.add_argument("--runs", type=int, default=5)
    args.add_argument("--threads", type=int, default=2)
    args.add_argument("--sides", default="ours,copies,staged,polars", help=f"of: {', '.join(SIDES)}")
    args.add_argument("--sets", default="seven", help="seven, one (the largest project), or project ids joined by +; several by commas")
    args.add_argument("--memory", help="our --memory, for instance 2GiB")
    args.add_argument("--peer-memory", help="DuckDB's memory_limit, for instance 16GB (default: its own)")
    args.add_argument("--tool", default=os.path.join(ROOT, "target", "release", "leo-extract"))
    args.add_argument("--unverified", help="for the side ours-unverified: a tool built with benches/unverified.patch")
    args.add_argument("--work", help="where the runs write (default: WORLD-race, beside the world)")
    args.add_argument("--records", default=os.path.join(ROOT, "benches", "records"))
    args.add_argument("--no-record", action="store_true")
    return args.parse_args()


class Race:
    def __init__(self, args):
        self.args, self.sides = args, args.sides.split(",")
        self.world, self.tool = os.path.abspath(args.world), os.path.abspath(args.tool)
        self.work = os.path.abspath(args.work or self.world.rstrip("/") + "-race")
        unknown = set(self.sides) - set(SIDES)
        if unknown:
            raise SystemExit(f"no such side: {', '.join(sorted(unknown))}")
        if self.sides[0] != "ours":
            raise SystemExit("the first side must be ours: the others are checked and measured against it")
        if "ours-unverified" in self.sides and not args.unverified:
            raise SystemExit("the side ours-unverified needs --unverified, a tool built with benches/unverified.patch")
        os.makedirs(self.work, exist_ok=True)
        self.synth = worlds.make(self.tool, self.world, args.persons, args.seed, args.threads)
        with open(os.path.join(self.world, "SYNTH.json")) as file:
            self.made = json.load(file)
        if (self.made["persons"], self.made["seed"]) != (args.persons, args.seed):
            raise SystemExit(f"the world there has {self.made['persons']} people and seed {self.made['seed']}; say so, or give another folder")
        every = [os.path.basename(p).removesuffix(".yaml") for p in worlds.spec_files()]
        names = {"seven": every, "one": every[:1]}
        self.sets = {s: names.get(s) or s.split("+") for s in args.sets.split(",")}
        self.results = {s: {side: [] for side in self.sides} for s in self.sets}
        self.counts = {}

    @staticmethod
    def text(command):
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def out(self, name, side):
        return os.path.join(self.work, f"{name}-{side}")

    def prepare(self):
        """Plans and configs, outside the clock."""
        for name, projects in self.sets.items():
            config = worlds.race_config(self.world, os.path.join(self.work, "unused"))
            with open(os.path.join(self.work, f"plan-{name}.json"), "w") as file:
                json.dump(spec_sql.plan(config, projects), file)

    def command(self, name, side):
        args, out = self.args, self.out(name, side)
        plan = os.path.join(self.work, f"plan-{name}.json")
        if side.startswith("ours"):
            command = [self.tool if side == "ours" else os.path.abspath(args.unverified), "build", "--config", os.path.join(self.world, "leo-race.yaml"), "--as-of", worlds.AS_OF,
                       "--threads", str(args.threads), "--quiet"] + self.sets[name]
            return command + (["--memory", args.memory] if args.memory else [])
        if side.startswith("polars"):
            return [sys.executable, os.path.join(HERE, "run_polars.py"), plan, out] + (["--eager"] if side == "polars-eager" else [])
        command = [sys.executable, os.path.join(HERE, "run_duckdb.py"), side.split("-")[0], plan, out, "--threads", str(args.threads)]
        command += ["--hash-rows"] if side.endswith("-rows") else []
        return command + (["--memory", args.peer_memory] if args.peer_memory else [])

    def run(self, name, side):
        """One process into a fresh folder. -> seconds, CPU seconds, peak bytes, bytes written"""
        out = self.out(name, side)
        shutil.rmtree(out, ignore_errors=True)
        os.makedirs(out)
        if side.startswith("ours"):
            worlds.race_config(self.world, out)
        # Nobody pays for the pages that an earlier run left to be written.
        os.sync()
        env = {**os.environ, "POLARS_MAX_THREADS": str(self.args.threads)}
        with open(os.path.join(self.work, f"log-{name}-{side}.txt"), "wb") as log:
            start = time.monotonic()
            process = subprocess.Popen(self.command(name, side), stdout=log, stderr=log, env=env)
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.monotonic() - start
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit(f"{side} ({name}) ended with {process.returncode}; see its log under the work folder")
        rows, written = self.read_back(name, side)
        if side == "ours":
            self.counts[name] = rows
        different = [p for p in self.counts[name] if self.counts[name][p] != rows.get(p)] + [p for p in rows if p not in self.counts[name]]
        if different:
            lines = [f"  {p}: ours {self.counts[name].get(p)}, {side} {rows.get(p)}" for p in different[:20]]
            raise SystemExit(f"{side} ({name}): {len(different)} tables have other rows than ours\n" + "\n".join(lines))
        return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * 1024, "written": written}

    def read_back(self, name, side):
        """-> rows by table (`PROJECT/element/period.parquet`) and the bytes of the tables"""
        rows, written, out = {}, 0, self.out(name, side)
        for project in self.sets[name]:
            folder = os.path.join(out, project)
            if side.startswith("ours"):
                folder = os.path.join(folder, "latest", "data")
                with open(os.path.join(folder, "manifest.json")) as file:
                    manifest = {t["path"]: t["rows"] for t in json.load(file)["tables"]}
            for where, _, files in os.walk(folder):
                for file in files:
                    if file.endswith(".parquet"):
                        path = os.path.join(where, file)
                        table = os.path.relpath(path, folder)
                        rows[f"{project}/{table}"] = pq.read_metadata(path).num_rows
                        written += os.path.getsize(path)
                        if side.startswith("ours") and manifest.get(table) != rows[f"{project}/{table}"]:
                            raise SystemExit(f"our manifest of {project} tells other rows of {table} than the file")
        return rows, written

    def go(self):
        self.prepare()
        self.started, self.load = dt.datetime.now(), os.getloadavg()
        for turn in range(-1, self.args.runs):
            for name in self.sets:
                # A side that always follows the same one would inherit its cache; turn the order round each time.
                order = self.sides if turn < 1 else self.sides[turn % len(self.sides):] + self.sides[:turn % len(self.sides)]
                for side in order:
                    took = self.run(name, side)
                    print(f"{'warm-up' if turn < 0 else f'run {turn + 1}'}  {name:6}  {side:16} {took['wall']:8.2f} s  cpu {took['cpu']:8.2f} s  "
                          f"peak {took['peak'] / 2**30:6.2f} GiB  {took['written'] / 2**20:8.1f} MiB", flush=True)
                    if turn >= 0:
                        self.results[name][side].append(took)
                    if side != "ours":
                        shutil.rmtree(self.out(name, side), ignore_errors=True)

    def table(self):
        """The results as Markdown."""
        lines = []
        for name, sides in self.results.items():
            rows = sum(self.counts[name].values())
            lines += [f"### {name}: {len(self.sets[name])} project(s), {len(self.counts[name])} tables, {rows:,} rows", "",
                      "| side | wall s, median (min to max) | CPU s | cores busy | peak GiB | MiB written | rows/s | peer / ours, pair by pair: median (min to max) |",
                      "|---|---|---|---|---|---|---|---|"]
            for side, runs in sides.items():
                def mid(key):
                    return statistics.median(r[key] for r in runs)
                wall, pairs = [r["wall"] for r in runs], [r["wall"] / o["wall"] for r, o in zip(runs, sides["ours"])]
                busy = statistics.median(r["cpu"] / r["wall"] / self.args.threads for r in runs)
                lines.append(f"| {side} | {mid('wall'):.2f} ({min(wall):.2f} to {max(wall):.2f}) | {mid('cpu'):.2f} | {busy:.0%} | {mid('peak') / 2**30:.2f} | "
                             f"{mid('written') / 2**20:.1f} | {rows / mid('wall'):,.0f} | {statistics.median(pairs):.2f} ({min(pairs):.2f} to {max(pairs):.2f}) |")
            lines.append("")
        if {"seven", "one"} <= set(self.results):
            pairs = [a["wall"] / b["wall"] for a, b in zip(self.results["seven"]["ours"], self.results["one"]["ours"])]
            lines += [f"Ours, seven projects over the largest alone: {statistics.median(pairs):.2f} ({min(pairs):.2f} to {max(pairs):.2f}).", ""]
        return "\n".join(lines)

    def machine(self):
        with open("/proc/cpuinfo") as file:
            model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        commit = self.text(["git", "-C", os.path.dirname(self.tool), "rev-parse", "HEAD"]).strip() or self.text(["git", "-C", ROOT, "rev-parse", "HEAD"]).strip()
        return {"cpu": model, "cores": os.cpu_count(), "memory_gib": round(memory / 2**30, 1), "system": f"{platform.system()} {platform.release()}",
                "commit": commit, "tool": self.text([self.tool, "--version"]).strip(), "python": platform.python_version(),
                "duckdb": duckdb.__version__, "polars": polars.__version__, "pyarrow": pyarrow.__version__,
                "load_at_start": [round(x, 2) for x in self.load], "load_at_end": [round(x, 2) for x in os.getloadavg()]}

    def record(self):
        """The record as Markdown, with the figures as JSON at its end; no path of this machine in it."""
        def plain(command):
            text = " ".join(command)
            unverified = [(os.path.abspath(self.args.unverified), "leo-extract-unverified")] if self.args.unverified else []
            for path, word in [(self.work, "WORK"), (self.world, "WORLD"), *unverified, (self.tool, "leo-extract"), (HERE, "benches/peers"), (sys.executable, "python")]:
                text = text.replace(path, word)
            return text
        first, machine = next(iter(self.sets)), self.machine()
        source = sum(os.path.getsize(os.path.join(w, f)) for w, _, fs in os.walk(os.path.join(self.world, "sources")) for f in fs)
        lines = [f"# Race of {self.started:%Y-%m-%d %H:%M}: {', '.join(self.sides)}", "", self.table(),
                 f"World: {self.made['persons']:,} people, seed {self.made['seed']}, {source / 2**20:.0f} MiB of sources. {self.args.runs} runs a side "
                 f"after one warm-up, interleaved, {self.args.threads} threads. Row counts of every table agreed at every run.", "", "## Machine and versions", ""]
        lines += [f"- {key}: {value}" for key, value in machine.items()] + ["", "## Sides and commands", ""]
        lines += [f"- world: `{plain([self.tool] + [os.path.abspath(w) if w == self.args.world else w for w in self.synth[1:]])}`"]
        lines += [f"- {side}: {SIDES[side]}: `{plain(self.command(first, side))}`" for side in self.sides]
        figures = {"machine": machine, "sets": self.sets, "rows": {s: sum(c.values()) for s, c in self.counts.items()}, "runs": self.results}
        return "\n".join(lines + ["", "## Figures", "", "```json", json.dumps(figures, indent=1), "```", ""])


def main():
    args = arguments()
    race = Race(args)
    race.go()
    print("\n" + race.table())
    if not args.no_record:
        os.makedirs(args.records, exist_ok=True)
        path = os.path.join(args.records, f"{race.started:%Y-%m-%d}-{'-'.join(race.sides)}.md")
        if os.path.exists(path):
            path = path.removesuffix(".md") + f"-{race.started:%H%M}.md"
        with open(path, "w") as file:
            file.write(race.record())
        print(f"record: {os.path.relpath(path)}")


if __name__ == "__main__":
    main()
