-- a lot
-- statements: 4, round trips: 4

-- 1
-- $1 uuid, $2 uuid
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
--> Nested Loop
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     ->  Index Scan using lot_pkey on lot
-->                           Index Cond: (id = $2)
-->                           Filter: (tenant_id = $1)
-->                     ->  Index Scan using uq_item_id on item
-->                           Index Cond: ((tenant_id = $1) AND (id = lot.item_id))
-->               ->  Index Scan using unit_pkey on unit
-->                     Index Cond: (id = item.base_unit_id)
-->                     Filter: (tenant_id = $1)
-->         ->  Index Scan using uq_document_id on document
-->               Index Cond: ((tenant_id = $1) AND (id = lot.origin_document_id))
-->   ->  Index Scan using location_pkey on location site
-->         Index Cond: (id = document.site_id)
-->         Filter: (tenant_id = $1)
-->   SubPlan 1
-->     ->  Aggregate
-->           ->  Index Scan using ix_balance_lot_id on balance
-->                 Index Cond: ((tenant_id = $1) AND (lot_id = lot.id))
-->   SubPlan 2
-->     ->  Aggregate
-->           ->  Index Scan using ix_balance_lot_id on balance balance_1
-->                 Index Cond: ((tenant_id = $1) AND (lot_id = lot.id))

-- 2
-- $1 uuid, $2 uuid
SELECT balance.location_id, location.path AS location, balance.quantity, balance.value
FROM balance
JOIN location ON location.tenant_id = balance.tenant_id
AND location.id = balance.location_id
WHERE balance.tenant_id = $1
AND balance.lot_id = $2
AND balance.quantity > 0
ORDER BY location.path;
--> Sort
-->   Sort Key: location.path COLLATE "C"
-->   ->  Nested Loop
-->         Join Filter: (balance.location_id = location.id)
-->         ->  Index Scan using ix_balance_lot_id on balance
-->               Index Cond: ((tenant_id = $1) AND (lot_id = $2))
-->               Filter: (quantity > 0)
-->         ->  Seq Scan on location
-->               Filter: (tenant_id = $1)

-- 3
-- $1 uuid, $2 jsonb
SELECT link.lot_id, link.parent_id, link.quantity, link.document_id
FROM lot_parent AS link
WHERE link.tenant_id = $1
AND link.lot_id IN (SELECT (value->>0)::uuid AS id
  FROM jsonb_array_elements($2::jsonb) AS given(value))
ORDER BY 1, 2;
--> Sort
-->   Sort Key: link.lot_id, link.parent_id
-->   ->  Hash Semi Join
-->         Hash Cond: (link.lot_id = ((given.value ->> 0))::uuid)
-->         ->  Bitmap Heap Scan on lot_parent link
-->               Recheck Cond: (tenant_id = $1)
-->               ->  Bitmap Index Scan on ix_lot_parent_parent_id
-->                     Index Cond: (tenant_id = $1)
-->         ->  Hash
-->               ->  Function Scan on jsonb_array_elements given

-- 4
-- $1 uuid, $2 uuid
SELECT number, kind, recorded_at, actor_id, expires_on_before, expires_on_after, note
FROM lot_event
WHERE tenant_id = $1
AND lot_id = $2
ORDER BY number;
--> Index Scan using lot_event_pkey on lot_event
-->   Index Cond: ((tenant_id = $1) AND (lot_id = $2))
