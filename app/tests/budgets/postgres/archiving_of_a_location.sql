-- archiving of a location
-- statements: 11, round trips: 11
-- held at COMMIT: RowExclusiveLock: ledger_head, location
-- held at COMMIT: RowShareLock: location

-- 1
BEGIN;

-- 2
-- $1 uuid, $2 uuid, $3 bigint
SELECT "location"."id", "location"."tenant_id", "location"."version", "location"."created_at", "location"."updated_at", "location"."parent_id",
"location"."site_id", "location"."kind", "location"."code", "location"."path", "location"."name", "location"."time_zone",
"location"."day_starts_at", "location"."archived_at"
FROM "location"
WHERE "location"."tenant_id" = $1
AND "location"."id" = $2
LIMIT $3;
--> Limit
-->   ->  Seq Scan on location
-->         Filter: ((tenant_id = $1) AND (id = $2))

-- 3: locks rows of location FOR NO KEY UPDATE
-- $1 uuid, $2 uuid, $3 bigint
SELECT "location"."id", "location"."tenant_id", "location"."version", "location"."created_at", "location"."updated_at", "location"."parent_id",
"location"."site_id", "location"."kind", "location"."code", "location"."path", "location"."name", "location"."time_zone",
"location"."day_starts_at", "location"."archived_at"
FROM "location"
WHERE "location"."tenant_id" = $1
AND "location"."id" = $2
LIMIT $3
FOR NO KEY UPDATE;
--> Limit
-->   ->  LockRows
-->         ->  Seq Scan on location
-->               Filter: ((tenant_id = $1) AND (id = $2))

-- 4: writes ledger_head
-- $1 uuid
UPDATE ledger_head
SET rules_version = rules_version + 1
WHERE tenant_id = $1;
--> Update on ledger_head
-->   ->  Seq Scan on ledger_head
-->         Filter: (tenant_id = $1)

-- 5
-- $1 uuid, $2 text, $3 text, $4 text
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
--> Limit
-->   ->  Sort
-->         Sort Key: location.path COLLATE "C", item.sku COLLATE "C", balance.lot_id
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     ->  Nested Loop
-->                           ->  Seq Scan on location
-->                                 Filter: ((tenant_id = $1) AND (((path)::text = $2) OR (((path)::text >= $3) AND ((path)::text < $4))))
-->                           ->  Index Scan using ix_balance_location_id on balance
-->                                 Index Cond: ((tenant_id = $1) AND (location_id = location.id))
-->                                 Filter: (quantity > 0)
-->                     ->  Index Scan using item_pkey on item
-->                           Index Cond: (id = balance.item_id)
-->                           Filter: (tenant_id = $1)
-->               ->  Index Scan using unit_pkey on unit
-->                     Index Cond: (id = item.base_unit_id)
-->                     Filter: (tenant_id = $1)

-- 6
-- $1 uuid, $2 text, $3 timestamp with time zone
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
--> Limit
-->   ->  Sort
-->         Sort Key: ('transfer'::text), transfer.id
-->         ->  Append
-->               ->  Bitmap Heap Scan on transfer
-->                     Recheck Cond: (tenant_id = $1)
-->                     Filter: (((status)::text <> ALL ('{received,cancelled}'::text[])) AND ((hashed SubPlan 1) OR (hashed SubPlan 2)))
-->                     ->  Bitmap Index Scan on ix_transfer_to_location_id
-->                           Index Cond: (tenant_id = $1)
-->                     SubPlan 1
-->                       ->  Seq Scan on location location_1
-->                             Filter: ((tenant_id = $1) AND (((path)::text = $2) OR (substr((path)::text, 1, (length($2) + 1)) = ($2 || '/'::text))))
-->                     SubPlan 2
-->                       ->  Seq Scan on location location_2
-->                             Filter: ((tenant_id = $1) AND (((path)::text = $2) OR (substr((path)::text, 1, (length($2) + 1)) = ($2 || '/'::text))))
-->               ->  Bitmap Heap Scan on stock_count
-->                     Recheck Cond: (tenant_id = $1)
-->                     Filter: (((status)::text <> ALL ('{posted,cancelled,reversed}'::text[])) AND ((hashed SubPlan 3) OR (SubPlan 4)))
-->                     ->  Bitmap Index Scan on ix_stock_count_location_id
-->                           Index Cond: (tenant_id = $1)
-->                     SubPlan 3
-->                       ->  Seq Scan on location location_3
-->                             Filter: ((tenant_id = $1) AND (((path)::text = $2) OR (substr((path)::text, 1, (length($2) + 1)) = ($2 || '/'::text))))
-->                     SubPlan 4
-->                       ->  Nested Loop
-->                             Join Filter: (line.location_id = location_4.id)
-->                             ->  Index Only Scan using stock_count_line_pkey on stock_count_line line
-->                                   Index Cond: ((tenant_id = $1) AND (count_id = stock_count.id))
-->                             ->  Bitmap Heap Scan on location location_4
-->                                   Recheck Cond: (tenant_id = $1)
-->                                   Filter: (((path)::text = $2) OR (substr((path)::text, 1, (length($2) + 1)) = ($2 || '/'::text)))
-->                                   ->  Bitmap Index Scan on ix_location_site_id
-->                                         Index Cond: (tenant_id = $1)
-->               ->  Nested Loop
-->                     ->  Bitmap Heap Scan on location
-->                           Recheck Cond: (tenant_id = $1)
-->                           Filter: (((path)::text = $2) OR (substr((path)::text, 1, (length($2) + 1)) = ($2 || '/'::text)))
-->                           ->  Bitmap Index Scan on ix_location_site_id
-->                                 Index Cond: (tenant_id = $1)
-->                     ->  Bitmap Heap Scan on reservation
-->                           Recheck Cond: ((tenant_id = $1) AND (location_id = location.id))
-->                           Filter: (((ends_at IS NULL) OR (ends_at > $3)) AND ((status)::text = 'active'::text))
-->                           ->  Bitmap Index Scan on ix_reservation_location_id
-->                                 Index Cond: ((tenant_id = $1) AND (location_id = location.id))

