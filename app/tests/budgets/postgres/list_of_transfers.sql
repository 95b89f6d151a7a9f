-- list of transfers
-- statements: 1, round trips: 1

-- 1
-- $1 uuid
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
--> Limit
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               ->  Index Scan Backward using ix_transfer_number on transfer
-->                     Index Cond: (tenant_id = $1)
-->               ->  Memoize
-->                     Cache Key: transfer.from_location_id
-->                     Cache Mode: logical
-->                     ->  Index Scan using location_pkey on location origin
-->                           Index Cond: (id = transfer.from_location_id)
-->                           Filter: (tenant_id = $1)
-->         ->  Memoize
-->               Cache Key: transfer.to_location_id
-->               Cache Mode: logical
-->               ->  Index Scan using location_pkey on location goal
-->                     Index Cond: (id = transfer.to_location_id)
-->                     Filter: (tenant_id = $1)
