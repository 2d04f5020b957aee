"""SQLite's full-text search over the documents of the first file, asked the questions of the second."""
import json
import re
import sqlite3
import sys
import time

database = sqlite3.connect(":memory:")
database.execute("create virtual table documents using fts5(name, text, kind unindexed, domain unindexed, prefix='2 3 4')")
with open(sys.argv[1]) as lines:
    database.executemany("insert into documents values (?, ?, ?, ?)", map(json.loads, lines))
database.execute("insert into documents(documents) values ('optimize')")
database.commit()

seconds, counts = [], []
with open(sys.argv[2]) as questions:
    for question in questions.read().splitlines():
        match = " AND ".join(f'"{run}"*' for run in re.findall(r"\w+", question))
        began = time.perf_counter()
        database.execute(
            "select name from documents where documents match ? order by rank limit 50", (match,)
        ).fetchall()
        (count,) = database.execute("select count(*) from documents where documents match ?", (match,)).fetchone()
        for facet in ("kind", "domain"):
            database.execute(
                f"select {facet}, count(*) from documents where documents match ? group by {facet}", (match,)
            ).fetchall()
        seconds.append(time.perf_counter() - began)
        counts.append(count)
print(json.dumps({"version": sqlite3.sqlite_version, "seconds": seconds, "counts": counts}))
