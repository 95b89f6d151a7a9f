-- list of documents
-- statements: 1, round trips: 1

-- 1
-- $1 uuid
SELECT document.*, location.path AS location
FROM document
JOIN location ON location.tenant_id = document.tenant_id
AND location.id = document.location_id
WHERE document.tenant_id = $1
ORDER BY document.last_seq DESC, COALESCE(document.position, 0) DESC
LIMIT 51;
--> Limit
-->   ->  Incremental Sort
-->         Sort Key: document.last_seq DESC, (COALESCE(document."position", '0'::bigint)) DESC
-->         Presorted Key: document.last_seq
-->         ->  Nested Loop
-->               ->  Index Scan Backward using ix_document_last_seq on document
-->                     Index Cond: (tenant_id = $1)
-->               ->  Memoize
-->                     Cache Key: document.location_id
-->                     Cache Mode: logical
-->                     ->  Index Scan using location_pkey on location
-->                           Index Cond: (id = document.location_id)
-->                           Filter: (tenant_id = $1)
