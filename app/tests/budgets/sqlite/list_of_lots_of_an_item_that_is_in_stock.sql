-- list of lots of an item that is in stock
-- statements: 2

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
AND lot.item_id = (SELECT named.id
  FROM item AS named
  WHERE named.tenant_id = $1
  AND named.sku = $2)
AND EXISTS (SELECT 1
  FROM (SELECT balance.quantity, balance.value, balance.lot_id, balance.location_id
    FROM balance
    WHERE balance.tenant_id = $1) AS lying
  WHERE lying.lot_id = lot.id
  AND lying.quantity > 0)
ORDER BY COALESCE(lot.expires_on, $3), lot.id
LIMIT 51;
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> SCALAR SUBQUERY 5
-->   SEARCH named USING INDEX ix_item_sku (tenant_id=? AND sku=?)
--> REUSE SUBQUERY 5
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH lot USING INDEX ix_lot_item_id_origin_seq (tenant_id=? AND item_id=?)
--> REUSE SUBQUERY 5
--> CORRELATED SCALAR SUBQUERY 7
-->   SEARCH balance USING INDEX ix_balance_lot_id (tenant_id=? AND lot_id=?)
--> SEARCH document USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)
--> SEARCH site USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> CORRELATED SCALAR SUBQUERY 2
-->   SEARCH balance USING INDEX ix_balance_lot_id (tenant_id=? AND lot_id=?)
--> CORRELATED SCALAR SUBQUERY 4
-->   SEARCH balance USING INDEX ix_balance_lot_id (tenant_id=? AND lot_id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 2
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
