CREATE TABLE entry(id INTEGER PRIMARY KEY, name TEXT, grp INTEGER, body TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
INSERT INTO entry SELECT i, 'name' || (i * 7919 % 100003), i * 31 % 997, substr('abcdefghijklmnopqrstuvwxyz', 1, i % 26) || i FROM n;
CREATE INDEX by_name ON entry(name);
CREATE INDEX by_group ON entry(grp, name);
SELECT count(*), sum(length(body)) FROM entry WHERE name LIKE 'name5%';
SELECT count(*) FROM entry a JOIN entry b ON a.name = b.name WHERE a.grp < 200;
SELECT grp, count(*), group_concat(name) FROM entry GROUP BY grp ORDER BY 2 DESC, 1 LIMIT 2;
UPDATE entry SET body = body || name WHERE id % 3 = 0;
DELETE FROM entry WHERE id % 5 = 0;
SELECT count(*), max(length(body)) FROM entry;
