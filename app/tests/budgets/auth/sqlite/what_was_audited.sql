-- what was audited
-- statements: 1

-- 1
SELECT "audit_event"."id" AS "A_id", "audit_event"."occurred_at" AS "A_occurred_at", "audit_event"."act" AS "A_act", "audit_event"."outcome" AS "A_outcome",
"audit_event"."tenant_id" AS "A_tenant_id", "audit_event"."user_id" AS "A_user_id", "audit_event"."session_id" AS "A_session_id",
"audit_event"."subject" AS "A_subject", "audit_event"."request_id" AS "A_request_id", "audit_event"."times" AS "A_times",
"audit_event"."object_id" AS "A_object_id", "audit_address"."audit_event_id" AS "B_audit_event_id", "audit_address"."address" AS "B_address",
"audit_address"."occurred_at" AS "B_occurred_at"
FROM "audit_event"
LEFT JOIN "audit_address" ON "audit_event"."id" = "audit_address"."audit_event_id"
WHERE "audit_event"."tenant_id" = ?
ORDER BY "audit_event"."occurred_at" DESC, "audit_event"."id" DESC
LIMIT ?;
--> SEARCH audit_event USING INDEX ix_audit_event_tenant_id_occurred_at (tenant_id=?)
--> SEARCH audit_address USING INDEX sqlite_autoindex_audit_address_1 (audit_event_id=?) LEFT-JOIN
--> USE TEMP B-TREE FOR LAST TERM OF ORDER BY
