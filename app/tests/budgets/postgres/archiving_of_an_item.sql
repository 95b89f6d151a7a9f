-- archiving of an item
-- statements: 8, round trips: 8
-- held at COMMIT: RowExclusiveLock: item, ledger_head
-- held at COMMIT: RowShareLock: item

-- 1
BEGIN;

-- 2: locks rows of item FOR NO KEY UPDATE
-- $1 uuid, $2 uuid, $3 bigint
SELECT "item"."id", "item"."tenant_id", "item"."version", "item"."created_at", "item"."updated_at", "item"."sku", "item"."name",
"item"."base_unit_id", "item"."kind", "item"."pick", "item"."track_lots", "item"."track_expiry", "item"."date_kind", "item"."grace_days",
"item"."shelf_life_days", "item"."opened_shelf_life_days", "item"."archived_at"
FROM "item"
WHERE "item"."tenant_id" = $1
AND "item"."id" = $2
LIMIT $3
FOR NO KEY UPDATE;
--> Limit
-->   ->  LockRows
-->         ->  Index Scan using uq_item_id on item
-->               Index Cond: ((tenant_id = $1) AND (id = $2))

-- 3
-- $1 uuid, $2 uuid, $3 bigint
SELECT "item"."id" AS "A_id", "item"."tenant_id" AS "A_tenant_id", "item"."version" AS "A_version", "item"."created_at" AS "A_created_at",
"item"."updated_at" AS "A_updated_at", "item"."sku" AS "A_sku", "item"."name" AS "A_name", "item"."base_unit_id" AS "A_base_unit_id",
"item"."kind" AS "A_kind", "item"."pick" AS "A_pick", "item"."track_lots" AS "A_track_lots", "item"."track_expiry" AS "A_track_expiry",
"item"."date_kind" AS "A_date_kind", "item"."grace_days" AS "A_grace_days", "item"."shelf_life_days" AS "A_shelf_life_days",
"item"."opened_shelf_life_days" AS "A_opened_shelf_life_days", "item"."archived_at" AS "A_archived_at", "unit"."id" AS "B_id",
"unit"."tenant_id" AS "B_tenant_id", "unit"."version" AS "B_version", "unit"."created_at" AS "B_created_at", "unit"."updated_at" AS "B_updated_at",
"unit"."code" AS "B_code", "unit"."name" AS "B_name", "unit"."dimension" AS "B_dimension", "unit"."numerator" AS "B_numerator",
"unit"."denominator" AS "B_denominator"
FROM "item"
LEFT JOIN "unit" ON "item"."tenant_id" = "unit"."tenant_id"
AND "item"."base_unit_id" = "unit"."id"
WHERE "item"."tenant_id" = $1
AND "item"."id" = $2
LIMIT $3;
--> Limit
-->   ->  Nested Loop Left Join
-->         Join Filter: ((item.tenant_id = unit.tenant_id) AND (item.base_unit_id = unit.id))
-->         ->  Index Scan using uq_item_id on item
-->               Index Cond: ((tenant_id = $1) AND (id = $2))
-->         ->  Seq Scan on unit
-->               Filter: (tenant_id = $1)

-- 4: writes ledger_head
-- $1 uuid
UPDATE ledger_head
SET rules_version = rules_version + 1
WHERE tenant_id = $1;
--> Update on ledger_head
-->   ->  Seq Scan on ledger_head
-->         Filter: (tenant_id = $1)

-- 5
-- $1 uuid, $2 uuid, $3 integer, $4 bigint
SELECT "balance"."tenant_id", "balance"."item_id", "balance"."location_id", "balance"."lot_id", "balance"."quantity", "balance"."value"
FROM "balance"
WHERE "balance"."tenant_id" = $1
AND "balance"."item_id" = $2
AND "balance"."quantity" > $3
LIMIT $4;
--> Limit
-->   ->  Index Scan using balance_pkey on balance
-->         Index Cond: ((tenant_id = $1) AND (item_id = $2))
-->         Filter: (quantity > $3)

