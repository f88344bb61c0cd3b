-- The rows that every buy changes get nearly empty pages, so that each new version
-- of a row finds room in its own page and touches no index.
CREATE TABLE sales (
	id        text PRIMARY KEY,
	available int NOT NULL,
	seq       bigint NOT NULL DEFAULT 0,
	cap       int NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE shards (
	sale      text NOT NULL,
	shard     int NOT NULL,
	available int NOT NULL,
	PRIMARY KEY (sale, shard)
) WITH (fillfactor = 10);

CREATE SEQUENCE places;

CREATE TABLE orders (
	sale       text NOT NULL,
	buyer      text NOT NULL,
	key        text NOT NULL,
	seq        bigint NOT NULL,
	quantity   int NOT NULL,
	shard      int NOT NULL DEFAULT 0,
	deadline   timestamptz NOT NULL,
	state      text NOT NULL DEFAULT 'reserved',
	PRIMARY KEY (sale, buyer, key)
);
CREATE INDEX orders_due ON orders (deadline) WHERE state = 'reserved';

-- Outcomes of a buy: 0 reserved, 1 sold out, 2 cap exceeded, 3 unknown sale.

-- known answers what the buyer's own orders decide: the same key again, or the cap.
-- It takes a lock on the buyer, so that two buys of one buyer come one after the
-- other; that lock is in memory only.
CREATE FUNCTION known(the_sale text, the_buyer text, the_key text, wanted int, the_cap int, OUT outcome int, OUT place bigint) AS $$
DECLARE
	held bigint;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended(the_buyer, hashtext(the_sale)));
	SELECT sum(o.quantity) FILTER (WHERE o.state IN ('reserved', 'paid')), max(o.seq) FILTER (WHERE o.key = the_key)
		INTO held, place FROM orders o WHERE o.sale = the_sale AND o.buyer = the_buyer;
	IF place IS NOT NULL THEN
		outcome := 0;
	ELSIF coalesce(held, 0) + wanted > the_cap THEN
		outcome := 2;
	END IF;
END $$ LANGUAGE plpgsql;

-- buy_row_lock counts in the sale's one row. The row's lock is taken last, and held
-- until the commit is on disk. A refusal reads only.
CREATE FUNCTION buy_row_lock(the_sale text, the_buyer text, the_key text, wanted int, until timestamptz, OUT outcome int, OUT place bigint) AS $$
DECLARE
	the_cap int;
	remaining int;
BEGIN
	SELECT s.cap INTO the_cap FROM sales s WHERE s.id = the_sale;
	IF NOT FOUND THEN
		outcome := 3;
		RETURN;
	END IF;
	SELECT k.outcome, k.place INTO outcome, place FROM known(the_sale, the_buyer, the_key, wanted, the_cap) k;
	IF outcome IS NOT NULL THEN
		RETURN;
	END IF;
	SELECT s.available INTO remaining FROM sales s WHERE s.id = the_sale;
	IF remaining >= wanted THEN
		WITH taken AS (
			UPDATE sales s SET available = s.available - wanted, seq = s.seq + 1
				WHERE s.id = the_sale AND s.available >= wanted RETURNING s.seq
		)
		INSERT INTO orders (sale, buyer, key, seq, quantity, deadline)
			SELECT the_sale, the_buyer, the_key, taken.seq, wanted, until FROM taken RETURNING orders.seq INTO place;
	END IF;
	outcome := CASE WHEN place IS NULL THEN 1 ELSE 0 END;
END $$ LANGUAGE plpgsql;

-- buy_sharded counts in many rows: each connection prefers a row of its own and skips
-- rows that others have locked, so commits share the disk's syncs. Nobody is refused
-- while a committed row has enough: when only locked rows are left it waits for them.
-- A row of its own may be short of what is wanted while all together are not, so an
-- order for more than any row has is refused: the price of this shape.
CREATE FUNCTION buy_sharded(the_sale text, the_buyer text, the_key text, wanted int, until timestamptz, OUT outcome int, OUT place bigint) AS $$
DECLARE
	the_cap int;
	mine int := pg_backend_pid() % 64;
	taken int;
BEGIN
	SELECT s.cap INTO the_cap FROM sales s WHERE s.id = the_sale;
	IF NOT FOUND THEN
		outcome := 3;
		RETURN;
	END IF;
	SELECT k.outcome, k.place INTO outcome, place FROM known(the_sale, the_buyer, the_key, wanted, the_cap) k;
	IF outcome IS NOT NULL THEN
		RETURN;
	END IF;
	LOOP
		PERFORM 1 FROM shards s WHERE s.sale = the_sale AND s.available >= wanted LIMIT 1;
		IF NOT FOUND THEN
			outcome := 1;
			RETURN;
		END IF;
		SELECT s.shard INTO taken FROM shards s WHERE s.sale = the_sale AND s.shard = mine AND s.available >= wanted FOR UPDATE SKIP LOCKED;
		EXIT WHEN taken IS NOT NULL;
		SELECT s.shard INTO taken FROM shards s WHERE s.sale = the_sale AND s.available >= wanted LIMIT 1 FOR UPDATE SKIP LOCKED;
		EXIT WHEN taken IS NOT NULL;
		SELECT s.shard INTO taken FROM shards s WHERE s.sale = the_sale AND s.available >= wanted LIMIT 1 FOR UPDATE;
		EXIT WHEN taken IS NOT NULL;
	END LOOP;
	UPDATE shards s SET available = s.available - wanted WHERE s.sale = the_sale AND s.shard = taken;
	place := nextval('places');
	INSERT INTO orders (sale, buyer, key, seq, quantity, shard, deadline) VALUES (the_sale, the_buyer, the_key, place, wanted, taken, until);
	outcome := 0;
END $$ LANGUAGE plpgsql;

-- expire gives back what is due, at most 1000 orders in one go, and returns how many.
CREATE FUNCTION expire(until timestamptz) RETURNS int AS $$
DECLARE
	o record;
	expired int := 0;
BEGIN
	FOR o IN SELECT * FROM orders WHERE state = 'reserved' AND deadline <= until ORDER BY deadline, seq LIMIT 1000 FOR UPDATE SKIP LOCKED LOOP
		UPDATE orders SET state = 'expired' WHERE sale = o.sale AND buyer = o.buyer AND key = o.key;
		UPDATE shards SET available = available + o.quantity WHERE sale = o.sale AND shard = o.shard;
		IF NOT FOUND THEN
			UPDATE sales SET available = available + o.quantity WHERE id = o.sale;
		END IF;
		expired := expired + 1;
	END LOOP;
	RETURN expired;
END $$ LANGUAGE plpgsql;
