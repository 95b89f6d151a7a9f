-- recall of a lot
-- statements: 14

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
SELECT lot.id, lot.item_id, item.sku, lot.batch_code, lot.origin_document_id, lot.origin_line, lot.received_at, lot.produced_on,
lot.expires_on, lot.date_kind, lot.hold, lot.opened_at, item.grace_days, site.time_zone, site.day_starts_at, lot.basis_quantity,
lot.basis_value, unit.code AS unit, lot.void, lot.version, CAST((SELECT COALESCE(SUM(held.quantity), 0)
    FROM (SELECT balance.quantity, balance.value, balance.lot_id, balance.location_id
      FROM balance
      WHERE balance.tenant_id = $1) AS held
    WHERE held.lot_id = lot.id) AS BIGINT) AS quantity, CAST((SELECT COALESCE(SUM(held.value), 0)
    FROM (SELECT balance.quantity, balance.value, balance.lot_id, balance.location_id
      FROM balance
      WHERE balance.tenant_id = $1) AS held
    WHERE held.lot_id = lot.id) AS BIGINT) AS value
FROM lot
JOIN item ON item.tenant_id = lot.tenant_id
AND item.id = lot.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN document ON document.tenant_id = lot.tenant_id
AND document.id = lot.origin_document_id
JOIN location AS site ON site.tenant_id = document.tenant_id
AND site.id = document.site_id
WHERE lot.tenant_id = $1
AND lot.id = $2;
--> SEARCH lot USING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH document USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)
--> SEARCH site USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> CORRELATED SCALAR SUBQUERY 2
-->   SEARCH balance USING INDEX ix_balance_lot_id (tenant_id=? AND lot_id=?)
--> CORRELATED SCALAR SUBQUERY 4
-->   SEARCH balance USING INDEX ix_balance_lot_id (tenant_id=? AND lot_id=?)

-- 3
SELECT balance.location_id, location.path AS location, balance.quantity, balance.value
FROM balance
JOIN location ON location.tenant_id = balance.tenant_id
AND location.id = balance.location_id
WHERE balance.tenant_id = $1
AND balance.lot_id = $2
AND balance.quantity > 0
ORDER BY location.path;
--> SEARCH balance USING INDEX ix_balance_lot_id (tenant_id=? AND lot_id=?)
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 4
SELECT link.lot_id, link.parent_id, link.quantity, link.document_id
FROM lot_parent AS link
WHERE link.tenant_id = $1
AND link.lot_id IN (SELECT unhex(value->>'$[0]') AS id
  FROM json_each($2))
ORDER BY 1, 2;
--> SEARCH link USING INDEX sqlite_autoindex_lot_parent_1 (tenant_id=? AND lot_id=?)
--> LIST SUBQUERY 1
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   CREATE BLOOM FILTER

-- 5
SELECT number, kind, recorded_at, actor_id, expires_on_before, expires_on_after, note
FROM lot_event
WHERE tenant_id = $1
AND lot_id = $2
ORDER BY number;
--> SEARCH lot_event USING INDEX sqlite_autoindex_lot_event_1 (tenant_id=? AND lot_id=?)

-- 6
WITH RECURSIVE made (id) AS (SELECT id
  FROM lot
  WHERE tenant_id = $1
  AND id = $2
  UNION
  SELECT link.lot_id
  FROM made
  JOIN lot_parent AS link ON link.tenant_id = $1
  AND link.parent_id = made.id)
SELECT id
FROM made
ORDER BY id;
--> CO-ROUTINE made
-->   SETUP
-->     SEARCH lot USING COVERING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)
-->   RECURSIVE STEP
-->     SEARCH link USING COVERING INDEX sqlite_autoindex_lot_parent_1 (tenant_id=?)
-->     SCAN made
--> SCAN made
--> USE TEMP B-TREE FOR ORDER BY

-- 7: writes ledger_head
UPDATE ledger_head
SET rules_version = rules_version + 1
WHERE tenant_id = $1;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 8
SELECT lot.id, lot.hold, lot.expires_on, lot.batch_code, lot.void, lot.version, item.track_expiry, item.track_lots, COALESCE((SELECT MAX(event.number)
    FROM lot_event AS event
    WHERE event.tenant_id = lot.tenant_id
    AND event.lot_id = lot.id), 0) AS events
FROM (SELECT unhex(value->>'$[0]') AS id
  FROM json_each($1)) AS wanted
