-- a lot
-- statements: 4

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
