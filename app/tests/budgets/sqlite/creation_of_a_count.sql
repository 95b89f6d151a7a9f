-- creation of a count
-- statements: 5

-- 1
SELECT -1 AS part
WHERE NOT EXISTS (SELECT 1
  FROM idempotency
  WHERE tenant_id = $1
  AND actor_id = $2
  AND key = $3);
--> SCAN CONSTANT ROW
--> SCALAR SUBQUERY 1
-->   SEARCH idempotency USING COVERING INDEX sqlite_autoindex_idempotency_1 (tenant_id=? AND actor_id=? AND key=?)

-- 2
SELECT 0 AS part, told.*
FROM (SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
  head.closed_through, head.last_recorded_at, head.last_counted_at
  FROM location AS area
  JOIN location AS site ON site.tenant_id = area.tenant_id
  AND site.id = area.site_id
  JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
  WHERE area.tenant_id = $1
  AND area.path = $2) AS told;
--> SEARCH area USING INDEX ix_location_path (tenant_id=? AND path=?)
--> SEARCH site USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 3: writes stock_count
INSERT INTO stock_count (id, tenant_id, version, created_at, updated_at, status, location_id, site_id, blind, needs_approval,
  uncounted, external_ref, note, created_by)
SELECT unhex(value->>'$[0]') AS id, unhex(value->>'$[1]') AS tenant_id, (value->>'$[2]') AS version, (value->>'$[3]') AS created_at,
(value->>'$[4]') AS updated_at, (value->>'$[5]') AS status, unhex(value->>'$[6]') AS location_id, unhex(value->>'$[7]') AS site_id,
(value->>'$[8]') AS blind, (value->>'$[9]') AS needs_approval, (value->>'$[10]') AS uncounted, (value->>'$[11]') AS external_ref,
(value->>'$[12]') AS note, unhex(value->>'$[13]') AS created_by
FROM json_each($1);
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH stock_count_counter USING COVERING INDEX sqlite_autoindex_stock_count_counter_1 (tenant_id=? AND count_id=?)
--> SEARCH stock_count_line USING COVERING INDEX sqlite_autoindex_stock_count_line_1 (tenant_id=? AND count_id=?)

-- 4
SELECT rules_version
FROM ledger_head
WHERE tenant_id = $1
AND rules_version = $2;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 5: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
