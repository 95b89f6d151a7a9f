-- list of adjustments
-- statements: 1

-- 1
SELECT document.*, location.path AS location
FROM document
JOIN location ON location.tenant_id = document.tenant_id
AND location.id = document.location_id
WHERE document.tenant_id = $1
AND document.type = $2
ORDER BY document.number DESC
LIMIT 51;
--> SEARCH document USING INDEX ix_document_type_number (tenant_id=? AND type=?)
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
