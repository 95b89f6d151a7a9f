-- archiving of a location
-- statements: 9

-- 1
SELECT "location"."id", "location"."tenant_id", "location"."version", "location"."created_at", "location"."updated_at", "location"."parent_id",
"location"."site_id", "location"."kind", "location"."code", "location"."path", "location"."name", "location"."time_zone",
"location"."day_starts_at", "location"."archived_at"
FROM "location"
WHERE "location"."tenant_id" = ?
AND "location"."id" = ?
LIMIT ?;
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)

-- 2
SELECT "location"."id", "location"."tenant_id", "location"."version", "location"."created_at", "location"."updated_at", "location"."parent_id",
"location"."site_id", "location"."kind", "location"."code", "location"."path", "location"."name", "location"."time_zone",
"location"."day_starts_at", "location"."archived_at"
FROM "location"
WHERE "location"."tenant_id" = ?
AND "location"."id" = ?
LIMIT ?;
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)

-- 3: writes ledger_head
UPDATE ledger_head
SET rules_version = rules_version + 1
WHERE tenant_id = $1;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 4
SELECT location.path AS location, item.id AS item_id, item.sku, balance.lot_id, balance.quantity, unit.code AS unit
FROM location
JOIN balance ON balance.tenant_id = location.tenant_id
AND balance.location_id = location.id
JOIN item ON item.tenant_id = balance.tenant_id
AND item.id = balance.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
WHERE location.tenant_id = $1
AND (location.path = $2
  OR (location.path >= $3
    AND location.path < $4))
AND balance.quantity > 0
ORDER BY location.path, item.sku, balance.lot_id
LIMIT 20;
--> SEARCH balance USING INDEX ix_balance_location_id (tenant_id=?)
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 5
SELECT 'transfer' AS kind, transfer.id, transfer.status
FROM transfer
WHERE transfer.tenant_id = $1
AND transfer.status NOT IN ('received', 'cancelled')
AND (transfer.from_location_id IN (SELECT id
    FROM location
    WHERE tenant_id = $1
    AND (path = $2
      OR substr(path, 1, length($2) + 1) = $2 || '/'))
  OR transfer.to_location_id IN (SELECT id
    FROM location
    WHERE tenant_id = $1
    AND (path = $2
      OR substr(path, 1, length($2) + 1) = $2 || '/')))
UNION ALL
SELECT 'count' AS kind, stock_count.id, stock_count.status
FROM stock_count
WHERE stock_count.tenant_id = $1
AND stock_count.status NOT IN ('posted', 'cancelled', 'reversed')
AND (stock_count.location_id IN (SELECT id
    FROM location
    WHERE tenant_id = $1
    AND (path = $2
      OR substr(path, 1, length($2) + 1) = $2 || '/'))
  OR EXISTS (SELECT 1
    FROM stock_count_line AS line
    WHERE line.tenant_id = $1
    AND line.count_id = stock_count.id
    AND line.location_id IN (SELECT id
      FROM location
      WHERE tenant_id = $1
      AND (path = $2
        OR substr(path, 1, length($2) + 1) = $2 || '/'))))
UNION ALL
SELECT 'reservation' AS kind, reservation.id, reservation.status
FROM reservation
WHERE reservation.tenant_id = $1
AND reservation.status = 'active'
AND reservation.location_id IN (SELECT id
  FROM location
  WHERE tenant_id = $1
  AND (path = $2
    OR substr(path, 1, length($2) + 1) = $2 || '/'))
AND (reservation.ends_at IS NULL
  OR reservation.ends_at > $3)
ORDER BY 1, 2
LIMIT 100;
--> MERGE (UNION ALL)
-->   LEFT
-->     MERGE (UNION ALL)
-->       LEFT
-->         SEARCH transfer USING INDEX ix_transfer_to_location_id (tenant_id=?)
-->         LIST SUBQUERY 1
-->           SEARCH location USING INDEX ix_location_site_id (tenant_id=?)
-->           CREATE BLOOM FILTER
-->         LIST SUBQUERY 2
-->           SEARCH location USING INDEX ix_location_site_id (tenant_id=?)
-->           CREATE BLOOM FILTER
-->         USE TEMP B-TREE FOR ORDER BY
-->       RIGHT
-->         SEARCH stock_count USING INDEX ix_stock_count_location_id (tenant_id=?)
-->         LIST SUBQUERY 4
-->           SEARCH location USING INDEX ix_location_site_id (tenant_id=?)
-->           CREATE BLOOM FILTER
-->         CORRELATED SCALAR SUBQUERY 6
-->           SEARCH line USING COVERING INDEX sqlite_autoindex_stock_count_line_1 (tenant_id=? AND count_id=?)
-->           LIST SUBQUERY 5
-->             SEARCH location USING INDEX ix_location_site_id (tenant_id=?)
-->             CREATE BLOOM FILTER
-->         USE TEMP B-TREE FOR ORDER BY
-->   RIGHT
-->     SEARCH reservation USING INDEX ix_reservation_location_id (tenant_id=? AND location_id=?)
-->     LIST SUBQUERY 8
-->       SEARCH location USING INDEX ix_location_site_id (tenant_id=?)
-->       CREATE BLOOM FILTER
-->     USE TEMP B-TREE FOR ORDER BY

-- 6
SELECT "location"."id", "location"."tenant_id", "location"."version", "location"."created_at", "location"."updated_at", "location"."parent_id",
"location"."site_id", "location"."kind", "location"."code", "location"."path", "location"."name", "location"."time_zone",
"location"."day_starts_at", "location"."archived_at"
FROM "location"
WHERE "location"."tenant_id" = ?
AND "location"."parent_id" = ?
AND "location"."archived_at" IS NULL
AND "location"."kind" <> ?
LIMIT ?;
--> SEARCH location USING INDEX ix_location_site_id (tenant_id=?)

-- 7: writes location
UPDATE "location"
SET "version" = ?, "created_at" = ?, "updated_at" = ?, "parent_id" = ?, "site_id" = ?, "kind" = ?, "code" = ?, "path" = ?,
"name" = ?, "time_zone" = ?, "day_starts_at" = ?, "archived_at" = ?
WHERE "location"."tenant_id" = ?
AND "location"."id" = ?;
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)

-- 8
SELECT "location"."id", "location"."tenant_id", "location"."version", "location"."created_at", "location"."updated_at", "location"."parent_id",
"location"."site_id", "location"."kind", "location"."code", "location"."path", "location"."name", "location"."time_zone",
"location"."day_starts_at", "location"."archived_at"
FROM "location"
WHERE "location"."tenant_id" = ?
AND "location"."site_id" = ?
AND "location"."kind" = ?
LIMIT ?;
--> SEARCH location USING INDEX ix_location_site_id (tenant_id=? AND site_id=?)

-- 9: writes location
UPDATE "location"
SET "version" = ?, "created_at" = ?, "updated_at" = ?, "parent_id" = ?, "site_id" = ?, "kind" = ?, "code" = ?, "path" = ?,
"name" = ?, "time_zone" = ?, "day_starts_at" = ?, "archived_at" = ?
WHERE "location"."tenant_id" = ?
AND "location"."id" = ?;
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
