-- list of documents, a later page
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 bigint, $3 bigint
SELECT document.*, location.path AS location
FROM document
JOIN location ON location.tenant_id = document.tenant_id
AND location.id = document.location_id
WHERE document.tenant_id = $1
AND document.last_seq <= $2
AND (document.last_seq < $2
  OR COALESCE(document.position, 0) < $3)
ORDER BY document.last_seq DESC, COALESCE(document.position, 0) DESC
LIMIT 2;
--> Limit
-->   ->  Incremental Sort
-->         Sort Key: document.last_seq DESC, (COALESCE(document."position", '0'::bigint)) DESC
-->         Presorted Key: document.last_seq
-->         ->  Nested Loop
-->               Join Filter: (document.location_id = location.id)
-->               ->  Index Scan Backward using ix_document_last_seq on document
-->                     Index Cond: ((tenant_id = $1) AND (last_seq <= $2))
-->                     Filter: ((last_seq < $2) OR (COALESCE("position", '0'::bigint) < $3))
-->               ->  Materialize
-->                     ->  Seq Scan on location
-->                           Filter: (tenant_id = $1)
