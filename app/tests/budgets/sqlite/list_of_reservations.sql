-- list of reservations
-- statements: 1

-- 1
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
--> SEARCH reservation USING INDEX ix_reservation_location_id (tenant_id=?)
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> USE TEMP B-TREE FOR ORDER BY
