-- list of items, a later page
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 text, $3 bigint
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
AND "item"."archived_at" IS NULL
AND "item"."sku" > $2
ORDER BY "item"."sku" ASC
LIMIT $3;
--> Limit
-->   ->  Nested Loop Left Join
-->         Join Filter: ((item.tenant_id = unit.tenant_id) AND (item.base_unit_id = unit.id))
-->         ->  Index Scan using ix_item_sku on item
-->               Index Cond: ((tenant_id = $1) AND ((sku)::text > $2))
-->               Filter: (archived_at IS NULL)
-->         ->  Materialize
-->               ->  Seq Scan on unit
-->                     Filter: (tenant_id = $1)
