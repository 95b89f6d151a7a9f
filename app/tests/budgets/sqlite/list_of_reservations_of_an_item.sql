-- list of reservations of an item
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
AND reservation.status = 'active'
AND (reservation.ends_at IS NULL
  OR reservation.ends_at > $2)
AND reservation.item_id = (SELECT named.id
  FROM item AS named
  WHERE named.tenant_id = $1
  AND named.sku = $3)
ORDER BY reservation.created_at DESC, reservation.id DESC
LIMIT 51;
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> SCALAR SUBQUERY 1
-->   SEARCH named USING INDEX ix_item_sku (tenant_id=? AND sku=?)
--> REUSE SUBQUERY 1
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH reservation USING INDEX ix_reservation_item_id_location_id (tenant_id=? AND item_id=?)
--> REUSE SUBQUERY 1
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> USE TEMP B-TREE FOR ORDER BY
