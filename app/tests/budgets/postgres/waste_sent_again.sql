-- waste, sent again
-- statements: 5, round trips: 5
-- held at COMMIT: RowExclusiveLock: idempotency

-- 1
BEGIN;

-- 2: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, 0, '', $5)
ON CONFLICT DO NOTHING;
--> Insert on idempotency
-->   Conflict Resolution: NOTHING
-->   ->  Result

-- 3
-- $1 uuid, $2 uuid, $3 text
SELECT fingerprint, status, body
FROM idempotency
WHERE tenant_id = $1
AND actor_id = $2
AND key = $3;
--> Index Scan using idempotency_pkey on idempotency
-->   Index Cond: ((tenant_id = $1) AND (actor_id = $2) AND ((key)::text = $3))

-- 4
-- $1 uuid, $2 text
SELECT location.id AS location_id, site.id AS site_id, site.time_zone, site.day_starts_at
FROM location
JOIN location AS site ON site.tenant_id = location.tenant_id
AND site.id = location.site_id
WHERE location.tenant_id = $1
AND location.id IN (SELECT (value->>0)::uuid AS id
  FROM jsonb_array_elements($2::jsonb) AS given(value));
--> Hash Semi Join
-->   Hash Cond: (location.id = ((given.value ->> 0))::uuid)
-->   ->  Hash Join
-->         Hash Cond: (location.site_id = site.id)
-->         ->  Seq Scan on location
-->               Filter: (tenant_id = $1)
-->         ->  Hash
-->               ->  Seq Scan on location site
-->                     Filter: (tenant_id = $1)
-->   ->  Hash
-->         ->  Function Scan on jsonb_array_elements given

-- 5
COMMIT;
