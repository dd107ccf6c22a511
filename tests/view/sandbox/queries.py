"""Queries of analysts: useful ones, and those that take more than there is."""

# About 13 kB a row, as the scales see it.
LONG = "replace(if(range % 2 = 0, '" + "u" * 100 + "', '" + "v" * 100 + "'), 'u', '" + "x" * 130 + "')"
LONG_ROWS = f"(SELECT {LONG} AS s FROM range(1000000))"
# None of these is too long, all of them are.
TOGETHER = [
    f"SELECT count(*) FROM {LONG_ROWS} WHERE " + " AND ".join(f"s || {n} > 'a'" for n in range(60)),
    f"SELECT count(*) FROM {LONG_ROWS} WHERE " + " OR ".join(f"upper(s) = '{n}'" for n in range(20)),
    "SELECT " + ", ".join(f"max(left(s || {n}, {n}))" for n in range(60)) + f" FROM {LONG_ROWS}",
    f"SELECT {LONG} AS s, " + ", ".join(f"length(s) + {n}" for n in range(20)) + " FROM range(1000000)",
    f"WITH t AS (FROM {LONG_ROWS}) SELECT count(*) FROM " + ", ".join(f"t t{n}" for n in range(9)),
    f"WITH t AS (FROM {LONG_ROWS}), v AS (FROM t a, t b), w AS (FROM v a, v b) SELECT count(*) FROM w a, w b",
    "SELECT count(*) FROM " + ", ".join(f"{LONG_ROWS} t{n}" for n in range(9)),
    "SELECT s FROM " + LONG_ROWS + f" UNION ALL SELECT s FROM {LONG_ROWS}" * 8,
    f"SELECT [upper(c) FOR c IN string_split(s, '')] FROM {LONG_ROWS}",
    "SELECT CASE " + " ".join(f"WHEN lower(s) = '{n}' THEN {n}" for n in range(20)) + f" END FROM {LONG_ROWS}",
    "SELECT s FROM " + LONG_ROWS + " ORDER BY " + ", ".join(f"reverse(s || {n})" for n in range(20)),
]

BOMBS = [
    *TOGETHER,
    "SELECT " + "||".join(["municipality"] * 400) + " FROM reports",
    "WITH "
    + ", ".join(f"t{i + 1} AS (SELECT s || s AS s FROM t{i})" for i in range(1, 40)).replace(
        "t2 AS", "t1 AS (SELECT municipality AS s FROM reports), t2 AS", 1
    )
    + " SELECT s FROM t40",
    "SELECT "
    + "concat(" * 6
    + "municipality"
    + ", municipality" * 1
    + ")" * 0
    + ", 'x')" * 6
    + " || "
    + " || ".join(["replace(replace(municipality, '', municipality), 's', municipality || municipality)"])
    + " FROM reports",
    "SELECT municipality AS a, a || a AS b, b || b AS c, c || c AS d, d || d AS e, e || e AS f, f || f AS g, g || g AS "
    "h, h || h AS i FROM reports",
    "SELECT 1 + sent AS x0, " + ", ".join(f"x{i} + x{i} AS x{i + 1}" for i in range(20)) + " FROM books",
    "WITH big AS (SELECT string_agg(md5(range::TEXT)) AS s FROM range(1000000)) SELECT upper(s) FROM big, range(9999)",
    "SELECT upper(s) FROM (SELECT list(md5(range::TEXT)) AS s FROM range(1000000)), range(100000)",
    "FROM books PIVOT (string_agg(municipality) FOR sent IN (40 AS a)) p, range(100000) SELECT upper(a)",
    "SELECT unnest([1, 2, 3]), string_agg(md5(range::TEXT)) FROM range(1000000)",
    "SELECT string_agg(md5(range::TEXT)) OVER (ORDER BY range) FROM range(1000000)",
    "SELECT first_value(string_agg(municipality)) OVER () FROM reports GROUP BY report_id",
    "SELECT list(range) AS l, list_filter(l, lambda x: list_contains(l, x)) FROM range(1000000)",
    "SELECT position(string_agg(municipality, '') IN string_agg(municipality, '')) FROM reports",
    "SELECT max(md5(range::TEXT), 900000) OVER () FROM range(1000000)",
    "SELECT " + "list_transform(flags, lambda x: " * 9 + "flags" + ")" * 9 + " FROM reports",
    "SELECT "
    + "regexp_replace(" * 5
    + "municipality"
    + ", '.', '\\0\\0\\0\\0\\0\\0\\0\\0', 'g')" * 5
    + " FROM reports",
    "SELECT regexp_matches(municipality, report_id || '(x{1,1000}){1,1000}') FROM reports",
    "SELECT array_to_string(string_split(municipality, ''), '" + "x" * 5_000 + "') FROM reports",
    "SELECT " + ", ".join("*" * 60) + " FROM (SELECT " + ", ".join("*" * 60) + " FROM reports)",
    "WITH t1 AS (FROM books), " + ", ".join(f"t{i + 1} AS (FROM t{i} a, t{i} b)" for i in range(1, 15)) + " FROM t15",
    "WITH t1 AS NOT MATERIALIZED (FROM books) FROM t1",
    "SELECT count(*) FROM " + ", ".join(f"books b{i}" for i in range(200)),
    "SELECT count(*) FROM range(10) t(x) GROUP BY CUBE (" + ", ".join(f"x + {i}" for i in range(12)) + ")",
    "FROM books PIVOT (count(*) FOR sent IN (" + ", ".join(map(str, range(300))) + "))",
    "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
    "WITH RECURSIVE t AS (SELECT municipality AS s FROM reports UNION ALL SELECT s || s FROM t) FROM t",
    "WITH RECURSIVE t(a) USING KEY (a) AS (SELECT 1 UNION SELECT a FROM t) FROM t",
]