-- 6
-- $1 uuid, $2 uuid, $3 timestamp with time zone
SELECT 'transfer' AS kind, transfer.id, transfer.status
FROM transfer
WHERE transfer.tenant_id = $1
AND transfer.status NOT IN ('received', 'cancelled')
AND EXISTS (SELECT 1
  FROM transfer_line AS line
  WHERE line.tenant_id = $1
  AND line.transfer_id = transfer.id
  AND line.item_id = $2)
UNION ALL
SELECT 'count' AS kind, stock_count.id, stock_count.status
FROM stock_count
WHERE stock_count.tenant_id = $1
AND stock_count.status NOT IN ('posted', 'cancelled', 'reversed')
AND EXISTS (SELECT 1
  FROM stock_count_line AS line
  WHERE line.tenant_id = $1
  AND line.count_id = stock_count.id
  AND line.item_id = $2)
UNION ALL
SELECT 'reservation' AS kind, reservation.id, reservation.status
FROM reservation
WHERE reservation.tenant_id = $1
AND reservation.status = 'active'
AND reservation.item_id = $2
AND (reservation.ends_at IS NULL
  OR reservation.ends_at > $3)
ORDER BY 1, 2
LIMIT 100;
--> Limit
-->   ->  Sort
-->         Sort Key: ('transfer'::text), transfer.id
-->         ->  Append
-->               ->  Nested Loop
-->                     ->  HashAggregate
-->                           Group Key: line.transfer_id
-->                           ->  Index Scan using ix_transfer_line_item_id on transfer_line line
-->                                 Index Cond: ((tenant_id = $1) AND (item_id = $2))
-->                     ->  Index Scan using uq_transfer_id on transfer
-->                           Index Cond: ((tenant_id = $1) AND (id = line.transfer_id))
-->                           Filter: ((status)::text <> ALL ('{received,cancelled}'::text[]))
-->               ->  Nested Loop Semi Join
-->                     Join Filter: (stock_count.id = line_1.count_id)
-->                     ->  Bitmap Heap Scan on stock_count
-->                           Recheck Cond: (tenant_id = $1)
-->                           Filter: ((status)::text <> ALL ('{posted,cancelled,reversed}'::text[]))
-->                           ->  Bitmap Index Scan on ix_stock_count_location_id
-->                                 Index Cond: (tenant_id = $1)
-->                     ->  Index Scan using ix_stock_count_line_item_id on stock_count_line line_1
-->                           Index Cond: ((tenant_id = $1) AND (item_id = $2))
-->               ->  Index Scan using ix_reservation_item_id_location_id on reservation
-->                     Index Cond: ((tenant_id = $1) AND (item_id = $2))
-->                     Filter: (((ends_at IS NULL) OR (ends_at > $3)) AND ((status)::text = 'active'::text))

-- 7: writes item
-- $1 bigint, $2 timestamp with time zone, $3 timestamp with time zone, $4 text, $5 text, $6 uuid, $7 text, $8 text, $9 boolean, $10 boolean, $11 text, $12 bigint, $13 bigint, $14 bigint, $15 timestamp with time zone, $16 uuid, $17 uuid
UPDATE "item"
SET "version" = $1, "created_at" = $2, "updated_at" = $3, "sku" = $4, "name" = $5, "base_unit_id" = $6, "kind" = $7, "pick" = $8,
"track_lots" = $9, "track_expiry" = $10, "date_kind" = $11, "grace_days" = $12, "shelf_life_days" = $13, "opened_shelf_life_days" = $14,
"archived_at" = $15
WHERE "item"."tenant_id" = $16
AND "item"."id" = $17;
--> Update on item
-->   ->  Index Scan using uq_item_id on item
-->         Index Cond: ((tenant_id = $16) AND (id = $17))

-- 8
COMMIT;
