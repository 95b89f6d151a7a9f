-- list of counts
-- statements: 1

-- 1
SELECT stock_count.id, stock_count.version, stock_count.created_at, stock_count.updated_at, stock_count.status, stock_count.location_id,
location.path AS location, stock_count.site_id, stock_count.blind, stock_count.needs_approval, stock_count.uncounted, stock_count.document_id,
stock_count.started_at, stock_count.reviewed_at, stock_count.reviewed_seq, stock_count.approved_by, stock_count.external_ref,
stock_count.note, stock_count.created_by
FROM stock_count
JOIN location ON location.tenant_id = stock_count.tenant_id
AND location.id = stock_count.location_id
WHERE stock_count.tenant_id = $1
ORDER BY stock_count.id DESC
LIMIT 51;
--> SEARCH stock_count USING INDEX sqlite_autoindex_stock_count_2 (tenant_id=?)
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
