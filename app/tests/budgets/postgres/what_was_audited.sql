-- what was audited
-- statements: 1, round trips: 1

-- 1
-- $1 uuid
SELECT audit_event.*
FROM audit_event
WHERE audit_event.tenant_id = $1
ORDER BY audit_event.at DESC, audit_event.id DESC
LIMIT 51;
--> Limit
-->   ->  Index Scan Backward using ix_audit_event_at_id on audit_event
-->         Index Cond: (tenant_id = $1)
