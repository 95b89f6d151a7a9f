-- release of a reservation
-- statements: 6

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
AND reservation.id = $2;
--> SEARCH reservation USING INDEX sqlite_autoindex_reservation_2 (tenant_id=? AND id=?)
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)

-- 2: writes stock_key
INSERT INTO stock_key (tenant_id, item_id, location_id)
SELECT *
FROM (SELECT COALESCE($1, value) AS tenant_id, unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id
  FROM json_each($2)) AS wanted
WHERE true
ORDER BY item_id, location_id
ON CONFLICT DO NOTHING;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> USE TEMP B-TREE FOR ORDER BY

-- 3: writes reservation
UPDATE reservation
SET status = 'ended', version = reservation.version + 1, updated_at = $3
FROM (SELECT COALESCE($1, value) AS tenant_id, unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id
  FROM json_each($2)) AS wanted
WHERE reservation.tenant_id = wanted.tenant_id
AND reservation.item_id = wanted.item_id
AND reservation.location_id = wanted.location_id
AND reservation.status = 'active'
AND reservation.ends_at <= $3
RETURNING reservation.item_id, reservation.location_id, reservation.quantity - reservation.taken AS rest;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH reservation USING INDEX ix_reservation_item_id_location_id (tenant_id=? AND item_id=? AND location_id=?)

-- 4
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
--> SEARCH reservation USING INDEX sqlite_autoindex_reservation_2 (tenant_id=? AND id=?)
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)

-- 5: writes stock_key
UPDATE stock_key
SET reserved_quantity = stock_key.reserved_quantity + now.quantity
FROM (SELECT COALESCE($1, value) AS tenant_id, unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id, (value->>'$[2]') AS quantity
  FROM json_each($2)) AS now
WHERE stock_key.tenant_id = now.tenant_id
AND stock_key.item_id = now.item_id
AND stock_key.location_id = now.location_id;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH stock_key USING INDEX sqlite_autoindex_stock_key_1 (tenant_id=? AND item_id=? AND location_id=?)

-- 6: writes reservation
UPDATE "reservation"
SET "version" = ?, "updated_at" = ?, "status" = ?
WHERE "reservation"."tenant_id" = ?
AND "reservation"."id" = ?;
--> SEARCH reservation USING INDEX sqlite_autoindex_reservation_2 (tenant_id=? AND id=?)