CROSS JOIN lot
CROSS JOIN item
WHERE lot.tenant_id = $2
AND lot.id = wanted.id
AND item.tenant_id = $2
AND item.id = lot.item_id
ORDER BY lot.id;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH lot USING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> CORRELATED SCALAR SUBQUERY 1
-->   SEARCH event USING COVERING INDEX sqlite_autoindex_lot_event_1 (tenant_id=? AND lot_id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 9
WITH RECURSIVE made (id) AS (SELECT id
  FROM lot
  WHERE tenant_id = $1
  AND id = $2
  UNION
  SELECT link.lot_id
  FROM made
  JOIN lot_parent AS link ON link.tenant_id = $1
  AND link.parent_id = made.id)
SELECT id
FROM made
ORDER BY id;
--> CO-ROUTINE made
-->   SETUP
-->     SEARCH lot USING COVERING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)
-->   RECURSIVE STEP
-->     SEARCH link USING COVERING INDEX sqlite_autoindex_lot_parent_1 (tenant_id=?)
-->     SCAN made
--> SCAN made
--> USE TEMP B-TREE FOR ORDER BY

-- 10: writes lot
UPDATE lot
SET hold = now.hold, expires_on = now.expires_on, batch_code = now.batch_code, version = lot.version + 1
FROM (SELECT COALESCE($1, value) AS tenant_id, unhex(value->>'$[0]') AS id, (value->>'$[1]') AS hold, (value->>'$[2]') AS expires_on,
  (value->>'$[3]') AS batch_code
  FROM json_each($2)) AS now
WHERE lot.tenant_id = now.tenant_id
AND lot.id = now.id;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH lot USING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)

-- 11: writes lot_event
INSERT INTO lot_event (tenant_id, lot_id, number, kind, recorded_at, actor_id, expires_on_before, expires_on_after, note)
SELECT unhex(value->>'$[0]') AS tenant_id, unhex(value->>'$[1]') AS lot_id, (value->>'$[2]') AS number, (value->>'$[3]') AS kind,
(value->>'$[4]') AS recorded_at, unhex(value->>'$[5]') AS actor_id, (value->>'$[6]') AS expires_on_before, (value->>'$[7]') AS expires_on_after,
(value->>'$[8]') AS note
FROM json_each($1);
--> SCAN json_each VIRTUAL TABLE INDEX 1:

-- 12
SELECT balance.lot_id, item.sku, lot.batch_code, balance.location_id, location.path AS location, location.site_id, balance.quantity,
unit.code AS unit
FROM (SELECT unhex(value->>'$[0]') AS id
  FROM json_each($2)) AS wanted
CROSS JOIN balance
JOIN lot ON lot.tenant_id = balance.tenant_id
AND lot.id = balance.lot_id
JOIN item ON item.tenant_id = balance.tenant_id
AND item.id = balance.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN location ON location.tenant_id = balance.tenant_id
AND location.id = balance.location_id
WHERE balance.tenant_id = $1
AND balance.quantity > 0
AND balance.lot_id = wanted.id
ORDER BY location.path, item.sku, lot.origin_seq, lot.origin_line
LIMIT 10001;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH balance USING INDEX ix_balance_lot_id (tenant_id=? AND lot_id=?)
--> SEARCH lot USING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 13
SELECT entry.seq, entry.lot_id, item.sku, entry.kind, entry.document_id, document.type AS document_type, document.number AS document_number,
document.status, entry.location_id, location.path AS location, location.site_id, entry.quantity_delta AS quantity, unit.code AS unit,
entry.effective_at, entry.business_date, detail.purpose, detail.recipient, reason.code AS reason, detail.transfer_id, document.external_ref
FROM (SELECT unhex(value->>'$[0]') AS id
  FROM json_each($2)) AS wanted
CROSS JOIN ledger_entry AS entry
JOIN document ON document.tenant_id = entry.tenant_id
AND document.id = entry.document_id
JOIN item ON item.tenant_id = entry.tenant_id
AND item.id = entry.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN location ON location.tenant_id = entry.tenant_id
AND location.id = entry.location_id
LEFT JOIN document_detail AS detail ON detail.tenant_id = entry.tenant_id
AND detail.document_id = entry.document_id
LEFT JOIN reason ON reason.tenant_id = entry.tenant_id
AND reason.id = entry.reason_id
WHERE entry.tenant_id = $1
AND entry.kind = $3
AND entry.lot_id = wanted.id
ORDER BY entry.seq
LIMIT 10001;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH entry USING INDEX ix_ledger_entry_lot_id_seq (tenant_id=? AND lot_id=?)
--> SEARCH document USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH detail USING INDEX sqlite_autoindex_document_detail_1 (tenant_id=? AND document_id=?) LEFT-JOIN
--> SEARCH reason USING INDEX sqlite_autoindex_reason_2 (tenant_id=? AND id=?) LEFT-JOIN
--> USE TEMP B-TREE FOR ORDER BY

-- 14: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
