"""The same work in DuckDB: `python -m bench.ingest.peer INBOX OUT BUCKETS FORMAT WHAT`; prints moments and counts as JSON.

WHAT `silver`: the accepted rows in buckets, with the broken ones beside them. WHAT `both`: also every record as received, as JSON with its fate.
The checks are those of conf/sources/invoice.yaml: required, kinds, check characters (of each distinct id once), dates after the receipt,
a repeat of a key with the same content a duplicate, with other content a conflict.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import duckdb

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
SUM = " + ".join(f"(strpos('{ALPHABET}', substr(id, {n + 1}, 1)) - 1) * {w}" for n, w in enumerate(WEIGHTS))
VALID = f"regexp_full_match(id, '[{ALPHABET}]{{18}}') AND substr('{ALPHABET}', ((31 - ({SUM}) % 31) % 31)::BIGINT + 1, 1) = substr(id, 18, 1)"

READ = {
    "parquet": "SELECT *, filename AS file, file_row_number + 1 AS line FROM read_parquet('{0}/invoice/*.parquet', filename = true, file_row_number = true)",
    "csv": "SELECT *, filename AS file, row_number() OVER (PARTITION BY filename) + 1 AS line "
           "FROM read_csv('{0}/invoice/*.csv', filename = true, all_varchar = true, normalize_names = true, header = true)",
}  # fmt: skip

CHECKED = """
CREATE TEMP TABLE checked AS
WITH sent AS ({read}),
good AS (SELECT id FROM (SELECT DISTINCT seller_id AS id FROM sent) WHERE {valid}),
typed AS (
  SELECT s.invoice_no, CASE s.kind WHEN '专用' THEN 'special' WHEN '普通' THEN 'ordinary' WHEN '红字' THEN 'red' END AS kind, try_cast(s.issued_on AS DATE) AS issued_on,
         s.seller_id, g.id IS NOT NULL AS valid, s.seller_name, s.buyer_id, s.buyer_name, 'CNY' AS currency,
         try_cast(s.net AS DECIMAL(18, 2)) AS net, try_cast(s.tax AS DECIMAL(18, 2)) AS tax_amount, try_cast(s.gross AS DECIMAL(18, 2)) AS gross, s.item, s.corrects, s.file, s.line{raw}
  FROM sent s LEFT JOIN good g ON s.seller_id = g.id)
SELECT *, list_filter([CASE WHEN invoice_no IS NULL THEN 'required:invoice_no' END, CASE WHEN kind IS NULL THEN 'code:kind' END, CASE WHEN issued_on IS NULL THEN 'date:issued_on' END,
                       CASE WHEN NOT valid THEN 'check_digit:seller_id' END, CASE WHEN net IS NULL THEN 'required:net' END, CASE WHEN tax_amount IS NULL THEN 'required:tax_amount' END,
                       CASE WHEN issued_on > DATE '2026-02-01' THEN 'future' END], lambda x: x IS NOT NULL) AS rules,
       md5(concat_ws('|', invoice_no, kind, issued_on, seller_id, seller_name, buyer_id, buyer_name, currency, net, tax_amount, gross, item, corrects)) AS row_digest,
       crc AS bucket
FROM typed, LATERAL (SELECT hash(seller_id) % {buckets} AS crc)
"""

FATES = """
CREATE TEMP TABLE fated AS
WITH twice AS (SELECT seller_id, invoice_no, issued_on FROM checked WHERE len(rules) = 0 GROUP BY ALL HAVING count(*) > 1),
first AS (SELECT seller_id, invoice_no, issued_on, arg_min(row_digest, (file, line)) AS digest, min((file, line)) AS place
          FROM checked SEMI JOIN twice USING (seller_id, invoice_no, issued_on) WHERE len(rules) = 0 GROUP BY ALL)
SELECT c.*, CASE WHEN len(rules) > 0 THEN 'quarantined' WHEN f.place IS NULL OR f.place = (c.file, c.line) THEN 'accepted' WHEN f.digest = c.row_digest THEN 'duplicate' ELSE 'quarantined' END AS fate
FROM checked c LEFT JOIN first f USING (seller_id, invoice_no, issued_on)
"""

SILVER = """
COPY (SELECT * EXCLUDE (rules, fate, valid{raw}), DATE '2026-02-01' AS known_at, 1 AS run, 'batch' AS batch_id, 'invoice' AS source FROM fated WHERE fate = 'accepted')
TO '{out}/silver' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (bucket))
"""
BROKEN = "COPY (SELECT file, line, rules, {what} AS raw FROM fated WHERE fate = 'quarantined') TO '{out}/quarantine.parquet' (FORMAT parquet, COMPRESSION zstd)"
BRONZE = """
COPY (SELECT file, line, fate, raw, bucket, DATE '2026-02-01' AS known_at, 1 AS run, 'batch' AS batch_id, 'invoice' AS source FROM fated)
TO '{out}/bronze' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (bucket))
"""
RAW = ", to_json(struct_pack({}))::VARCHAR AS raw".format(
    ", ".join(f"{c} := s.{c}" for c in ("invoice_no", "kind", "issued_on", "seller_id", "seller_name", "buyer_id", "buyer_name", "net", "tax", "gross", "item", "corrects"))
)


def main(inbox: Path, out: Path, buckets: int, form: str, what: str) -> None:
    out.mkdir(parents=True)
    db = duckdb.connect()
    db.execute(f"SET threads = 2; SET temp_directory = '{out}/spill'; SET memory_limit = '8GB'; SET preserve_insertion_order = false")
    both = what == "both"
    began = time.time()
    raw = RAW if both else ""
    db.execute(CHECKED.format(read=READ[form].format(inbox), valid=VALID, buckets=buckets, raw=raw))
    db.execute(FATES)
    db.execute(SILVER.format(out=out, raw=", raw" if both else ""))
    db.execute(BROKEN.format(out=out, what="raw" if both else "invoice_no"))
    if both:
        db.execute(BRONZE.format(out=out))
    ended = time.time()
    counts = dict(db.execute("SELECT fate, count(*) FROM fated GROUP BY 1").fetchall())
    print(json.dumps({"began": began, "ended": ended, "received": sum(counts.values()), **counts}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5])
