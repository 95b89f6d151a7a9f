-- waste, sent again
-- statements: 7

-- 1.1
SELECT -1 AS part
WHERE NOT EXISTS (SELECT 1
  FROM idempotency
  WHERE tenant_id = $1
  AND actor_id = $2
  AND key = $3);
--> SCAN CONSTANT ROW
--> SCALAR SUBQUERY 1
-->   SEARCH idempotency USING COVERING INDEX sqlite_autoindex_idempotency_1 (tenant_id=? AND actor_id=? AND key=?)

-- 1.2
SELECT 0 AS part, told.*
FROM (SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
  head.closed_through, head.last_recorded_at, head.last_counted_at
  FROM location AS area
  JOIN location AS site ON site.tenant_id = area.tenant_id
  AND site.id = area.site_id
  JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
  WHERE area.tenant_id = $4
  AND area.path = $5) AS told;
--> SEARCH area USING INDEX ix_location_path (tenant_id=? AND path=?)
--> SEARCH site USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 1.3
SELECT 1 AS part, told.*
FROM (SELECT item.id, item.sku, unit.code AS base_unit, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days,
  item.shelf_life_days, item.opened_shelf_life_days, item.archived_at, own.code AS own_unit, own.numerator, own.denominator
  FROM item
  JOIN unit ON unit.tenant_id = item.tenant_id
  AND unit.id = item.base_unit_id
  LEFT JOIN item_unit AS own ON own.tenant_id = item.tenant_id
  AND own.item_id = item.id
  WHERE item.tenant_id = $6
  AND item.sku IN (SELECT (value->>'$[0]') AS sku
    FROM json_each($7))) AS told;
--> SEARCH item USING INDEX ix_item_sku (tenant_id=? AND sku=?)
--> LIST SUBQUERY 1
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   CREATE BLOOM FILTER
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH own USING INDEX ix_item_unit_item_id_code (tenant_id=? AND item_id=?) LEFT-JOIN

-- 1.4
SELECT 2 AS part, told.*
FROM (SELECT id, code, stage, archived_at
  FROM reason
  WHERE tenant_id = $8
  AND kind = $9
  AND code IN (SELECT (value->>'$[0]') AS code
    FROM json_each($10))) AS told;
--> SEARCH reason USING INDEX ix_reason_kind_code (tenant_id=? AND kind=? AND code=?)
--> LIST SUBQUERY 1
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   CREATE BLOOM FILTER

-- 2
SELECT fingerprint, status, body
FROM idempotency
WHERE tenant_id = $1
AND actor_id = $2
AND key = $3;
--> SEARCH idempotency USING INDEX sqlite_autoindex_idempotency_1 (tenant_id=? AND actor_id=? AND key=?)

-- 3
SELECT location.id AS location_id, site.id AS site_id, site.time_zone, site.day_starts_at
FROM location
JOIN location AS site ON site.tenant_id = location.tenant_id
AND site.id = location.site_id
WHERE location.tenant_id = $1
AND location.id IN (SELECT unhex(value->>'$[0]') AS id
  FROM json_each($2));
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> LIST SUBQUERY 1
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   CREATE BLOOM FILTER
--> SEARCH site USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)

-- 4
SELECT number, last_seq, position, chain_hash
FROM document
WHERE tenant_id = $1
AND id = $2;
--> SEARCH document USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)
