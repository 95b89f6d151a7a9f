-- list of transformations
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 text
SELECT document.*, location.path AS location
FROM document
JOIN location ON location.tenant_id = document.tenant_id
AND location.id = document.location_id
WHERE document.tenant_id = $1
AND document.type = $2
ORDER BY document.number DESC
LIMIT 51;
--> Limit
-->   ->  Nested Loop
-->         Join Filter: (document.location_id = location.id)
-->         ->  Index Scan Backward using ix_document_type_number on document
-->               Index Cond: ((tenant_id = $1) AND ((type)::text = $2))
-->         ->  Materialize
-->               ->  Seq Scan on location
-->                     Filter: (tenant_id = $1)
