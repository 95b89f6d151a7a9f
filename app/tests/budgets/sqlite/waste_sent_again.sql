-- waste, sent again
-- statements: 3

-- 1: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, 0, '', $5)
ON CONFLICT DO NOTHING;

-- 2
SELECT fingerprint, status, body
FROM idempotency
WHERE tenant_id = $1
AND actor_id = $2
AND key = $3;
--> SEARCH idempotency USING INDEX sqlite_autoindex_idempotency_1 (tenant_id=? AND actor_id=? AND key=?)

-- 3
SELECT location.id AS location_id, site.id AS site_id, site.time_zone, site.day_starts_at
FROM location
JOIN location AS site ON site.tenant_id = location.tenant_id
AND site.id = location.site_id
WHERE location.tenant_id = $1
AND location.id IN (SELECT unhex(value->>'$[0]') AS id
  FROM json_each($2));
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> LIST SUBQUERY 1
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   CREATE BLOOM FILTER
--> SEARCH site USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
