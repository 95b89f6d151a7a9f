-- list of lots
-- statements: 2, round trips: 2

-- 1
-- $1 uuid, $2 date
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
AND EXISTS (SELECT 1
  FROM (SELECT balance.quantity, balance.value, balance.lot_id, balance.location_id
    FROM balance
    WHERE balance.tenant_id = $1) AS lying
  WHERE lying.lot_id = lot.id
  AND lying.quantity > 0)
ORDER BY COALESCE(lot.expires_on, $2), lot.id
LIMIT 51;
--> Limit
-->   ->  Result
-->         ->  Sort
-->               Sort Key: (COALESCE(lot.expires_on, $2)), lot.id
-->               ->  Hash Join
-->                     Hash Cond: (document.site_id = site.id)
-->                     ->  Nested Loop
-->                           ->  Hash Join
-->                                 Hash Cond: ((lot.item_id = item.id) AND (unit.id = item.base_unit_id))
-->                                 ->  Nested Loop
-->                                       ->  Nested Loop
-->                                             ->  HashAggregate
-->                                                   Group Key: balance.lot_id
-->                                                   ->  Bitmap Heap Scan on balance
-->                                                         Recheck Cond: (tenant_id = $1)
-->                                                         Filter: (quantity > 0)
-->                                                         ->  Bitmap Index Scan on ix_balance_location_id
-->                                                               Index Cond: (tenant_id = $1)
-->                                             ->  Materialize
-->                                                   ->  Seq Scan on unit
-->                                                         Filter: (tenant_id = $1)
-->                                       ->  Index Scan using lot_pkey on lot
-->                                             Index Cond: (id = balance.lot_id)
-->                                             Filter: (tenant_id = $1)
-->                                 ->  Hash
-->                                       ->  Bitmap Heap Scan on item
-->                                             Recheck Cond: (tenant_id = $1)
-->                                             ->  Bitmap Index Scan on ix_item_updated_at_id
-->                                                   Index Cond: (tenant_id = $1)
-->                           ->  Index Scan using document_pkey on document
-->                                 Index Cond: (id = lot.origin_document_id)
-->                                 Filter: (tenant_id = $1)
-->                     ->  Hash
-->                           ->  Seq Scan on location site
-->                                 Filter: (tenant_id = $1)
-->         SubPlan 1
-->           ->  Aggregate
-->                 ->  Index Scan using ix_balance_lot_id on balance balance_1
-->                       Index Cond: ((tenant_id = $1) AND (lot_id = lot.id))
-->         SubPlan 2
-->           ->  Aggregate
-->                 ->  Index Scan using ix_balance_lot_id on balance balance_2
-->                       Index Cond: ((tenant_id = $1) AND (lot_id = lot.id))

-- 2
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
