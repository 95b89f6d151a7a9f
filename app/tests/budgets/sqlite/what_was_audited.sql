-- what was audited
-- statements: 1

-- 1
SELECT audit_event.*
FROM audit_event
WHERE audit_event.tenant_id = $1
ORDER BY audit_event.at DESC, audit_event.id DESC
LIMIT 51;
--> SEARCH audit_event USING INDEX ix_audit_event_at_id (tenant_id=?)
