-- list of reservations
-- statements: 1, round trips: 1

-- 1
-- $1 uuid
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
LIMIT 51;
--> Limit
-->   ->  Sort
-->         Sort Key: reservation.created_at DESC, reservation.id DESC
-->         ->  Hash Join
-->               Hash Cond: (reservation.location_id = location.id)
-->               ->  Hash Join
-->                     Hash Cond: (item.base_unit_id = unit.id)
-->                     ->  Hash Join
-->                           Hash Cond: (reservation.item_id = item.id)
-->                           ->  Bitmap Heap Scan on reservation
-->                                 Recheck Cond: (tenant_id = $1)
-->                                 ->  Bitmap Index Scan on ix_reservation_location_id
-->                                       Index Cond: (tenant_id = $1)
-->                           ->  Hash
-->                                 ->  Bitmap Heap Scan on item
-->                                       Recheck Cond: (tenant_id = $1)
-->                                       ->  Bitmap Index Scan on ix_item_updated_at_id
-->                                             Index Cond: (tenant_id = $1)
-->                     ->  Hash
-->                           ->  Seq Scan on unit
-->                                 Filter: (tenant_id = $1)
-->               ->  Hash
-->                     ->  Seq Scan on location
-->                           Filter: (tenant_id = $1)
