-- buy_batch decides many buys of one sale in their order: what is known of their buyers is
-- read in one query, the sale's one row is locked once, what was reserved is written in one
-- query, and one commit syncs it all. The lock comes before the look at what buyers hold, so
-- several fronts may call at once. When nothing is left that anybody wants, it reads only.
CREATE FUNCTION buy_batch(the_sale text, buyers text[], keys text[], wanted int[], until timestamptz[],
	OUT outcomes int[], OUT places bigint[]) AS $$
DECLARE
	n int := cardinality(buyers);
	remaining int;
	last_seq bigint;
	the_cap int;
	who int[];      -- of each buy: its buyer, as a number below n
	held bigint[];  -- what that buyer held before the batch
	known bigint[]; -- place of the order that its key made before the batch
	same int[];     -- the buy before it in the batch under the same key
	more int[] := array_fill(0, ARRAY[n]); -- by buyer: what the batch has reserved
	placed bigint[] := array_fill(NULL::bigint, ARRAY[n]); -- of each buy: the order that it made
	place bigint;
BEGIN
	SELECT s.available, s.seq, s.cap INTO remaining, last_seq, the_cap FROM sales s WHERE s.id = the_sale;
	IF NOT FOUND THEN
		outcomes := array_fill(3, ARRAY[n]);
		places := array_fill(0::bigint, ARRAY[n]);
		RETURN;
	END IF;
	IF remaining >= (SELECT min(w) FROM unnest(wanted) w) THEN
		SELECT s.available, s.seq INTO remaining, last_seq FROM sales s WHERE s.id = the_sale FOR UPDATE;
	END IF;

	SELECT array_agg(b.who ORDER BY b.i), array_agg(coalesce(o.held, 0) ORDER BY b.i), array_agg(o.place ORDER BY b.i), array_agg(b.same ORDER BY b.i)
		INTO who, held, known, same
		FROM (SELECT r.i, r.buyer, r.key, dense_rank() OVER (ORDER BY r.buyer) AS who, lag(r.i) OVER (PARTITION BY r.buyer, r.key ORDER BY r.i) AS same
			FROM unnest(buyers, keys) WITH ORDINALITY AS r (buyer, key, i)) b,
		LATERAL (SELECT sum(o.quantity) FILTER (WHERE o.state IN ('reserved', 'paid')) AS held, max(o.seq) FILTER (WHERE o.key = b.key) AS place
			FROM orders o WHERE o.sale = the_sale AND o.buyer = b.buyer) o;

	outcomes := array_fill(0, ARRAY[n]);
	places := array_fill(0::bigint, ARRAY[n]);
	FOR i IN 1..n LOOP
		place := coalesce(known[i], nullif(places[same[i]], 0));
		IF place IS NOT NULL THEN
			places[i] := place;
		ELSIF held[i] + more[who[i]] + wanted[i] > the_cap THEN
			outcomes[i] := 2;
		ELSIF wanted[i] > remaining THEN
			outcomes[i] := 1;
		ELSE
			remaining := remaining - wanted[i];
			last_seq := last_seq + 1;
			more[who[i]] := more[who[i]] + wanted[i];
			places[i] := last_seq;
			placed[i] := last_seq;
		END IF;
	END LOOP;

	INSERT INTO orders (sale, buyer, key, seq, quantity, deadline)
		SELECT the_sale, o.buyer, o.key, o.place, o.quantity, o.deadline
			FROM unnest(buyers, keys, placed, wanted, until) AS o (buyer, key, place, quantity, deadline) WHERE o.place IS NOT NULL;
	IF FOUND THEN
		UPDATE sales s SET available = remaining, seq = last_seq WHERE s.id = the_sale;
	END IF;
END $$ LANGUAGE plpgsql;
