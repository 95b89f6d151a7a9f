-- list of transfers
-- statements: 1

-- 1
SELECT transfer.id, transfer.number, transfer.status, transfer.from_location_id, origin.path AS from_location, transfer.to_location_id,
goal.path AS to_location, transfer.dispatched_at, transfer.external_ref, transfer.note, transfer.created_by, transfer.version,
transfer.created_at, transfer.updated_at
FROM transfer
JOIN location AS origin ON origin.tenant_id = transfer.tenant_id
AND origin.id = transfer.from_location_id
JOIN location AS goal ON goal.tenant_id = transfer.tenant_id
AND goal.id = transfer.to_location_id
WHERE transfer.tenant_id = $1
ORDER BY transfer.number DESC
LIMIT 51;
--> SEARCH transfer USING INDEX ix_transfer_number (tenant_id=?)
--> SEARCH origin USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH goal USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
