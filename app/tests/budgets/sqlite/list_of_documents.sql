-- list of documents
-- statements: 1

-- 1
SELECT document.*, location.path AS location
FROM document
JOIN location ON location.tenant_id = document.tenant_id
AND location.id = document.location_id
WHERE document.tenant_id = $1
ORDER BY document.last_seq DESC, COALESCE(document.position, 0) DESC
LIMIT 51;
--> SEARCH document USING INDEX ix_document_last_seq (tenant_id=?)
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> USE TEMP B-TREE FOR LAST TERM OF ORDER BY
