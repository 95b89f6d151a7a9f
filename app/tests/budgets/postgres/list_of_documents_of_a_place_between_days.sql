-- list of documents of a place between days
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 uuid, $3 date, $4 date
SELECT document.*, location.path AS location
FROM document
JOIN location ON location.tenant_id = document.tenant_id
AND location.id = document.location_id
WHERE document.tenant_id = $1
AND document.location_id = $2
AND document.business_date >= $3
AND document.business_date <= $4
ORDER BY document.last_seq DESC, COALESCE(document.position, 0) DESC
LIMIT 51;
--> Limit
-->   ->  Sort
-->         Sort Key: document.last_seq DESC, (COALESCE(document."position", '0'::bigint)) DESC
-->         ->  Nested Loop
-->               ->  Index Scan using ix_document_location_id on document
-->                     Index Cond: ((tenant_id = $1) AND (location_id = $2))
-->                     Filter: ((business_date >= $3) AND (business_date <= $4))
-->               ->  Seq Scan on location
-->                     Filter: ((tenant_id = $1) AND (id = $2))
