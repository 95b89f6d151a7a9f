-- where a lot came from and went to
-- statements: 10, round trips: 10

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

-- 5
-- $1 uuid, $2 uuid
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
--> Limit
-->   CTE link
-->     ->  Recursive Union
-->           ->  Index Only Scan using lot_parent_pkey on lot_parent
-->                 Index Cond: ((tenant_id = $1) AND (lot_id = $2))
-->           ->  Hash Join
-->                 Hash Cond: (next.lot_id = link_1.far)
-->                 ->  Bitmap Heap Scan on lot_parent next
-->                       Recheck Cond: (tenant_id = $1)
-->                       ->  Bitmap Index Scan on ix_lot_parent_parent_id
-->                             Index Cond: (tenant_id = $1)
-->                 ->  Hash
-->                       ->  WorkTable Scan on link link_1
-->   ->  CTE Scan on link

-- 6
-- $1 uuid, $2 uuid
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
--> Limit
-->   CTE link
-->     ->  Recursive Union
-->           ->  Index Scan using ix_lot_parent_parent_id on lot_parent
-->                 Index Cond: ((tenant_id = $1) AND (parent_id = $2))
-->           ->  Hash Join
-->                 Hash Cond: (next.parent_id = link_1.far)
-->                 ->  Bitmap Heap Scan on lot_parent next
-->                       Recheck Cond: (tenant_id = $1)
-->                       ->  Bitmap Index Scan on ix_lot_parent_parent_id
-->                             Index Cond: (tenant_id = $1)
-->                 ->  Hash
-->                       ->  WorkTable Scan on link link_1
-->   ->  CTE Scan on link

-- 7
-- $1 uuid, $2 jsonb
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
AND lot.id IN (SELECT (value->>0)::uuid AS id
  FROM jsonb_array_elements($2::jsonb) AS given(value));
--> Nested Loop
-->   Join Filter: (document.site_id = site.id)
-->   ->  Seq Scan on location site
-->         Filter: (tenant_id = $1)
-->   ->  Materialize
-->         ->  Nested Loop
-->               Join Filter: (document.location_id = location.id)
-->               ->  Seq Scan on location
-->                     Filter: (tenant_id = $1)
-->               ->  Materialize
-->                     ->  Nested Loop
-->                           ->  Nested Loop
-->                                 ->  Nested Loop
-->                                       ->  HashAggregate
-->                                             Group Key: ((given.value ->> 0))::uuid
-->                                             ->  Function Scan on jsonb_array_elements given
-->                                       ->  Index Scan using lot_pkey on lot
-->                                             Index Cond: (id = ((given.value ->> 0))::uuid)
-->                                             Filter: (tenant_id = $1)
-->                                 ->  Index Scan using item_pkey on item
-->                                       Index Cond: (id = lot.item_id)
-->                                       Filter: (tenant_id = $1)
-->                           ->  Index Scan using document_pkey on document
-->                                 Index Cond: (id = lot.origin_document_id)
-->                                 Filter: (tenant_id = $1)

-- 8
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

-- 9
-- $1 uuid, $2 jsonb
SELECT entry.seq, entry.lot_id, item.sku, entry.kind, entry.document_id, document.type AS document_type, document.number AS document_number,
document.status, entry.location_id, location.path AS location, location.site_id, entry.quantity_delta AS quantity, unit.code AS unit,
entry.effective_at, entry.business_date, detail.purpose, detail.recipient, reason.code AS reason, detail.transfer_id, document.external_ref
FROM (SELECT (value->>0)::uuid AS id
  FROM jsonb_array_elements($2::jsonb) AS given(value)) AS wanted
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
--> Limit
-->   ->  Sort
-->         Sort Key: entry.seq
-->         ->  Nested Loop Left Join
-->               Join Filter: ((reason.tenant_id = entry.tenant_id) AND (reason.id = entry.reason_id))
-->               ->  Nested Loop Left Join
-->                     ->  Nested Loop
-->                           Join Filter: (unit.id = item.base_unit_id)
-->                           ->  Nested Loop
-->                                 ->  Nested Loop
-->                                       ->  Nested Loop
-->                                             Join Filter: (entry.location_id = location.id)
-->                                             ->  Nested Loop
-->                                                   ->  Function Scan on jsonb_array_elements given
-->                                                   ->  Index Scan using ix_ledger_entry_lot_id_seq on ledger_entry entry
-->                                                         Index Cond: ((tenant_id = $1) AND (lot_id = ((given.value ->> 0))::uuid))
-->                                             ->  Materialize
-->                                                   ->  Seq Scan on location
-->                                                         Filter: (tenant_id = $1)
-->                                       ->  Index Scan using document_pkey on document
-->                                             Index Cond: (id = entry.document_id)
-->                                             Filter: (tenant_id = $1)
-->                                 ->  Seq Scan on unit
-->                                       Filter: (tenant_id = $1)
-->                           ->  Index Scan using item_pkey on item
-->                                 Index Cond: (id = entry.item_id)
-->                                 Filter: (tenant_id = $1)
-->                     ->  Index Scan using document_detail_pkey on document_detail detail
-->                           Index Cond: ((tenant_id = entry.tenant_id) AND (tenant_id = $1) AND (document_id = entry.document_id))
-->               ->  Seq Scan on reason
-->                     Filter: (tenant_id = $1)

-- 10
-- $1 uuid, $2 jsonb
SELECT balance.lot_id, item.sku, lot.batch_code, balance.location_id, location.path AS location, location.site_id, balance.quantity,
unit.code AS unit
FROM (SELECT (value->>0)::uuid AS id
  FROM jsonb_array_elements($2::jsonb) AS given(value)) AS wanted
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
--> Limit
-->   ->  Sort
-->         Sort Key: location.path COLLATE "C", item.sku COLLATE "C", lot.origin_seq, lot.origin_line
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     ->  Nested Loop
-->                           ->  Hash Join
-->                                 Hash Cond: (balance.lot_id = ((given.value ->> 0))::uuid)
-->                                 ->  Nested Loop
-->                                       ->  Seq Scan on location
-->                                             Filter: (tenant_id = $1)
-->                                       ->  Index Scan using ix_balance_location_id on balance
-->                                             Index Cond: ((tenant_id = $1) AND (location_id = location.id))
-->                                             Filter: (quantity > 0)
-->                                 ->  Hash
-->                                       ->  Function Scan on jsonb_array_elements given
-->                           ->  Index Scan using lot_pkey on lot
-->                                 Index Cond: (id = balance.lot_id)
-->                                 Filter: (tenant_id = $1)
-->                     ->  Index Scan using item_pkey on item
-->                           Index Cond: (id = balance.item_id)
-->                           Filter: (tenant_id = $1)
-->               ->  Index Scan using unit_pkey on unit
-->                     Index Cond: (id = item.base_unit_id)
-->                     Filter: (tenant_id = $1)
