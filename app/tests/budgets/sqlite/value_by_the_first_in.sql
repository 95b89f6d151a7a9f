-- value by the first in
-- statements: 5

-- 1
SELECT document_id AS reversal, reverses_id AS undone
FROM document_detail
WHERE tenant_id = $1
AND reverses_id IS NOT NULL;
--> SEARCH document_detail USING INDEX ix_document_detail_reverses_id (tenant_id=? AND reverses_id>?)

-- 2
SELECT location.id, location.site_id, site.path AS site
FROM location
JOIN location AS site ON site.tenant_id = location.tenant_id
AND site.id = location.site_id
WHERE location.tenant_id = $1
ORDER BY site.path;
--> SEARCH location USING INDEX ix_location_site_id (tenant_id=?)
--> SEARCH site USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 3
SELECT location.id
FROM location
WHERE location.tenant_id = $1;
--> SEARCH location USING COVERING INDEX sqlite_autoindex_location_2 (tenant_id=?)

-- 4
SELECT item.id, item.sku, item.name, unit.code AS unit
FROM item
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
WHERE item.tenant_id = $1
AND EXISTS (SELECT 1
  FROM ledger_entry AS entry
  WHERE entry.tenant_id = item.tenant_id
  AND entry.item_id = item.id)
ORDER BY item.sku;
--> SEARCH item USING INDEX ix_item_sku (tenant_id=?)
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH entry EXISTS USING COVERING INDEX ix_ledger_entry_item_id_seq (tenant_id=? AND item_id=?)

-- 5
SELECT wanted.place, entry.seq, entry.document_id, entry.line_no, entry.kind, entry.location_id, entry.lot_id, entry.quantity_delta,
entry.value_delta, entry.effective_at, entry.business_date, CAST(NULL AS BIGINT) AS paid_quantity, CAST(NULL AS BIGINT) AS paid_value,
CAST(NULL AS BOOLEAN) AS paid_free
FROM (SELECT (value->>'$[0]') AS place, unhex(value->>'$[1]') AS id
  FROM json_each($2)) AS wanted
CROSS JOIN ledger_entry AS entry
WHERE entry.tenant_id = $1
AND entry.item_id = wanted.id
ORDER BY wanted.place, entry.effective_at, entry.seq
LIMIT 10000;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH entry USING INDEX ix_ledger_entry_item_id_seq (tenant_id=? AND item_id=?)
--> USE TEMP B-TREE FOR ORDER BY