-- 7
-- $1 uuid, $2 uuid, $3 text, $4 bigint
SELECT "location"."id", "location"."tenant_id", "location"."version", "location"."created_at", "location"."updated_at", "location"."parent_id",
"location"."site_id", "location"."kind", "location"."code", "location"."path", "location"."name", "location"."time_zone",
"location"."day_starts_at", "location"."archived_at"
FROM "location"
WHERE "location"."tenant_id" = $1
AND "location"."parent_id" = $2
AND "location"."archived_at" IS NULL
AND "location"."kind" <> $3
LIMIT $4;
--> Limit
-->   ->  Seq Scan on location
-->         Filter: ((archived_at IS NULL) AND ((kind)::text <> $3) AND (tenant_id = $1) AND (parent_id = $2))

-- 8: writes location
-- $1 bigint, $2 timestamp with time zone, $3 timestamp with time zone, $4 uuid, $5 uuid, $6 text, $7 text, $8 text, $9 text, $10 text, $11 text, $12 timestamp with time zone, $13 uuid, $14 uuid
UPDATE "location"
SET "version" = $1, "created_at" = $2, "updated_at" = $3, "parent_id" = $4, "site_id" = $5, "kind" = $6, "code" = $7, "path" = $8,
"name" = $9, "time_zone" = $10, "day_starts_at" = $11, "archived_at" = $12
WHERE "location"."tenant_id" = $13
AND "location"."id" = $14;
--> Update on location
-->   ->  Seq Scan on location
-->         Filter: ((tenant_id = $13) AND (id = $14))

-- 9
-- $1 uuid, $2 uuid, $3 text, $4 bigint
SELECT "location"."id", "location"."tenant_id", "location"."version", "location"."created_at", "location"."updated_at", "location"."parent_id",
"location"."site_id", "location"."kind", "location"."code", "location"."path", "location"."name", "location"."time_zone",
"location"."day_starts_at", "location"."archived_at"
FROM "location"
WHERE "location"."tenant_id" = $1
AND "location"."site_id" = $2
AND "location"."kind" = $3
LIMIT $4;
--> Limit
-->   ->  Seq Scan on location
-->         Filter: ((tenant_id = $1) AND (site_id = $2) AND ((kind)::text = $3))

-- 10: writes location
-- $1 bigint, $2 timestamp with time zone, $3 timestamp with time zone, $4 uuid, $5 uuid, $6 text, $7 text, $8 text, $9 text, $10 text, $11 text, $12 timestamp with time zone, $13 uuid, $14 uuid
UPDATE "location"
SET "version" = $1, "created_at" = $2, "updated_at" = $3, "parent_id" = $4, "site_id" = $5, "kind" = $6, "code" = $7, "path" = $8,
"name" = $9, "time_zone" = $10, "day_starts_at" = $11, "archived_at" = $12
WHERE "location"."tenant_id" = $13
AND "location"."id" = $14;
--> Update on location
-->   ->  Seq Scan on location
-->         Filter: ((tenant_id = $13) AND (id = $14))

-- 11
COMMIT;
