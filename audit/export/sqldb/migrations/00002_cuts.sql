-- +goose Up

-- A restore cuts what was exported. What was beyond a cut stays and says so: lost is the number of
-- the cut, 0 for what is true. So a key may be there again, of the history that goes on.

DROP VIEW reconciliation;
DROP VIEW unsettled;
DROP VIEW refunds;
DROP VIEW revenue_by_sale;
DROP VIEW revenue_by_day;

CREATE TABLE births (
	number    bigint NOT NULL,
	id        text NOT NULL,
	cause     text NOT NULL,
	first_seq bigint NOT NULL,
	height    bigint NOT NULL,
	at        timestamptz NOT NULL,
	lost      bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (number, lost)
);

-- Cuts that were accepted: up to where the rows of before are true, and up to where there were others.
CREATE TABLE cuts (
	number       bigint PRIMARY KEY,
	height       bigint NOT NULL,
	seq          bigint NOT NULL,
	at           timestamptz NOT NULL,
	until_height bigint NOT NULL,
	until_seq    bigint NOT NULL,
	until_at     timestamptz NOT NULL,
	lost_birth   text NOT NULL,
	birth        text NOT NULL,
	rows_lost    bigint NOT NULL,
	written_at   timestamptz NOT NULL
);

ALTER TABLE sales RENAME TO sales_1;
CREATE TABLE sales (
	number         bigint NOT NULL,
	id             text NOT NULL,
	item           text NOT NULL,
	status         text NOT NULL,
	quantity       bigint NOT NULL,
	cap            bigint NOT NULL,
	waitlist       bigint NOT NULL,
	price          bigint NOT NULL,
	currency       text NOT NULL,
	starts_at      timestamptz,
	hold_seconds   bigint NOT NULL,
	zone           text NOT NULL,
	test           boolean NOT NULL,
	created_at     timestamptz NOT NULL,
	revision       bigint NOT NULL,
	changed_by     text,
	changed_seq    bigint NOT NULL,
	changed_at     timestamptz,
	closed_through date NOT NULL,
	lost           bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (number, lost),
	UNIQUE (id, lost)
);
INSERT INTO sales (number, id, item, status, quantity, cap, waitlist, price, currency, starts_at, hold_seconds, zone, test, created_at, revision, changed_by, changed_seq, changed_at, closed_through)
SELECT number, id, item, status, quantity, cap, waitlist, price, currency, starts_at, hold_seconds, zone, test, created_at, revision, changed_by, changed_seq, changed_at, closed_through FROM sales_1;
DROP TABLE sales_1;

ALTER TABLE sale_changes RENAME TO sale_changes_1;
CREATE TABLE sale_changes (
	seq    bigint NOT NULL,
	sale   text NOT NULL,
	verb   text NOT NULL,
	actor  text,
	amount bigint NOT NULL,
	at     timestamptz NOT NULL,
	lost   bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (seq, lost)
);
INSERT INTO sale_changes (seq, sale, verb, actor, amount, at)
SELECT seq, sale, verb, actor, amount, at FROM sale_changes_1;
DROP TABLE sale_changes_1;

ALTER TABLE orders RENAME TO orders_1;
CREATE TABLE orders (
	seq            bigint NOT NULL,
	uid            text NOT NULL,
	sale           text NOT NULL,
	user_ref       text,
	reference      text,
	state          text NOT NULL,
	requested      bigint NOT NULL,
	quantity       bigint NOT NULL,
	attempts       bigint NOT NULL,
	reason         text,
	dispute        text,
	first_ticket   bigint,
	tickets        bigint NOT NULL,
	created_at     timestamptz NOT NULL,
	expires_at     timestamptz,
	changed_height bigint NOT NULL,
	changed_at     timestamptz NOT NULL,
	lost           bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (seq, lost)
);
INSERT INTO orders (seq, uid, sale, user_ref, reference, state, requested, quantity, attempts, reason, dispute, first_ticket, tickets, created_at, expires_at, changed_height, changed_at)
SELECT seq, uid, sale, user_ref, reference, state, requested, quantity, attempts, reason, dispute, first_ticket, tickets, created_at, expires_at, changed_height, changed_at FROM orders_1;
DROP TABLE orders_1;

ALTER TABLE payments RENAME TO payments_1;
CREATE TABLE payments (
	order_seq   bigint NOT NULL,
	attempt     bigint NOT NULL,
	sale        text NOT NULL,
	state       text NOT NULL,
	reason      text,
	amount      bigint NOT NULL,
	currency    text NOT NULL,
	account     text,
	begun_at    timestamptz,
	decided_at  timestamptz,
	captured_at timestamptz,
	returned_at timestamptz,
	lost        bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (order_seq, attempt, lost)
);
INSERT INTO payments (order_seq, attempt, sale, state, reason, amount, currency, account, begun_at, decided_at, captured_at, returned_at)
SELECT order_seq, attempt, sale, state, reason, amount, currency, account, begun_at, decided_at, captured_at, returned_at FROM payments_1;
DROP TABLE payments_1;