SHAPES = [
    "",
    " ",
    ";",
    "-- only a comment",
    "/* only a comment */",
    "/* not closed",
    "SELECT 'not closed",
    "SELECT '\ud800'",
    "\ufeff",
    "SELECT 1 /*" + "x" * 20_000 + "*/",
    "SELECT '" + "ø" * 10_001 + "'",
    "SELECT " + "(" * 9_000 + "1" + ")" * 9_000,
    "SELECT " + "(" * 19_000,
    "SELECT " + "- " * 9_000 + "1",
    "SELECT " + "NOT " * 4_000 + "true",
    "SELECT " + "[" * 9_000 + "]" * 9_000,
    "SELECT " + "{a:" * 4_000 + "1" + "}" * 4_000,
    "SELECT " + "1+" * 9_000 + "1",
    "SELECT " + "1," * 9_000 + "1",
    "SELECT " + "CASE WHEN true THEN " * 900 + "1" + " END" * 900,
    "SELECT * FROM " + "(SELECT * FROM " * 1_000 + "books" + ")" * 1_000,
    "SELECT " + "(SELECT " * 1_500 + "1" + ")" * 1_500,
    "SELECT " + "lower(" * 2_000 + "'x'" + ")" * 2_000,
    "SELECT 'x'" + "::TEXT" * 3_000,
    "SELECT " + "list_transform([1], lambda x: " * 300 + "x" + ")" * 300,
    "SELECT " + "interval (" * 900 + "1" + ") day" * 900,
    "SELECT NULL::" + "STRUCT(a " * 1_000 + "INTEGER" + ")" * 1_000,
    "SELECT NULL::INTEGER" + "[]" * 9_000,
    "/*" * 9_000,
    "FROM " + "(" * 9_000 + "books" + ")" * 9_000,
    "SELECT " + "x -> " * 3_000 + "1",
    "SELECT a" + ".b" * 9_000 + "()",
]


