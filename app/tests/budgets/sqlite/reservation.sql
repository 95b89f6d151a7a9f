-- reservation
-- statements: 10

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

-- 2.1
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

-- 2.2
SELECT 1 AS part, told.*
FROM (SELECT item.id, item.sku, unit.code AS base_unit, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days,
  item.shelf_life_days, item.opened_shelf_life_days, item.archived_at, own.code AS own_unit, own.numerator, own.denominator
  FROM item
  JOIN unit ON unit.tenant_id = item.tenant_id
  AND unit.id = item.base_unit_id
  LEFT JOIN item_unit AS own ON own.tenant_id = item.tenant_id
  AND own.item_id = item.id
  WHERE item.tenant_id = $3
  AND item.sku IN (SELECT (value->>'$[0]') AS sku
    FROM json_each($4))) AS told;
--> SEARCH item USING INDEX ix_item_sku (tenant_id=? AND sku=?)
--> LIST SUBQUERY 1
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   CREATE BLOOM FILTER
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH own USING INDEX ix_item_unit_item_id_code (tenant_id=? AND item_id=?) LEFT-JOIN

-- 2.3
SELECT 2 AS part, told.*
FROM (SELECT code, dimension, numerator, denominator
  FROM unit
  WHERE tenant_id = $5) AS told;
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=?)

-- 3: writes stock_key
INSERT INTO stock_key (tenant_id, item_id, location_id)
SELECT *
FROM (SELECT COALESCE($1, value) AS tenant_id, unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id
  FROM json_each($2)) AS wanted
WHERE true
ORDER BY item_id, location_id
ON CONFLICT DO NOTHING;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> USE TEMP B-TREE FOR ORDER BY

-- 4: writes reservation
UPDATE reservation
SET status = 'ended', version = reservation.version + 1, updated_at = $3
FROM (SELECT COALESCE($1, value) AS tenant_id, unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id
  FROM json_each($2)) AS wanted
WHERE reservation.tenant_id = wanted.tenant_id
AND reservation.item_id = wanted.item_id
AND reservation.location_id = wanted.location_id
AND reservation.status = 'active'
AND reservation.ends_at <= $3
RETURNING reservation.item_id, reservation.location_id, reservation.quantity - reservation.taken AS rest;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH reservation USING INDEX ix_reservation_item_id_location_id (tenant_id=? AND item_id=? AND location_id=?)

-- 5
SELECT 0 AS part, told.*
FROM (WITH wanted AS MATERIALIZED (SELECT stock_key.tenant_id, stock_key.item_id, stock_key.location_id, stock_key.reserved_quantity - CASE WHEN stock_key.reserved_quantity = 0 THEN 0 ELSE CAST(COALESCE((SELECT SUM(past.quantity - past.taken)
          FROM reservation AS past
          WHERE past.tenant_id = stock_key.tenant_id
          AND past.item_id = stock_key.item_id
          AND past.location_id = stock_key.location_id
          AND past.status = 'active'
          AND past.ends_at <= $2), 0) AS BIGINT) END AS reserved_quantity
    FROM (SELECT unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id
      FROM json_each($1)) AS given
    CROSS JOIN stock_key
    WHERE stock_key.tenant_id = $3
    AND stock_key.item_id = given.item_id
    AND stock_key.location_id = given.location_id)
  SELECT lot.id, lot.item_id, lot.origin_seq, lot.origin_line, lot.batch_code, lot.received_at, lot.expires_on, lot.date_kind,
  lot.opened_at, lot.hold, lot.basis_quantity, lot.basis_value, lot.cost_floor_at, lot.revalued_position, lot.void, lot.version,
  balance.location_id, balance.quantity, balance.value, wanted.reserved_quantity
  FROM wanted
  CROSS JOIN balance
  CROSS JOIN lot
  WHERE balance.tenant_id = $3
  AND balance.item_id = wanted.item_id
  AND balance.location_id = wanted.location_id
  AND balance.quantity > 0
  AND lot.tenant_id = $3
  AND lot.id = balance.lot_id) AS told;
--> MATERIALIZE wanted
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   SEARCH stock_key USING INDEX sqlite_autoindex_stock_key_1 (tenant_id=? AND item_id=? AND location_id=?)
-->   CORRELATED SCALAR SUBQUERY 1
-->     SEARCH past USING INDEX ix_reservation_item_id_location_id (tenant_id=? AND item_id=? AND location_id=?)
--> SCAN wanted
--> SEARCH balance USING INDEX sqlite_autoindex_balance_1 (tenant_id=? AND item_id=? AND location_id=?)
--> SEARCH lot USING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)

-- 6: writes stock_key
UPDATE stock_key
SET reserved_quantity = stock_key.reserved_quantity + now.quantity
FROM (SELECT COALESCE($1, value) AS tenant_id, unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id, (value->>'$[2]') AS quantity
  FROM json_each($2)) AS now
WHERE stock_key.tenant_id = now.tenant_id
AND stock_key.item_id = now.item_id
AND stock_key.location_id = now.location_id;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH stock_key USING INDEX sqlite_autoindex_stock_key_1 (tenant_id=? AND item_id=? AND location_id=?)

-- 7: writes reservation
INSERT INTO "reservation" ("id", "tenant_id", "version", "created_at", "updated_at", "item_id", "location_id", "quantity",
  "taken", "status", "external_ref", "note", "ends_at", "reserved_by")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
RETURNING "id", "tenant_id", "version", "created_at", "updated_at", "item_id", "location_id", "quantity", "taken", "status",
"external_ref", "note", "ends_at", "reserved_by";

-- 8: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