ALTER TABLE movements RENAME TO movements_1;
CREATE TABLE movements (
	height    bigint NOT NULL,
	place     bigint NOT NULL,
	at        timestamptz NOT NULL,
	day       date NOT NULL,
	sale      text NOT NULL,
	order_seq bigint NOT NULL,
	attempt   bigint NOT NULL,
	kind      text NOT NULL,
	amount    bigint NOT NULL,
	currency  text NOT NULL,
	lost      bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (height, place, lost)
);
INSERT INTO movements (height, place, at, day, sale, order_seq, attempt, kind, amount, currency)
SELECT height, place, at, day, sale, order_seq, attempt, kind, amount, currency FROM movements_1;
DROP TABLE movements_1;

CREATE INDEX orders_uid ON orders (uid);
CREATE INDEX orders_sale ON orders (sale, state);
CREATE INDEX movements_sale ON movements (sale, day);
CREATE INDEX movements_order ON movements (order_seq);

-- A sale as it is, or as it was when it was lost.
CREATE VIEW known_sales AS
SELECT * FROM sales s
WHERE s.lost = 0
	OR NOT EXISTS (SELECT 1 FROM sales t WHERE t.id = s.id AND (t.lost = 0 OR t.lost > s.lost));

-- Money that was lost is in it on the day on which it was booked, and again, with the other sign, on the
-- day of the cut: a day that is final stays as it is. Sales that are tests are in none of the views.
CREATE VIEW revenue_by_day AS
SELECT m.sale, m.day, m.currency,
	CAST(sum(CASE m.kind WHEN 'captured' THEN m.amount ELSE 0 END) AS bigint) AS captured,
	CAST(sum(CASE m.kind WHEN 'returned' THEN m.amount ELSE 0 END) AS bigint) AS returned,
	CAST(sum(CASE m.kind WHEN 'captured' THEN m.amount ELSE -m.amount END) AS bigint) AS net,
	count(DISTINCT m.order_seq) AS orders,
	m.day <= s.closed_through OR s.lost > 0 AS final
FROM movements m JOIN known_sales s ON s.id = m.sale
WHERE NOT s.test
GROUP BY m.sale, m.day, m.currency, s.closed_through, s.lost;

CREATE VIEW revenue_by_sale AS
SELECT s.id AS sale, s.currency,
	CAST(coalesce(sum(CASE m.kind WHEN 'captured' THEN m.amount END), 0) AS bigint) AS captured,
	CAST(coalesce(sum(CASE m.kind WHEN 'returned' THEN m.amount END), 0) AS bigint) AS returned,
	CAST(coalesce(sum(CASE m.kind WHEN 'captured' THEN m.amount ELSE -m.amount END), 0) AS bigint) AS net,
	(SELECT CAST(coalesce(sum(o.quantity), 0) AS bigint) FROM orders o WHERE o.sale = s.id AND o.state = 'paid' AND o.lost = 0) AS tickets_sold
FROM sales s LEFT JOIN movements m ON m.sale = s.id AND m.lost = 0
WHERE s.lost = 0 AND NOT s.test
GROUP BY s.id, s.currency;

CREATE VIEW refunds AS
SELECT m.at, m.day, m.sale, o.uid, o.user_ref, o.reference, m.amount, m.currency
FROM movements m JOIN orders o ON o.seq = m.order_seq JOIN sales s ON s.id = m.sale
WHERE m.kind = 'returned' AND NOT s.test AND m.lost = 0 AND o.lost = 0 AND s.lost = 0;

-- What the payment provider must still be spoken to about, and refunds that failed.
CREATE VIEW unsettled AS
SELECT o.uid, p.attempt, p.sale, p.state, p.reason, p.amount, p.currency, p.begun_at
FROM payments p JOIN orders o ON o.seq = p.order_seq JOIN sales s ON s.id = p.sale
WHERE p.state IN ('begun', 'accepted', 'refund_failed') AND NOT s.test AND p.lost = 0 AND o.lost = 0 AND s.lost = 0;

-- Nothing may ever be in it: tickets for less money than they cost, money of orders that were
-- never paid, more money back than was taken, and lost money that was not booked back.
CREATE VIEW reconciliation AS
SELECT o.uid, o.sale, o.state, o.quantity, s.price, m.captured, m.returned
FROM (
	SELECT order_seq,
		CAST(sum(CASE kind WHEN 'captured' THEN amount ELSE 0 END) AS bigint) AS captured,
		CAST(sum(CASE kind WHEN 'returned' THEN amount ELSE 0 END) AS bigint) AS returned
	FROM movements WHERE lost = 0 GROUP BY order_seq
) m JOIN orders o ON o.seq = m.order_seq JOIN sales s ON s.id = o.sale
WHERE o.lost = 0 AND s.lost = 0 AND (m.returned > m.captured
	OR o.state NOT IN ('paid', 'refunded')
	OR o.state = 'paid' AND m.captured - m.returned < s.price * o.quantity)
UNION ALL
SELECT CAST(order_seq AS text), sale, 'lost', 0, 0,
	CAST(sum(CASE kind WHEN 'captured' THEN amount ELSE 0 END) AS bigint),
	CAST(sum(CASE kind WHEN 'returned' THEN amount ELSE 0 END) AS bigint)
FROM movements WHERE lost > 0
GROUP BY lost, order_seq, sale, currency
HAVING sum(CASE kind WHEN 'captured' THEN amount ELSE 0 END) <> 0 OR sum(CASE kind WHEN 'returned' THEN amount ELSE 0 END) <> 0;
