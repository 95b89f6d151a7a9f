-- value by the first in
-- statements: 8, round trips: 8

-- 1
BEGIN;

-- 2
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- 3
-- $1 uuid
SELECT document_id AS reversal, reverses_id AS undone
FROM document_detail
WHERE tenant_id = $1
AND reverses_id IS NOT NULL;
--> Bitmap Heap Scan on document_detail
-->   Recheck Cond: ((tenant_id = $1) AND (reverses_id IS NOT NULL))
-->   ->  Bitmap Index Scan on ix_document_detail_reverses_id
-->         Index Cond: ((tenant_id = $1) AND (reverses_id IS NOT NULL))

-- 4
-- $1 uuid
SELECT location.id, location.site_id, site.path AS site
FROM location
JOIN location AS site ON site.tenant_id = location.tenant_id
AND site.id = location.site_id
WHERE location.tenant_id = $1
ORDER BY site.path;
--> Sort
-->   Sort Key: site.path COLLATE "C"
-->   ->  Hash Join
-->         Hash Cond: (location.site_id = site.id)
-->         ->  Seq Scan on location
-->               Filter: (tenant_id = $1)
-->         ->  Hash
-->               ->  Seq Scan on location site
-->                     Filter: (tenant_id = $1)

-- 5
-- $1 uuid
SELECT location.id
FROM location
WHERE location.tenant_id = $1;
--> Seq Scan on location
-->   Filter: (tenant_id = $1)

-- 6
-- $1 uuid
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
--> Sort
-->   Sort Key: item.sku COLLATE "C"
-->   ->  Nested Loop Semi Join
-->         ->  Hash Join
-->               Hash Cond: (item.base_unit_id = unit.id)
-->               ->  Bitmap Heap Scan on item
-->                     Recheck Cond: (tenant_id = $1)
-->                     ->  Bitmap Index Scan on ix_item_updated_at_id
-->                           Index Cond: (tenant_id = $1)
-->               ->  Hash
-->                     ->  Seq Scan on unit
-->                           Filter: (tenant_id = $1)
-->         ->  Index Only Scan using ix_ledger_entry_item_id_seq on ledger_entry entry
-->               Index Cond: ((tenant_id = $1) AND (item_id = item.id))

-- 7
-- $1 uuid, $2 jsonb
SELECT wanted.place, entry.seq, entry.document_id, entry.line_no, entry.kind, entry.location_id, entry.lot_id, entry.quantity_delta,
entry.value_delta, entry.effective_at, entry.business_date, CAST(NULL AS BIGINT) AS paid_quantity, CAST(NULL AS BIGINT) AS paid_value,
CAST(NULL AS BOOLEAN) AS paid_free
FROM (SELECT (value->>0)::bigint AS place, (value->>1)::uuid AS id
  FROM jsonb_array_elements($2::jsonb) AS given(value)) AS wanted
CROSS JOIN LATERAL (SELECT *
  FROM ledger_entry AS entry
  WHERE entry.tenant_id = $1
  AND entry.item_id = wanted.id
  ORDER BY entry.effective_at, entry.seq
  LIMIT 10000) AS entry
ORDER BY wanted.place, entry.effective_at, entry.seq
LIMIT 10000;
--> Limit
-->   ->  Sort
-->         Sort Key: (((given.value ->> 0))::bigint), entry.effective_at, entry.seq
-->         ->  Nested Loop
-->               ->  Function Scan on jsonb_array_elements given
-->               ->  Limit
-->                     ->  Sort
-->                           Sort Key: entry.effective_at, entry.seq
-->                           ->  Index Scan using ix_ledger_entry_item_id_seq on ledger_entry entry
-->                                 Index Cond: ((tenant_id = $1) AND (item_id = ((given.value ->> 1))::uuid))

-- 8
COMMIT;
