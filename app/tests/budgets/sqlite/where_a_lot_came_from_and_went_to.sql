-- where a lot came from and went to
-- statements: 10

-- 1
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

-- 2
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

-- 3
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

-- 4
SELECT number, kind, recorded_at, actor_id, expires_on_before, expires_on_after, note
FROM lot_event
WHERE tenant_id = $1
AND lot_id = $2
ORDER BY number;
--> SEARCH lot_event USING INDEX sqlite_autoindex_lot_event_1 (tenant_id=? AND lot_id=?)

-- 5
WITH RECURSIVE link (near, far) AS (SELECT lot_id, parent_id
  FROM lot_parent
  WHERE tenant_id = $1
  AND lot_id = $2
  UNION
  SELECT next.lot_id, next.parent_id
  FROM link
  JOIN lot_parent AS next ON next.tenant_id = $1
  AND next.lot_id = link.far)
SELECT near, far
FROM link
LIMIT 10001;
--> CO-ROUTINE link
-->   SETUP
-->     SEARCH lot_parent USING COVERING INDEX sqlite_autoindex_lot_parent_1 (tenant_id=? AND lot_id=?)
-->   RECURSIVE STEP
-->     SEARCH next USING COVERING INDEX sqlite_autoindex_lot_parent_1 (tenant_id=?)
-->     SCAN link
--> SCAN link

-- 6
WITH RECURSIVE link (near, far) AS (SELECT parent_id, lot_id
  FROM lot_parent
  WHERE tenant_id = $1
  AND parent_id = $2
  UNION
  SELECT next.parent_id, next.lot_id
  FROM link
  JOIN lot_parent AS next ON next.tenant_id = $1
  AND next.parent_id = link.far)
SELECT near, far
FROM link
LIMIT 10001;
--> CO-ROUTINE link
-->   SETUP
-->     SEARCH lot_parent USING COVERING INDEX sqlite_autoindex_lot_parent_1 (tenant_id=?)
-->   RECURSIVE STEP
-->     SEARCH next USING COVERING INDEX sqlite_autoindex_lot_parent_1 (tenant_id=?)
-->     SCAN link
--> SCAN link

-- 7
SELECT lot.id, lot.item_id, item.sku, item.name, item.grace_days, lot.batch_code, lot.expires_on, lot.date_kind, lot.hold,
lot.opened_at, lot.void, lot.origin_line, document.id AS document_id, document.type AS document_type, document.number AS document_number,
document.effective_at, location.path AS location, document.external_ref, document.site_id, site.time_zone, site.day_starts_at
FROM lot
JOIN item ON item.tenant_id = lot.tenant_id
AND item.id = lot.item_id
JOIN document ON document.tenant_id = lot.tenant_id
AND document.id = lot.origin_document_id
JOIN location ON location.tenant_id = document.tenant_id
AND location.id = document.location_id
JOIN location AS site ON site.tenant_id = document.tenant_id
AND site.id = document.site_id
WHERE lot.tenant_id = $1
AND lot.id IN (SELECT unhex(value->>'$[0]') AS id
  FROM json_each($2));
--> SEARCH lot USING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)
--> LIST SUBQUERY 1
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   CREATE BLOOM FILTER
--> SEARCH document USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH site USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)

-- 8
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

-- 9
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

-- 10
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
