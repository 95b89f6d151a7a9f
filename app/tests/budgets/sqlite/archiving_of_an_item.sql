-- archiving of an item
-- statements: 6

-- 1
SELECT "item"."id", "item"."tenant_id", "item"."version", "item"."created_at", "item"."updated_at", "item"."sku", "item"."name",
"item"."base_unit_id", "item"."kind", "item"."pick", "item"."track_lots", "item"."track_expiry", "item"."date_kind", "item"."grace_days",
"item"."shelf_life_days", "item"."opened_shelf_life_days", "item"."archived_at"
FROM "item"
WHERE "item"."tenant_id" = ?
AND "item"."id" = ?
LIMIT ?;
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)

-- 2
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
WHERE "item"."tenant_id" = ?
AND "item"."id" = ?
LIMIT ?;
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?) LEFT-JOIN

-- 3: writes ledger_head
UPDATE ledger_head
SET rules_version = rules_version + 1
WHERE tenant_id = $1;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 4
SELECT "balance"."tenant_id", "balance"."item_id", "balance"."location_id", "balance"."lot_id", "balance"."quantity", "balance"."value"
FROM "balance"
WHERE "balance"."tenant_id" = ?
AND "balance"."item_id" = ?
AND "balance"."quantity" > ?
LIMIT ?;
--> SEARCH balance USING INDEX sqlite_autoindex_balance_1 (tenant_id=? AND item_id=?)

-- 5
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
--> MERGE (UNION ALL)
-->   LEFT
-->     MERGE (UNION ALL)
-->       LEFT
-->         SEARCH transfer USING INDEX ix_transfer_to_location_id (tenant_id=?)
-->         SEARCH line EXISTS USING INDEX ix_transfer_line_item_id (tenant_id=? AND item_id=?)
-->         USE TEMP B-TREE FOR ORDER BY
-->       RIGHT
-->         SEARCH stock_count USING INDEX ix_stock_count_location_id (tenant_id=?)
-->         SEARCH line EXISTS USING COVERING INDEX sqlite_autoindex_stock_count_line_1 (tenant_id=? AND count_id=? AND item_id=?)
-->         USE TEMP B-TREE FOR ORDER BY
-->   RIGHT
-->     SEARCH reservation USING INDEX ix_reservation_item_id_location_id (tenant_id=? AND item_id=?)
-->     USE TEMP B-TREE FOR ORDER BY

-- 6: writes item
UPDATE "item"
SET "version" = ?, "created_at" = ?, "updated_at" = ?, "sku" = ?, "name" = ?, "base_unit_id" = ?, "kind" = ?, "pick" = ?,
"track_lots" = ?, "track_expiry" = ?, "date_kind" = ?, "grace_days" = ?, "shelf_life_days" = ?, "opened_shelf_life_days" = ?,
"archived_at" = ?
WHERE "item"."tenant_id" = ?
AND "item"."id" = ?;
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