USEFUL = [
    "SELECT * FROM reports WHERE " + " OR ".join(f"municipality ILIKE '%name {n}%'" for n in range(150)),
    "SELECT "
    + ", ".join(f"count(*) FILTER (status = 'missing' AND sent_at > now() - INTERVAL {n} DAY)" for n in range(60))
    + " FROM reports",
    "SELECT CASE " + " ".join(f"WHEN municipality = '{n}' THEN 'name {n}'" for n in range(300)) + " END FROM reports",
    "SELECT * FROM reports",
    "FROM reports",
    "FROM reports SELECT municipality, count(*) GROUP BY ALL ORDER BY ALL",
    "TABLE books",
    "VALUES (1, 'a'), (2, 'b')",
    "SELECT count(*) AS n FROM main.reports r WHERE r.status = 'missing' AND r.sent_at >= TIMESTAMPTZ '2026-01-02'",
    "SELECT status, municipality, count(*) FROM reports GROUP BY ALL ORDER BY 3 DESC, 1",
    "SELECT municipality, count(*) FILTER (WHERE status = 'missing') AS missing, count(*) AS n FROM reports GROUP BY 1",
    "SELECT municipality, round(100.0 * count_if(status = 'missing') / count(*), 1) AS percent FROM reports GROUP BY 1",
    "SELECT date_trunc('day', sent_at) AS day, count(*) FROM reports GROUP BY day HAVING count(*) > 3 ORDER BY day",
    "SELECT date_trunc('week', sent_at AT TIME ZONE 'Europe/Oslo')::DATE w, count(*) FROM reports GROUP BY 1",
    "SELECT quantile_cont(epoch(sent_at), 0.95), median(epoch(sent_at)), stddev(epoch(sent_at)) FROM reports",
    "SELECT quantile_cont(sent, [0.5, 0.9]) FROM books",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY sent) FROM books",
    "WITH late AS (SELECT * FROM reports WHERE list_contains(flags, 'late')) SELECT municipality, count(*) FROM late "
    "GROUP BY 1",
    "WITH a AS (FROM reports), b AS (SELECT municipality, count(*) n FROM a GROUP BY 1) FROM b JOIN books USING "
    "(municipality) SELECT municipality, n - sent AS difference",
    "SELECT *, row_number() OVER (PARTITION BY municipality ORDER BY sent_at) AS nth FROM reports QUALIFY nth <= 2",
    "SELECT municipality, sent_at, sent_at - lag(sent_at) OVER w AS gap FROM reports WINDOW w AS (PARTITION BY "
    "municipality ORDER BY sent_at)",
    "SELECT sum(sent) OVER (ORDER BY municipality ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM books",
    "SELECT first_value(sent_at) OVER (PARTITION BY status ORDER BY sent_at), rank() OVER (ORDER BY sent_at), "
    "ntile(4) OVER (ORDER BY sent_at) FROM reports",
    "SELECT flag, count(*) FROM reports, unnest(flags) AS t(flag) GROUP BY ALL",
    "SELECT report_id, unnest(flags) AS flag FROM reports",
    "SELECT len(flags), flags[1], list_sort(flags), array_to_string(flags, ', ') FROM reports",
    "SELECT [upper(f) FOR f IN flags IF f LIKE 'l%'] AS loud FROM reports",
    "SELECT list_transform(flags, lambda f: f || '!') AS loud, list_filter(flags, lambda f: f <> 'copy') FROM reports",
    "SELECT status, list(DISTINCT municipality ORDER BY municipality) AS places FROM reports GROUP BY ALL",
    "SELECT status, string_agg(DISTINCT municipality, ', ') AS places FROM reports GROUP BY ALL",
    "SELECT r.municipality, b.stored FROM reports r LEFT JOIN books b ON r.municipality = b.municipality",
    "SELECT b.*, l.latest_report FROM books b, LATERAL (SELECT max(sent_at) AS latest_report FROM reports r WHERE "
    "r.municipality = b.municipality) l",
    "SELECT * FROM books b ASOF JOIN reports r ON b.municipality = r.municipality AND b.latest >= r.sent_at",
    "SELECT municipality FROM reports UNION SELECT municipality FROM books EXCEPT SELECT 'Oslo' ORDER BY 1",
    "SELECT * FROM reports WHERE municipality IN (SELECT municipality FROM books) AND EXISTS (FROM books)",
    "SELECT municipality, (SELECT max(sent) FROM books) AS most FROM reports LIMIT 5 OFFSET 2",
    "SELECT CASE WHEN status IN ('missing', 'waiting') THEN 'open' ELSE 'closed' END AS state, count(*) FROM reports "
    "GROUP BY ROLLUP (state)",
    "SELECT coalesce(nullif(municipality, ''), 'unknown'), if(len(flags) > 0, 'yes', 'no'), status::TEXT FROM reports",
    "SELECT lower(municipality), replace(municipality, 'ø', 'o'), municipality || ' kommune', left(municipality, 2), "
    "split_part(report_id::TEXT, '-', 5), concat_ws(', ', municipality, status) FROM reports",
    "SELECT regexp_extract(municipality, '^(.)', 1), regexp_matches(municipality, 's'), regexp_replace(municipality, "
    "'[aeiou]', '', 'g') FROM reports WHERE municipality SIMILAR TO '[A-Z].*' OR municipality ILIKE 'o%'",
    "SELECT strftime(sent_at, '%Y-%m'), extract(hour FROM sent_at), dayname(sent_at), sent_at + INTERVAL 1 DAY, "
    "date_diff('hour', sent_at, now()), age(now(), sent_at), current_date FROM reports",
    "SELECT time_bucket(INTERVAL '6 hours', sent_at) AS hours, count(*) FROM reports GROUP BY hours",
    "SELECT arg_min(municipality, sent_at), arg_max(municipality, sent_at, 3), any_value(status), mode(municipality), "
    "histogram(municipality), approx_count_distinct(report_id) FROM reports",
    "SELECT * EXCLUDE (flags) REPLACE (lower(municipality) AS municipality) FROM reports",
    "SELECT COLUMNS('sent|stored') FROM books",
    "FROM reports PIVOT (count(*) FOR status IN ('missing', 'stored') GROUP BY municipality)",
    "PIVOT reports ON status IN ('missing', 'stored') USING count(*) GROUP BY municipality",
    "UNPIVOT books ON sent, stored",
    "SELECT d::DATE FROM generate_series(DATE '2026-01-01', DATE '2026-01-31', INTERVAL 1 DAY) t(d)",
    "SELECT g.d, count(r.report_id) FROM generate_series(TIMESTAMPTZ '2026-01-01', now(), INTERVAL 1 DAY) g(d) "
    "LEFT JOIN reports r ON r.sent_at >= g.d AND r.sent_at < g.d + INTERVAL 1 DAY GROUP BY ALL ORDER BY ALL",
    "SELECT DISTINCT ON (municipality) municipality, sent_at FROM reports ORDER BY municipality, sent_at DESC",
    "SELECT count(*) FROM reports USING SAMPLE 10",
    "SELECT {'place': municipality, 'n': count(*)} AS pair FROM reports GROUP BY municipality -- a comment; with it",
    "SELECT 1 AS positions, 'DROP TABLE reports; --' AS text;",
    "WITH positions AS (SELECT 1 AS one) SELECT one FROM positions",
    "SELECT lower(municipality).upper() FROM reports ORDER BY municipality COLLATE nocase",
]
