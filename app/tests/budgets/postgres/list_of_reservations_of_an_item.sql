-- list of reservations of an item
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 timestamp with time zone, $3 text
SELECT reservation.*, item.sku, unit.code AS unit, location.path AS location
FROM reservation
JOIN item ON item.tenant_id = reservation.tenant_id
AND item.id = reservation.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN location ON location.tenant_id = reservation.tenant_id
AND location.id = reservation.location_id
WHERE reservation.tenant_id = $1
AND reservation.status = 'active'
AND (reservation.ends_at IS NULL
  OR reservation.ends_at > $2)
AND reservation.item_id = (SELECT named.id
  FROM item AS named
  WHERE named.tenant_id = $1
  AND named.sku = $3)
ORDER BY reservation.created_at DESC, reservation.id DESC
LIMIT 51;
--> Limit
-->   InitPlan 1 (returns $0)
-->     ->  Index Scan using ix_item_sku on item named
-->           Index Cond: ((tenant_id = $1) AND ((sku)::text = $3))
-->   ->  Sort
-->         Sort Key: reservation.created_at DESC, reservation.id DESC
-->         ->  Nested Loop
-->               Join Filter: (reservation.location_id = location.id)
-->               ->  Nested Loop
-->                     Join Filter: (item.base_unit_id = unit.id)
-->                     ->  Nested Loop
-->                           ->  Index Scan using ix_reservation_item_id_location_id on reservation
-->                                 Index Cond: ((tenant_id = $1) AND (item_id = $0))
-->                                 Filter: (((ends_at IS NULL) OR (ends_at > $2)) AND ((status)::text = 'active'::text))
-->                           ->  Index Scan using uq_item_id on item
-->                                 Index Cond: ((tenant_id = $1) AND (id = $0))
-->                     ->  Seq Scan on unit
-->                           Filter: (tenant_id = $1)
-->               ->  Seq Scan on location
-->                     Filter: (tenant_id = $1)
