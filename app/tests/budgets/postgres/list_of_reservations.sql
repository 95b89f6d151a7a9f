-- list of reservations
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 bigint
SELECT reservation.*, item.sku, unit.code AS unit, location.path AS location
FROM reservation
JOIN item ON item.tenant_id = reservation.tenant_id
AND item.id = reservation.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN location ON location.tenant_id = reservation.tenant_id
AND location.id = reservation.location_id
WHERE reservation.tenant_id = $1
ORDER BY reservation.created_at DESC, reservation.id DESC
LIMIT $2;
--> Limit
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               Join Filter: (item.base_unit_id = unit.id)
-->               ->  Nested Loop
-->                     ->  Index Scan Backward using ix_reservation_created_at_id on reservation
-->                           Index Cond: (tenant_id = $1)
-->                     ->  Index Scan using item_pkey on item
-->                           Index Cond: (id = reservation.item_id)
-->                           Filter: (tenant_id = $1)
-->               ->  Materialize
-->                     ->  Seq Scan on unit
-->                           Filter: (tenant_id = $1)
-->         ->  Memoize
-->               Cache Key: reservation.location_id
-->               Cache Mode: logical
-->               ->  Index Scan using location_pkey on location
-->                     Index Cond: (id = reservation.location_id)
-->                     Filter: (tenant_id = $1)
