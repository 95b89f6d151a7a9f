-- what is set aside
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 uuid
SELECT reservation.*, item.sku, unit.code AS unit, location.path AS location
FROM reservation
JOIN item ON item.tenant_id = reservation.tenant_id
AND item.id = reservation.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN location ON location.tenant_id = reservation.tenant_id
AND location.id = reservation.location_id
WHERE reservation.tenant_id = $1
AND reservation.id = $2;
--> Nested Loop
-->   Join Filter: (reservation.location_id = location.id)
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               ->  Index Scan using uq_reservation_id on reservation
-->                     Index Cond: ((tenant_id = $1) AND (id = $2))
-->               ->  Index Scan using uq_item_id on item
-->                     Index Cond: ((tenant_id = $1) AND (id = reservation.item_id))
-->         ->  Index Scan using unit_pkey on unit
-->               Index Cond: (id = item.base_unit_id)
-->               Filter: (tenant_id = $1)
-->   ->  Seq Scan on location
-->         Filter: (tenant_id = $1)
