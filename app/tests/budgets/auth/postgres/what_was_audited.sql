-- what was audited
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 bigint
SELECT "audit_event"."id" AS "A_id", "audit_event"."occurred_at" AS "A_occurred_at", "audit_event"."act" AS "A_act", "audit_event"."outcome" AS "A_outcome",
"audit_event"."tenant_id" AS "A_tenant_id", "audit_event"."user_id" AS "A_user_id", "audit_event"."session_id" AS "A_session_id",
"audit_event"."subject" AS "A_subject", "audit_event"."request_id" AS "A_request_id", "audit_event"."times" AS "A_times",
"audit_event"."object_id" AS "A_object_id", "audit_address"."audit_event_id" AS "B_audit_event_id", "audit_address"."address" AS "B_address",
"audit_address"."occurred_at" AS "B_occurred_at"
FROM "audit_event"
LEFT JOIN "audit_address" ON "audit_event"."id" = "audit_address"."audit_event_id"
WHERE "audit_event"."tenant_id" = $1
ORDER BY "audit_event"."occurred_at" DESC, "audit_event"."id" DESC
LIMIT $2;
--> Limit
-->   ->  Incremental Sort
-->         Sort Key: audit_event.occurred_at DESC, audit_event.id DESC
-->         Presorted Key: audit_event.occurred_at
-->         ->  Nested Loop Left Join
-->               ->  Index Scan Backward using ix_audit_event_tenant_id_occurred_at on audit_event
-->                     Index Cond: (tenant_id = $1)
-->               ->  Index Scan using audit_address_pkey on audit_address
-->                     Index Cond: (audit_event_id = audit_event.id)
